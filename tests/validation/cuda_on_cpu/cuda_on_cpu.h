// Runs a CUDA kernel's own source on the CPU, to check what it computes (not how fast): one CTA at a time, each thread a
// fiber that runs until a barrier or a warp collective. Enough of CUDA C++ for validation/kernels. Threads and CTAs run
// in one order or in the opposite one: what depends on the order (a missing barrier, a race between CTAs) gives two
// results. So it finds wrong indices, wrong guards, missing launches and most missing barriers.
#pragma once
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ thread_local  // static storage, and `extern __shared__` stays legal
#define __grid_constant__

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

#define VECTOR2(name, type) \
    struct alignas(2 * sizeof(type)) name##2 { type x, y; }; \
    inline name##2 make_##name##2(type x, type y) { return {x, y}; }
#define VECTOR4(name, type) \
    struct alignas(4 * sizeof(type) > 16 ? 16 : 4 * sizeof(type)) name##4 { type x, y, z, w; }; \
    inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
VECTOR2(float, float) VECTOR4(float, float) VECTOR2(int, int) VECTOR4(int, int)
VECTOR2(uint, unsigned) VECTOR4(uint, unsigned) VECTOR2(double, double)
VECTOR2(ushort, unsigned short) VECTOR4(ushort, unsigned short) VECTOR4(uchar, unsigned char)
struct float3 { float x, y, z; };
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
struct int3 { int x, y, z; };
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }

namespace cpu {

constexpr int WARP = 32, WORDS = 16;
constexpr size_t STACK = 256 * 1024;

struct Lane {
    bool waits = false;            // has posted its words and waits for the others of `mask`
    unsigned mask = 0;
    uint32_t words[WORDS];         // what it offers in a collective
    uint32_t seen[WARP][WORDS];    // what the lanes of the last collective offered
};

struct Copy {
    char *to;
    const char *from;  // null: zeros
};

struct Fiber {
    ucontext_t context;
    std::vector<Copy> open_copies;            // asynchronous copies (ptx/cp_async.cuh) not yet in a group …
    std::deque<std::vector<Copy>> groups;     // … and the groups that were not waited for
    std::vector<char> stack;
    dim3 thread;
    int linear = 0;
    bool done = false;
    Lane lane;
};

inline std::vector<Fiber> fibers;
inline ucontext_t scheduler;
inline Fiber *current;
inline unsigned alive, arrived, generation, moved;   // of the CTA: threads, those at the barrier, barriers passed, progress
inline int votes, next_votes;
inline bool backwards;   // the order of threads and CTAs
inline std::pair<void (*)(void *), void *> body;

}  // namespace cpu

inline dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = cpu::WARP;

