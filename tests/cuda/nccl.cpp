// NCCL as far as playgrad calls it, over memory that processes of one machine share. Sums are work on the stream.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <functional>

#define API extern "C" __attribute__((visibility("default")))

enum { OK = 0, INVALID = 4, FLOAT32 = 7, SUM = 0, SLOT = 1 << 20 };

void later(std::function<void()> work);

struct Id {
  char name[128];
};

struct Shared {
  std::atomic<unsigned> arrived;
  float slots[][SLOT];
};

struct Comm {
  Shared* shared;
  int size, rank;
  unsigned meetings;
};

static int open_groups = 0;

static void meet(Comm* comm) {
  unsigned all = ++comm->meetings * comm->size;
  comm->shared->arrived++;
  while (comm->shared->arrived < all) sched_yield();
}

API int ncclGetUniqueId(Id* id) {
  memset(id->name, 0, sizeof id->name);
  snprintf(id->name, sizeof id->name, "/playgrad-%d", getpid());
  return OK;
}

API int ncclCommInitRank(Comm** comm, int size, Id id, int rank) {
  size_t bytes = sizeof(Shared) + size * sizeof(float[SLOT]);
  int file = shm_open(id.name, O_CREAT | O_RDWR, 0600);
  if (file < 0 || ftruncate(file, bytes) || rank < 0 || rank >= size) return INVALID;
  void* shared = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  *comm = new Comm{(Shared*)shared, size, rank, 0};
  meet(*comm);
  shm_unlink(id.name);
  return OK;
}

API int ncclGroupStart() { return open_groups++, OK; }
API int ncclGroupEnd() { return --open_groups < 0 ? INVALID : OK; }

API int ncclAllReduce(const float* from, float* to, size_t n, int dtype, int op, Comm* comm, void* stream) {
  if (!open_groups || !stream || dtype != FLOAT32 || op != SUM || n > SLOT) return INVALID;
  later([=] {
    memcpy(comm->shared->slots[comm->rank], from, n * sizeof(float));
    meet(comm);
    for (size_t i = 0; i < n; i++) {
      float sum = 0;
      for (int rank = 0; rank < comm->size; rank++) sum += comm->shared->slots[rank][i];
      to[i] = sum;
    }
    meet(comm);
  });
  return OK;
}

API int ncclCommAbort(Comm* comm) { return delete comm, OK; }
API const char* ncclGetErrorString(int) { return "refused"; }
