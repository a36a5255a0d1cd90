// Atomic operations on shared and global memory by operation, scope and pattern of addresses. In a chain, for latency,
// each operation's operand is what the one before returned; for throughput, many are independent.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

// Many in flight, or one SM's throughput would be its latency.
constexpr int SHARED_WORDS = 1024, MOST_THREADS = 1024, UNROLLED = 16;

struct Stamp // of one CTA
{
    long long sm, start, stop;
};

__device__ __forceinline__ void arrived(float value)
{
    arrived(__float_as_uint(value));
}
// Bits, not values, so that every operation's sink is the same.
__device__ __forceinline__ unsigned bits(unsigned value)
{
    return value;
}
__device__ __forceinline__ unsigned bits(float value)
{
    return __float_as_uint(value);
}
__device__ __forceinline__ unsigned bits(unsigned long long value)
{
    return unsigned(value);
}

// `steps` is a multiple of 16. Compare-and-swap compares with what it found before and swaps in always the same.
template <typename Op>
__device__ typename Op::type chain(typename Op::address p, typename Op::type value, typename Op::type swap, int steps)
{
#pragma unroll 1
    for (int step = 0; step < steps; step += 16)
#pragma unroll
        for (int k = 0; k < 16; k++)
            value = Op::on(p, value, swap);
    return value;
}
template <typename Op>
__device__ void timed_chain(typename Op::address p, typename Op::type seed, int untimed, int steps, long long *cycles,
                            typename Op::type *last)
{
    typename Op::type value = chain<Op>(p, seed, seed, untimed);
    arrived(value);
    const long long start = clock_now();
    value = chain<Op>(p, value, seed, steps);
    arrived(value);
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        *cycles = stop - start;
    last[threadIdx.x] = value;
}
template <typename Op>
__device__ unsigned many(typename Op::address p, typename Op::type value, int rounds)
{
    unsigned sink = 0;
#pragma unroll 1
    for (int round = 0; round < rounds; round++) {
        typename Op::type old[UNROLLED];
#pragma unroll
        for (int k = 0; k < UNROLLED; k++)
            old[k] = Op::on(p, value, value);
#pragma unroll
        for (int k = 0; k < UNROLLED; k++)
            sink ^= bits(old[k]);
    }
    return sink;
}

// Both are there before the clock is read; the compiler would compute the word after it.
template <typename T>
__device__ __forceinline__ void ready(int &word, T operand)
{
    asm volatile("" : "+r"(word));
    arrived(unsigned(word));
    arrived(operand);
}

// One warp, of which `lanes` take part.
template <typename Op>
__device__ void global_latency(typename Op::type *chained, const typename Op::type *seeds, int lane_stride, int lanes,
                               int untimed, int steps, long long *cycles, typename Op::type *last)
{
    if (threadIdx.x < lanes)
        timed_chain<Op>(chained + threadIdx.x * lane_stride, seeds[threadIdx.x], untimed, steps, cycles, last);
}
// Warps share words beyond the first `groups` of them. The operand and the word's number are there when the clock
// starts; the fence waits for operations that return nothing.
template <typename Op>
__device__ void global_throughput(typename Op::type *counters, const typename Op::type *operands, int lane_stride,
                                  int warp_stride, int groups, int lanes, int rounds, Stamp *stamps, unsigned *sinks)
{
    const int thread = blockIdx.x * blockDim.x + threadIdx.x, lane = thread % 32;
    int word = thread / 32 % groups * warp_stride + lane * lane_stride;
    const typename Op::type operand = operands[lane];
    ready(word, operand);
    __syncthreads();
    const long long start = clock_now();
    if (lane < lanes)
        sinks[thread] = many<Op>(counters + word, operand, rounds);
    __threadfence();
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}

