// CUDA's driver and NVRTC as far as playgrad calls them, on the CPU: machine code is a library that g++ made with
// shim.h, a stream is a list of work that runs when someone waits. Misuse that a GPU might not show ends the process.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

typedef unsigned long long Pointer;
typedef std::function<void()> Work;
enum { OK = 0, INVALID = 1, OUT_OF_MEMORY = 2 };

static const size_t TOTAL = 256 << 20;
static std::map<Pointer, size_t> memory;
static size_t held = 0;
static std::vector<Work> queue;
static int compiled = 0, launched = 0, replayed = 0;

API size_t stub_held() { return held; }
API int stub_compiled() { return compiled; }
API int stub_launched() { return launched; }
API int stub_replayed() { return replayed; }

static void demand(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "the driver was misused: %s\n", what);
  abort();
}

void later(Work work) { queue.push_back(work); }

static void finish() {
  std::vector<Work> due;
  due.swap(queue);
  for (auto& work : due) work();
}

static void inside(Pointer at, size_t bytes) {
  auto after = memory.upper_bound(at);
  demand(after != memory.begin(), "no such memory");
  auto block = std::prev(after);
  demand(at + bytes <= block->first + block->second, "outside an allocation");
}

API int cuInit(unsigned) { return OK; }
API int cuDriverGetVersion(int* version) { return *version = 12080, OK; }
API int cuDeviceGetCount(int* count) { return *count = 1, OK; }
API int cuDeviceGet(int* device, int) { return *device = 0, OK; }
API int cuDeviceGetName(char* name, int size, int) { return snprintf(name, size, "stub"), OK; }
API int cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = TOTAL, OK; }
API int cuDeviceGetAttribute(int* value, int attribute, int) { return *value = attribute == 75 ? 9 : 0, OK; }
API int cuDevicePrimaryCtxRetain(void** context, int) { return *context = (void*)1, OK; }
API int cuDevicePrimaryCtxRelease_v2(int) { return OK; }
API int cuCtxSetCurrent(void*) { return OK; }
API int cuStreamCreate(void** stream, unsigned) { return *stream = (void*)2, OK; }
API int cuStreamDestroy_v2(void*) { return finish(), OK; }
API int cuStreamSynchronize(void*) { return finish(), OK; }
API int cuGetErrorName(int, const char** text) { return *text = "STUB", OK; }
API int cuGetErrorString(int code, const char** text) {
  return *text = code == OUT_OF_MEMORY ? "out of memory" : "refused", OK;
}

API int cuMemAlloc_v2(Pointer* at, size_t bytes) {
  demand(bytes > 0, "an empty allocation");
  if (held + bytes > TOTAL) return OUT_OF_MEMORY;
  *at = (Pointer)aligned_alloc(512, (bytes + 511) / 512 * 512);
  memset((void*)*at, 0xff, bytes);
  memory[*at] = bytes;
  held += bytes;
  return OK;
}

API int cuMemFree_v2(Pointer at) {
  finish();
  demand(memory.count(at), "what was not allocated is freed");
  held -= memory[at];
  memory.erase(at);
  free((void*)at);
  return OK;
}

API int cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, void*) {
  inside(to, bytes);
  std::string copy((const char*)from, bytes);
  queue.push_back([=] { memcpy((void*)to, copy.data(), copy.size()); });
  return OK;
}

API int cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, void*) {
  inside(from, bytes);
  queue.push_back([=] { memcpy(to, (void*)from, bytes); });
  return OK;
}

typedef const char* (*Run)(void*, unsigned, unsigned, unsigned);
struct Kernel {
  Run run;
  size_t pointers;
  unsigned shared;
};

API int cuModuleLoadData(void** module, const void* path) {
  *module = dlopen((const char*)path, RTLD_NOW | RTLD_LOCAL);
  return *module ? OK : INVALID;
}

API int cuModuleGetFunction(void** function, void* module, const char* name) {
  demand(!strcmp(name, "launch"), "another entry point");
  auto pointers = (size_t (*)())dlsym(module, "pointers");
  *function = new Kernel{(Run)dlsym(module, "run"), pointers(), 0};
  return OK;
}

API int cuFuncSetAttribute(Kernel* kernel, int attribute, int value) {
  demand(attribute == 8 && value <= 99 << 10, "more shared memory than a block can have");
  return kernel->shared = value, OK;
}

// What a launch will do; its arguments are copied now.
static Work work(void* function, const unsigned* grid, const unsigned* block, unsigned shared, void** params) {
  auto kernel = (Kernel*)function;
  unsigned x = grid[0], y = grid[1], threads = block[0];
  bool fits = x > 0 && y > 0 && grid[2] == 1 && threads > 0 && threads <= 1024 && block[1] == 1 && block[2] == 1;
  demand(fits, "a strange grid");
  demand(shared <= 48 << 10 || shared <= kernel->shared, "more shared memory than was asked for");
  std::vector<Pointer> args((Pointer*)params[0], (Pointer*)params[0] + kernel->pointers);
  return [=]() mutable {
    for (Pointer arg : args) inside(arg, 0);
    const char* why = kernel->run(args.data(), x, y, threads);
    demand(!why, why);
  };
}

