// Runs CUDA C++ on the CPU. The threads of a block are fibers: one runs until it waits at a barrier or a shuffle.
// All of a block (or warp) have to wait at the same line, or the launch fails.
#pragma once
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __grid_constant__
#define __launch_bounds__(...)

struct Index {
  unsigned x, y;
};
static Index threadIdx, blockIdx;

namespace shim {

enum State { READY, BLOCK, WARP, DONE };
constexpr int LANES = 32, MOST = 1024, STACK = 1 << 16;

struct Fiber {
  ucontext_t context;
  State state;
  int line;
};
static Fiber fibers[MOST];
static char stacks[MOST][STACK];
static unsigned long long slots[MOST];
static ucontext_t home;
static void (*kernel)(void*);
static void* argument;
static char error[200];

// Copies happen when they are waited for; until then nothing may count on what is in either place.
struct Copy {
  void* to;
  const void* from;
  int group;
};
struct Copies {
  Copy pending[256];
  int count, group;
};
static Copies copies[MOST];

static void enter() {
  kernel(argument);
  fibers[threadIdx.x].state = DONE;
}

static void wait(State at, int line) {
  Fiber& mine = fibers[threadIdx.x];
  mine.state = at;
  mine.line = line;
  swapcontext(&mine.context, &home);
}

static void resume(int thread) {
  threadIdx.x = thread;
  swapcontext(&home, &fibers[thread].context);
}

// Whether all of `from .. to` are in the same place; they may go on from there.
static bool together(int from, int to, State at) {
  for (int t = from; t < to; t++) {
    if (fibers[t].state != at || fibers[t].line != fibers[from].line) return false;
  }
  for (int t = from; t < to; t++) fibers[t].state = READY;
  return true;
}

static bool all(int from, int to, State at) {
  for (int t = from; t < to; t++) {
    if (fibers[t].state != at) return false;
  }
  return true;
}

static void run_warp(int from, int to) {
  do {
    for (int t = from; t < to; t++) {
      if (fibers[t].state == READY) resume(t);
    }
  } while (together(from, to, WARP));
}

static const char* run_block(int threads) {
  for (int t = 0; t < threads; t++) {
    Fiber& fiber = fibers[t];
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stacks[t];
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = &home;
    fiber.state = READY;
    fiber.line = 0;
    copies[t].count = copies[t].group = 0;
    makecontext(&fiber.context, enter, 0);
  }
  do {
    for (int t = 0; t < threads; t += LANES) run_warp(t, t + LANES < threads ? t + LANES : threads);
  } while (together(0, threads, BLOCK));
  if (all(0, threads, DONE)) return nullptr;
  int first = 0, other = 0;
  while (fibers[other].state == fibers[first].state && fibers[other].line == fibers[first].line) other++;
  const char* names[] = {"running", "at a barrier", "at a shuffle", "done"};
  snprintf(error, sizeof error, "threads part: %d is %s (line %d), %d is %s (line %d)", first,
           names[fibers[first].state], fibers[first].line, other, names[fibers[other].state], fibers[other].line);
  return error;
}

// An error's text, or null.
static const char* run(unsigned grid_x, unsigned grid_y, int threads, bool barriers, void (*body)(void*), void* with) {
  kernel = body;
  argument = with;
  for (blockIdx.y = 0; blockIdx.y < grid_y; blockIdx.y++) {
    for (blockIdx.x = 0; blockIdx.x < grid_x; blockIdx.x++) {
      if (barriers) {
        if (const char* why = run_block(threads)) return why;
        continue;
      }
      for (threadIdx.x = 0; threadIdx.x < (unsigned)threads; threadIdx.x++) body(with);
    }
  }
  return nullptr;
}

template <class T> T shuffle_xor(T value, int distance, int line) {
  int from = threadIdx.x ^ distance;
  memcpy(&slots[threadIdx.x], &value, sizeof value);
  wait(WARP, line);
  memcpy(&value, &slots[from], sizeof value);
  wait(WARP, line);
  return value;
}

// The tensor cores' m16n8k16: each of a warp shows its part of both factors, then sums up its four outputs.
static unsigned parts[MOST][6];

template <class Widen> void mma(float* sums, const unsigned* a, const unsigned* b, Widen widen, int line) {
  int lane = threadIdx.x % LANES, first = threadIdx.x - lane;
  memcpy(parts[threadIdx.x], a, 16);
  memcpy(parts[threadIdx.x] + 4, b, 8);
  wait(WARP, line);
  auto half = [&](int holder, int part, int k) {
    return widen((unsigned short)(parts[first + holder][part] >> (k % 2 * 16)));
  };
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; k++) {
      int pair = k % 8 / 2;
      sums[i] += half(row % 8 * 4 + pair, row / 8 + k / 8 * 2, k) * half(column * 4 + pair, 4 + k / 8, k);
    }
  }
  wait(WARP, line);
}