// The same on words copied to shared memory and back.
template <typename T>
__device__ unsigned copy_in(T *words, const T *from)
{
    for (int i = threadIdx.x; i < SHARED_WORDS; i += blockDim.x)
        words[i] = from[i];
    __syncthreads();
    return unsigned(__cvta_generic_to_shared(words));
}
template <typename T>
__device__ void copy_out(const T *words, T *to)
{
    __syncthreads();
    for (int i = threadIdx.x; i < SHARED_WORDS; i += blockDim.x)
        to[i] = words[i];
}
template <typename Op>
__device__ void shared_latency(typename Op::type *chained, const typename Op::type *seeds, int lane_stride, int lanes,
                               int untimed, int steps, long long *cycles, typename Op::type *last)
{
    __shared__ typename Op::type words[SHARED_WORDS];
    const unsigned base = copy_in(words, chained);
    if (threadIdx.x < lanes)
        timed_chain<Op>(base + threadIdx.x * lane_stride * 4, seeds[threadIdx.x], untimed, steps, cycles, last);
    copy_out(words, chained);
}
template <typename Op>
__device__ void shared_throughput(typename Op::type *counters, const typename Op::type *operands, int lane_stride,
                                  int warp_stride, int groups, int lanes, int rounds, Stamp *stamps, unsigned *sinks)
{
    __shared__ typename Op::type words[SHARED_WORDS];
    const unsigned base = copy_in(words, counters);
    const int lane = threadIdx.x % 32;
    int word = threadIdx.x / 32 % groups * warp_stride + lane * lane_stride;
    const typename Op::type operand = operands[lane];
    ready(word, operand);
    __syncthreads();
    const long long start = clock_now();
    if (lane < lanes)
        sinks[threadIdx.x] = many<Op>(base + word * 4, operand, rounds);
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        *stamps = Stamp{sm_number(), start, stop};
    copy_out(words, counters);
}

// One line of the table below: a type with the operation `on`, and its kernels. A reduction has no result to chain by.
#define KERNEL_LATENCY(SPACE, NAME, TYPE) \
    extern "C" __global__ void NAME##_latency(TYPE *chained, const TYPE *seeds, int lane_stride, int lanes, \
                                              int untimed, int steps, long long *cycles, TYPE *last) \
    { \
        SPACE##_latency<NAME##_on>(chained, seeds, lane_stride, lanes, untimed, steps, cycles, last); \
    }
#define KERNEL_THROUGHPUT(SPACE, NAME, TYPE) \
    extern "C" __global__ void __launch_bounds__(MOST_THREADS) \
        NAME##_throughput(TYPE *counters, const TYPE *operands, int lane_stride, int warp_stride, int groups, \
                          int lanes, int rounds, Stamp *stamps, unsigned *sinks) \
    { \
        SPACE##_throughput<NAME##_on>(counters, operands, lane_stride, warp_stride, groups, lanes, rounds, stamps, \
                                      sinks); \
    }
#define ATOM(SPACE, NAME, TYPE, REGISTER, ADDRESS, ADDRESS_REGISTER, PTX) \
    struct NAME##_on \
    { \
        using type = TYPE; \
        using address = ADDRESS; \
        static __device__ __forceinline__ TYPE on(ADDRESS p, TYPE value, TYPE swap) \
        { \
            TYPE old; \
            asm volatile(PTX \
                         : "=" REGISTER(old) \
                         : ADDRESS_REGISTER(p), REGISTER(value), REGISTER(swap) \
                         : "memory"); \
            return old; \
        } \
    }; \
    KERNEL_LATENCY(SPACE, NAME, TYPE) \
    KERNEL_THROUGHPUT(SPACE, NAME, TYPE)
#define RED(SPACE, NAME, TYPE, REGISTER, ADDRESS, ADDRESS_REGISTER, PTX) \
    struct NAME##_on \
    { \
        using type = TYPE; \
        using address = ADDRESS; \
        static __device__ __forceinline__ TYPE on(ADDRESS p, TYPE value, TYPE) \
        { \
            asm volatile(PTX ::ADDRESS_REGISTER(p), REGISTER(value) : "memory"); \
            return value; \
        } \
    }; \
    KERNEL_THROUGHPUT(SPACE, NAME, TYPE)
