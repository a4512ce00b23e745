// Where each argument is, and what is done with them.
struct Launch {
{{buffers}}
{{parts}}
__device__ void run(int group, int thread) const {
{{body}}}
};

extern "C" __global__ void __launch_bounds__({{threads}}{{blocks}}) launch(const __grid_constant__ Launch at) {
  int group = blockIdx.y * {{groups_x}} + blockIdx.x;
  if (group < {{groups}}) {
    at.run(group, threadIdx.x);
  }
}