static void copy(void* to, const void* from) {
  Copies& mine = copies[threadIdx.x];
  if ((size_t)to % 16 || (from && (size_t)from % 16) || mine.count == 256) {
    fprintf(stderr, "a copy of 16 bytes that no GPU does\n");
    abort();
  }
  memset(to, 0xff, 16);
  mine.pending[mine.count++] = {to, from, mine.group};
}

static void copies_due(int all_but) {
  Copies& mine = copies[threadIdx.x];
  int kept = 0;
  for (int i = 0; i < mine.count; i++) {
    Copy c = mine.pending[i];
    if (c.group >= mine.group - all_but) {
      mine.pending[kept++] = c;
    } else if (c.from) {
      memcpy(c.to, c.from, 16);
    } else {
      memset(c.to, 0, 16);
    }
  }
  mine.count = kept;
}

// Each thread names a row of 16 bytes, eight of which are a matrix; each gets a pair of each matrix.
static void matrices(unsigned* to, const void* from, bool transposed, int line) {
  int lane = threadIdx.x % LANES, first = threadIdx.x - lane;
  if ((size_t)from % 16) {
    fprintf(stderr, "a row of a matrix at no multiple of 16\n");
    abort();
  }
  slots[threadIdx.x] = (unsigned long long)from;
  wait(WARP, line);
  for (int i = 0; i < 4; i++) {
    auto row = [&](int r) { return (const unsigned short*)slots[first + i * 8 + r]; };
    int g = lane / 4, t = lane % 4 * 2;
    unsigned low = transposed ? row(t)[g] : row(g)[t], high = transposed ? row(t + 1)[g] : row(g)[t + 1];
    to[i] = low | high << 16;
  }
  wait(WARP, line);
}

// The tensor cores' m16n8k8 of TF32, which read 19 bits of a float.
static void mma_tf32(float* sums, const unsigned* a, const unsigned* b, int line) {
  int lane = threadIdx.x % LANES, first = threadIdx.x - lane;
  memcpy(parts[threadIdx.x], a, 16);
  memcpy(parts[threadIdx.x] + 4, b, 8);
  wait(WARP, line);
  auto value = [&](int holder, int part) {
    unsigned bits = parts[first + holder][part] & 0xffffe000u;
    float x;
    memcpy(&x, &bits, 4);
    return x;
  };
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 8; k++) {
      sums[i] += value(row % 8 * 4 + k % 4, row / 8 + k / 4 * 2) * value(column * 4 + k % 4, 4 + k / 4);
    }
  }
  wait(WARP, line);
}

alignas(16) static char shared[99 * 1024];

}  // namespace shim

#define __syncthreads() shim::wait(shim::BLOCK, __LINE__)
#define __shfl_xor_sync(mask, value, distance) shim::shuffle_xor(value, distance, __LINE__)

template <class T> T min(T a, T b) {
  return b < a ? b : a;
}

template <class To, class From> To same_bits(From from) {
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

static float __int_as_float(int x) { return same_bits<float>(x); }
static float __uint_as_float(unsigned x) { return same_bits<float>(x); }
static int __float_as_int(float x) { return same_bits<int>(x); }
static unsigned __float_as_uint(float x) { return same_bits<unsigned>(x); }
static double __longlong_as_double(long long x) { return same_bits<double>(x); }
static long long __double_as_longlong(double x) { return same_bits<long long>(x); }

// What is inline PTX on a GPU.
static float from_f16(unsigned short half) { return (float)same_bits<_Float16>(half); }
static unsigned short to_f16(float x) { return same_bits<unsigned short>((_Float16)x); }
static float widen_bf16(unsigned short half) { return __uint_as_float((unsigned)half << 16); }
#define mma_f16(sums, a, b) shim::mma(sums, a, b, from_f16, __LINE__)
#define mma_bf16(sums, a, b) shim::mma(sums, a, b, widen_bf16, __LINE__)
#define mma_tf32(sums, a, b) shim::mma_tf32(sums, a, b, __LINE__)
#define ldmatrix(to, from) shim::matrices(to, from, false, __LINE__)
#define ldmatrix_transposed(to, from) shim::matrices(to, from, true, __LINE__)
static char* shared_memory() { return shim::shared; }
static void copy_16(void* to, const void* from, bool inside) { shim::copy(to, inside ? from : nullptr); }
static void copies_commit() { shim::copies[threadIdx.x].group++; }
template <int N> void copies_wait() { shim::copies_due(N); }
static void round_tf32(unsigned* x) {
  for (int i = 0; i < 4; i++) {
    if ((x[i] & 0x7f800000u) != 0x7f800000u) x[i] += 0x1000;
  }
}