API int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned block_y,
                       unsigned block_z, unsigned shared, void*, void** params, void**) {
  unsigned grid[] = {x, y, z}, block[] = {threads, block_y, block_z};
  launched++;
  queue.push_back(work(function, grid, block, shared, params));
  return OK;
}

struct Params {
  void* function;
  unsigned grid[3], block[3], shared;
  void **params, **extra;
  void *kernel, *context;
};

struct Graph;
struct Node {
  Graph* graph;
  Work work;
};
struct Graph {
  std::vector<Node*> nodes;
  std::vector<Work> ready;
};
static int graphs = 0;

API int cuGraphCreate(Graph** graph, unsigned) { return graphs++, *graph = new Graph, OK; }

API int cuGraphAddKernelNode_v2(Node** node, Graph* graph, Node* const* before, size_t count, const Params* p) {
  demand(count == (graph->nodes.empty() ? 0 : 1) && (!count || *before == graph->nodes.back()), "kernels without order");
  *node = new Node{graph, work(p->function, p->grid, p->block, p->shared, p->params)};
  graph->nodes.push_back(*node);
  return OK;
}

API int cuGraphExecKernelNodeSetParams_v2(Graph* exec, Node* node, const Params* p) {
  for (size_t i = 0; i < node->graph->nodes.size(); i++) {
    if (node->graph->nodes[i] == node) exec->ready[i] = work(p->function, p->grid, p->block, p->shared, p->params);
  }
  return OK;
}

API int cuGraphInstantiateWithFlags(Graph** exec, Graph* graph, unsigned long long) {
  *exec = new Graph;
  graphs++;
  for (Node* node : graph->nodes) (*exec)->ready.push_back(node->work);
  return OK;
}

API int cuGraphDestroy(Graph* graph) {
  for (Node* node : graph->nodes) delete node;
  return graphs--, delete graph, OK;
}

API int cuGraphExecDestroy(Graph* exec) { return graphs--, delete exec, OK; }

API int cuGraphLaunch(Graph* exec, void*) {
  replayed++;
  for (auto& work : exec->ready) queue.push_back(work);
  return OK;
}

API int stub_graphs() { return graphs; }

API int cuEventCreate(void** event, unsigned) { return *event = new float, OK; }
API int cuEventRecord(void*, void*) { return finish(), OK; }
API int cuEventElapsedTime(float* ms, void*, void*) { return *ms = 1, OK; }
API int cuEventDestroy_v2(void* event) { return delete (float*)event, OK; }

struct Program {
  std::string source, result;
};

API int nvrtcVersion(int* major, int* minor) { return *major = 12, *minor = 0, OK; }

API int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const void*, const void*) {
  *program = new Program{source, ""};
  return OK;
}

API int nvrtcCompileProgram(Program* program, int count, const char** options) {
  demand(count == 1 && !strcmp(options[0], "--gpu-architecture=sm_90"), "other options");
  std::string path = std::string(FOLDER "/kernel") + std::to_string(std::hash<std::string>()(program->source)) + "-" + std::to_string(getpid());
  std::string entry = "extern \"C\" __global__", body = program->source;
  size_t at = body.find(entry);
  demand(at != std::string::npos, "no entry point");
  body.replace(at, entry.size(), "static");
  bool barriers = body.find("__syncthreads") != std::string::npos || body.find("_sync(") != std::string::npos;
  std::ofstream(path + ".cpp") << "#include \"" SHIM "\"\nnamespace kernel {\n" << body << R"(
static void call(void* at) { launch(*(Launch*)at); }
}
#define API extern "C" __attribute__((visibility("default")))
API unsigned long pointers() { return sizeof(kernel::Launch) / sizeof(void*); }
API const char* run(void* at, unsigned x, unsigned y, unsigned threads) {
  return shim::run(x, y, threads, )" << (barriers ? "true" : "false") << R"(, kernel::call, at);
}
)";
  std::string flags = " -std=c++17 -O1 -w -shared -fPIC -fwrapv -fno-strict-aliasing -fno-gnu-unique -fvisibility=hidden ";
  compiled++;
  if (system(("g++" + flags + path + ".cpp -o " + path + ".so").c_str())) return 6;
  program->result = path + ".so";
  return OK;
}

API int nvrtcGetCUBINSize(Program* program, size_t* size) { return *size = program->result.size() + 1, OK; }
API int nvrtcGetCUBIN(Program* program, char* to) { return strcpy(to, program->result.c_str()), OK; }
API int nvrtcGetProgramLogSize(Program*, size_t* size) { return *size = 1, OK; }
API int nvrtcGetProgramLog(Program*, char* to) { return *to = 0, OK; }
API int nvrtcDestroyProgram(Program** program) { return delete *program, OK; }