namespace cpu {

inline void pause()
{
    Fiber *self = current;
    swapcontext(&self->context, &scheduler);
}

inline void open_if_all_arrived()
{
    if (alive && arrived == alive) {
        arrived = 0;
        generation++;
        moved++;
        votes = next_votes;
        next_votes = 0;
    }
}

inline void block_barrier(int vote = 0)
{
    const unsigned mine = generation;
    next_votes += vote != 0;
    arrived++;
    open_if_all_arrived();
    while (mine == generation)
        pause();
}

inline Fiber *lane_of(int warp, int lane)
{
    const size_t linear = size_t(warp) * WARP + lane;
    return linear < fibers.size() ? &fibers[linear] : nullptr;
}

// All lanes of `mask` meet; each then sees what every one of them offered.
inline Lane &collect(unsigned mask, const void *offer, size_t bytes)
{
    Fiber *self = current;
    const int warp = self->linear / WARP;
    if (!(mask >> (self->linear % WARP) & 1)) {
        std::fprintf(stderr, "cuda_on_cpu: a lane calls a collective whose mask leaves it out\n");
        std::_Exit(3);
    }
    std::memset(self->lane.words, 0, sizeof self->lane.words);
    std::memcpy(self->lane.words, offer, bytes);
    self->lane.waits = true;
    self->lane.mask = mask;
    bool complete = true;
    for (int lane = 0; lane < WARP; lane++)
        if (mask >> lane & 1) {
            Fiber *other = lane_of(warp, lane);
            if (other && !other->done && !(other->lane.waits && other->lane.mask == mask))
                complete = false;
        }
    if (complete) {
        for (int to = 0; to < WARP; to++) {
            Fiber *other = mask >> to & 1 ? lane_of(warp, to) : nullptr;
            if (!other || other->done)
                continue;
            for (int from = 0; from < WARP; from++)
                if (Fiber *source = mask >> from & 1 ? lane_of(warp, from) : nullptr)
                    std::memcpy(other->lane.seen[from], source->lane.words, sizeof source->lane.words);
        }
        for (int lane = 0; lane < WARP; lane++)
            if (Fiber *other = mask >> lane & 1 ? lane_of(warp, lane) : nullptr)
                other->lane.waits = false;
        moved++;
    }
    while (self->lane.waits)
        pause();
    return self->lane;
}

inline int lane_id() { return current->linear % WARP; }

inline void fiber_main()
{
    body.first(body.second);
    current->done = true;
    alive--;
    moved++;
    open_if_all_arrived();
    swapcontext(&current->context, &scheduler);
}

inline void run_block()
{
    alive = unsigned(fibers.size());
    arrived = next_votes = votes = 0;
    for (Fiber &fiber : fibers) {
        fiber.done = false;
        fiber.lane = {};
        fiber.open_copies.clear();
        fiber.groups.clear();
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
    }
    while (alive) {
        const unsigned before = moved;
        for (size_t i = 0; i < fibers.size(); i++) {
            Fiber &fiber = fibers[backwards ? fibers.size() - 1 - i : i];
            if (!fiber.done) {
                current = &fiber;
                threadIdx = fiber.thread;
                swapcontext(&scheduler, &fiber.context);
            }
        }
        if (before == moved) {
            std::fprintf(stderr, "cuda_on_cpu: CTA (%u,%u,%u): %u threads wait for each other\n", blockIdx.x, blockIdx.y,
                         blockIdx.z, alive);
            std::_Exit(4);
        }
    }
}

inline void run_grid(const unsigned *grid, const unsigned *block, void (*call)(void *), void *arguments)
{
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], block[1], block[2]};
    body = {call, arguments};
    fibers.resize(size_t(block[0]) * block[1] * block[2]);
    for (size_t i = 0; i < fibers.size(); i++) {
        fibers[i].stack.resize(STACK);
        fibers[i].linear = int(i);
        fibers[i].thread = {unsigned(i % block[0]), unsigned(i / block[0] % block[1]),
                            unsigned(i / block[0] / block[1])};
    }
    const size_t blocks = size_t(grid[0]) * grid[1] * grid[2];
    for (size_t i = 0; i < blocks; i++) {
        const size_t linear = backwards ? blocks - 1 - i : i;
        blockIdx = {unsigned(linear % grid[0]), unsigned(linear / grid[0] % grid[1]),
                    unsigned(linear / grid[0] / grid[1])};
        run_block();
    }
}

template <auto kernel, class... A, size_t... I>
void invoke(void **arguments, void (*)(A...), std::index_sequence<I...>)
{
    kernel(*static_cast<A *>(arguments[I])...);
}

template <auto kernel, class... A>
void unpack(void **arguments, void (*function)(A...))
{
    invoke<kernel>(arguments, function, std::index_sequence_for<A...>());
}

}  // namespace cpu

extern "C" inline __attribute__((used)) void set_backwards(int yes) { cpu::backwards = yes != 0; }

// Makes run_NAME, which the test calls: grid, block, and a pointer to each argument.
#define CUDA_ENTRY(name) \
    extern "C" void run_##name(const unsigned *grid, const unsigned *block, void **arguments) \
    { \
        cpu::run_grid(grid, block, [](void *packed) { cpu::unpack<name>(static_cast<void **>(packed), name); }, arguments); \
    }

