{{joins}}
// {{lanes}} threads work on a row. Those past the last row repeat it, so that all meet at every barrier.
__device__ void {{prefix}}part(int group, int thread) const {
  int first = group * {{per_group}};
  int lane = thread % {{lanes}};
  bool live = first + thread / {{lanes}} < {{rows}};
  int row = min(first + thread / {{lanes}}, {{rows}} - 1);
{{body}}}