#define GLOBAL_ATOM(NAME, TYPE, REGISTER, PTX) ATOM(global, global_atom_##NAME, TYPE, REGISTER, TYPE *, "l", PTX)
#define GLOBAL_RED(NAME, TYPE, REGISTER, PTX) RED(global, global_red_##NAME, TYPE, REGISTER, TYPE *, "l", PTX)
#define SHARED_ATOM(NAME, TYPE, REGISTER, PTX) ATOM(shared, shared_atom_##NAME, TYPE, REGISTER, unsigned, "r", PTX)
#define SHARED_RED(NAME, TYPE, REGISTER, PTX) RED(shared, shared_red_##NAME, TYPE, REGISTER, unsigned, "r", PTX)

GLOBAL_ATOM(add_gpu, unsigned, "r", "atom.relaxed.gpu.global.add.u32 %0, [%1], %2;")
GLOBAL_ATOM(add_f32_gpu, float, "f", "atom.relaxed.gpu.global.add.f32 %0, [%1], %2;")
GLOBAL_ATOM(max_gpu, unsigned, "r", "atom.relaxed.gpu.global.max.u32 %0, [%1], %2;")
GLOBAL_ATOM(cas_gpu, unsigned, "r", "atom.relaxed.gpu.global.cas.b32 %0, [%1], %2, %3;")
GLOBAL_ATOM(exch_gpu, unsigned, "r", "atom.relaxed.gpu.global.exch.b32 %0, [%1], %2;")
GLOBAL_ATOM(add_u64_gpu, unsigned long long, "l", "atom.relaxed.gpu.global.add.u64 %0, [%1], %2;")
GLOBAL_ATOM(add_cta, unsigned, "r", "atom.relaxed.cta.global.add.u32 %0, [%1], %2;")
GLOBAL_ATOM(cas_cta, unsigned, "r", "atom.relaxed.cta.global.cas.b32 %0, [%1], %2, %3;")
GLOBAL_ATOM(add_sys, unsigned, "r", "atom.relaxed.sys.global.add.u32 %0, [%1], %2;")
GLOBAL_ATOM(cas_sys, unsigned, "r", "atom.relaxed.sys.global.cas.b32 %0, [%1], %2, %3;")
GLOBAL_RED(add_gpu, unsigned, "r", "red.relaxed.gpu.global.add.u32 [%0], %1;")
GLOBAL_RED(add_f32_gpu, float, "f", "red.relaxed.gpu.global.add.f32 [%0], %1;")
GLOBAL_RED(max_gpu, unsigned, "r", "red.relaxed.gpu.global.max.u32 [%0], %1;")
GLOBAL_RED(add_cta, unsigned, "r", "red.relaxed.cta.global.add.u32 [%0], %1;")
GLOBAL_RED(add_sys, unsigned, "r", "red.relaxed.sys.global.add.u32 [%0], %1;")
SHARED_ATOM(add_cta, unsigned, "r", "atom.relaxed.cta.shared.add.u32 %0, [%1], %2;")
SHARED_ATOM(add_f32_cta, float, "f", "atom.relaxed.cta.shared.add.f32 %0, [%1], %2;")
SHARED_ATOM(max_cta, unsigned, "r", "atom.relaxed.cta.shared.max.u32 %0, [%1], %2;")
SHARED_ATOM(cas_cta, unsigned, "r", "atom.relaxed.cta.shared.cas.b32 %0, [%1], %2, %3;")
SHARED_RED(add_cta, unsigned, "r", "red.relaxed.cta.shared.add.u32 [%0], %1;")
SHARED_RED(max_cta, unsigned, "r", "red.relaxed.cta.shared.max.u32 [%0], %1;")