// Barriers and warp collectives.
inline void __syncthreads() { cpu::block_barrier(); }
inline int __syncthreads_count(int p) { cpu::block_barrier(p); return cpu::votes; }
inline int __syncthreads_or(int p) { return __syncthreads_count(p) > 0; }
inline void __syncwarp(unsigned mask = ~0u) { cpu::collect(mask, &mask, sizeof mask); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __nanosleep(unsigned) {}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32)
{
    cpu::Lane &lane = cpu::collect(mask, &value, sizeof value);
    const int base = cpu::lane_id() & ~(width - 1);
    T result;
    std::memcpy(&result, lane.seen[base + (source & (width - 1))], sizeof result);
    return result;
}
template <class T>
T shuffle_from(unsigned mask, T value, int source, bool inside)
{
    cpu::Lane &lane = cpu::collect(mask, &value, sizeof value);
    if (inside)
        std::memcpy(&value, lane.seen[source], sizeof value);
    return value;
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    const int me = cpu::lane_id(), source = me + int(delta);
    return shuffle_from(mask, value, source, source / width == me / width);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32)
{
    const int me = cpu::lane_id(), source = me - int(delta);
    return shuffle_from(mask, value, source, source >= (me & ~(width - 1)));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flip, int width = 32)
{
    const int me = cpu::lane_id(), source = me ^ flip;
    return shuffle_from(mask, value, source, source / width <= me / width);
}
inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    cpu::Lane &lane = cpu::collect(mask, &predicate, sizeof predicate);
    unsigned result = 0;
    for (int i = 0; i < 32; i++)
        if (mask >> i & 1 && lane.seen[i][0])
            result |= 1u << i;
    return result;
}
inline int __any_sync(unsigned mask, int p) { return __ballot_sync(mask, p) != 0; }
inline int __all_sync(unsigned mask, int p) { return __ballot_sync(mask, p) == mask; }

// Atomics: fibers do not interrupt each other.
#define ATOMIC(name, expression) \
    template <class T, class V> T name(T *where, V given) { const T old = *where; const T value = T(given); *where = (expression); return old; }
ATOMIC(atomicAdd, old + value) ATOMIC(atomicSub, old - value) ATOMIC(atomicExch, value)
ATOMIC(atomicMin, std::min(old, value)) ATOMIC(atomicMax, std::max(old, value))
ATOMIC(atomicOr, old | value) ATOMIC(atomicAnd, old & value) ATOMIC(atomicXor, old ^ value)
template <class T>
T atomicCAS(T *where, T compare, T value)
{
    const T old = *where;
    if (old == compare)
        *where = value;
    return old;
}

// Functions of the device library that the kernels use.
template <class T> T __ldg(const T *p) { return *p; }
template <class T> T __ldcg(const T *p) { return *p; }
template <class A, class B> auto min(A a, B b) { return a < b ? a : b; }
template <class A, class B> auto max(A a, B b) { return a > b ? a : b; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __mul24(int a, int b) { return a * b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
// Calls, so that the compiler fuses none of them with what stands around.
__noinline__ inline float __fadd_rn(float a, float b) { return a + b; }
__noinline__ inline float __fsub_rn(float a, float b) { return a - b; }
__noinline__ inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __int_as_float(int x) { float y; std::memcpy(&y, &x, 4); return y; }
inline int __float_as_int(float x) { int y; std::memcpy(&y, &x, 4); return y; }
inline unsigned __float_as_uint(float x) { unsigned y; std::memcpy(&y, &x, 4); return y; }
inline float __uint_as_float(unsigned x) { float y; std::memcpy(&y, &x, 4); return y; }
inline int __float2int_rn(float x) { return int(std::nearbyint(x)); }
#ifndef CUDART_INF_F
#define CUDART_INF_F __builtin_inff()
#endif
