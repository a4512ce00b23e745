__device__ void {{prefix}}part(int group, int thread) const {
  int row = group * {{threads}} + thread;
  if (row >= {{rows}}) {
    return;
  }
{{body}}}
