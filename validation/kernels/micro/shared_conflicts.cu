// Shared-memory loads and stores of 4, 8 and 16 bytes by the lanes' stride, which sets how many rows of one bank a
// request wants: with 0 all lanes want the same. A warp that follows pointers has the latency, a full CTA with
// independent loads or stores the interval.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

constexpr int ELEMENTS = 1024, THREADS = 1024, UNROLLED = 4;

// Volatile: otherwise the assembler would narrow wide loads to the word that is used and merge those of one address.
template <int WORDS>
__device__ __forceinline__ unsigned load(unsigned address)
{
    unsigned x, y, z, w;
    if (WORDS == 1)
        asm volatile("ld.volatile.shared.u32 %0, [%1];" : "=r"(x) : "r"(address) : "memory");
    if (WORDS == 2)
        asm volatile("ld.volatile.shared.v2.u32 {%0,%1}, [%2];" : "=r"(x), "=r"(y) : "r"(address) : "memory");
    if (WORDS == 4)
        asm volatile("ld.volatile.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
                     : "=r"(x), "=r"(y), "=r"(z), "=r"(w)
                     : "r"(address)
                     : "memory");
    return x;
}
// Words count up from `value`: of one value the assembler would make new copies for every wide store.
template <int WORDS>
__device__ __forceinline__ void store(unsigned address, unsigned value)
{
    if (WORDS == 1)
        asm volatile("st.volatile.shared.u32 [%0], %1;" ::"r"(address), "r"(value) : "memory");
    if (WORDS == 2)
        asm volatile("st.volatile.shared.v2.u32 [%0], {%1,%2};" ::"r"(address), "r"(value), "r"(value + 1) : "memory");
    if (WORDS == 4)
        asm volatile("st.volatile.shared.v4.u32 [%0], {%1,%2,%3,%4};" ::"r"(address),
                     "r"(value), "r"(value + 1), "r"(value + 2), "r"(value + 3)
                     : "memory");
}

// Each element's first word becomes its own address. Returns where the elements begin.
template <int WORDS>
__device__ unsigned fill()
{
    __shared__ __align__(16) unsigned words[ELEMENTS * WORDS];
    const unsigned base = unsigned(__cvta_generic_to_shared(words));
    for (int i = threadIdx.x; i < ELEMENTS * WORDS; i += blockDim.x)
        words[i] = base + i / WORDS * WORDS * 4;
    __syncthreads();
    return base;
}

template <int WORDS>
__device__ __forceinline__ unsigned follow_shared(unsigned address, int steps)
{
#pragma unroll 1
    for (int step = 0; step < steps; step += 32)
#pragma unroll
        for (int k = 0; k < 32; k++)
            address = load<WORDS>(address);
    return address;
}
// One warp. `steps` is a multiple of 32; `places` tells in bytes where each lane has arrived.
template <int WORDS>
__device__ void latency(int stride, int steps, long long *cycles, unsigned *places)
{
    const unsigned base = fill<WORDS>();
    unsigned address = follow_shared<WORDS>(base + threadIdx.x * stride * WORDS * 4, 32);
    arrived(address);
    const long long start = clock_now();
    address = follow_shared<WORDS>(address, steps);
    arrived(address);
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        *cycles = stop - start;
    places[threadIdx.x] = address - base;
}

// `sums` tells in bytes what each thread's loads add up to.
template <int WORDS>
__device__ void interval(int stride, int rounds, long long *cycles, unsigned *sums)
{
    const unsigned base = fill<WORDS>();
    const unsigned address = base + threadIdx.x % 32 * stride * WORDS * 4;
    unsigned sum = load<WORDS>(address);
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int round = 0; round < rounds; round++) {
        unsigned value[UNROLLED];
#pragma unroll
        for (int k = 0; k < UNROLLED; k++)
            value[k] = load<WORDS>(address);
#pragma unroll
        for (int k = 0; k < UNROLLED; k++)
            sum += value[k];
    }
    sums[threadIdx.x] = sum - (1 + rounds * UNROLLED) * base;
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        *cycles = stop - start;
}

// What is stored is one more than the place in bytes, so that lanes and warps that share a place agree; `stored` tells
// what is there in the end.
template <int WORDS>
__device__ void store_interval(int stride, int rounds, long long *cycles, unsigned *stored)
{
    const unsigned base = fill<WORDS>();
    const unsigned place = threadIdx.x % 32 * stride * WORDS * 4;
    store<WORDS>(base + place, place + 1);
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int k = 0; k < UNROLLED; k++)
            store<WORDS>(base + place, place + 1);
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        *cycles = stop - start;
    stored[threadIdx.x] = load<WORDS>(base + place);
}

#define WIDTH(WORDS, BYTES) \
    extern "C" __global__ void latency_##BYTES(int stride, int steps, long long *cycles, unsigned *places) \
    { \
        latency<WORDS>(stride, steps, cycles, places); \
    } \
    extern "C" __global__ void __launch_bounds__(THREADS) \
        interval_##BYTES(int stride, int rounds, long long *cycles, unsigned *sums) \
    { \
        interval<WORDS>(stride, rounds, cycles, sums); \
    } \
    extern "C" __global__ void __launch_bounds__(THREADS) \
        store_interval_##BYTES(int stride, int rounds, long long *cycles, unsigned *stored) \
    { \
        store_interval<WORDS>(stride, rounds, cycles, stored); \
    }
WIDTH(1, 4)
WIDTH(2, 8)
WIDTH(4, 16)
