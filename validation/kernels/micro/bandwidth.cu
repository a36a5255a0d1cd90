// Reads, writes and copies a chunk a CTA, `passes` times over, 16 bytes a lane. The size of the chunk and the number of
// CTAs choose the level: chunks that stay in L1, chunks that together stay in L2, or more than both hold.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

constexpr int THREADS = 256, LOADS = 4;

struct Stamp // of one CTA
{
    long long sm, start, stop;
};

// The sum makes the values needed: an assembler drops loads whose values go nowhere.
template <typename Through>
__device__ __forceinline__ unsigned read_pass(const uint4 *x, int chunk)
{
    unsigned sum = 0;
#pragma unroll 1
    for (int i = 0; i < chunk; i += LOADS * THREADS) {
        uint4 value[LOADS];
#pragma unroll
        for (int k = 0; k < LOADS; k++)
            value[k] = Through::four_words(x + i + k * THREADS);
#pragma unroll
        for (int k = 0; k < LOADS; k++)
            sum += value[k].x + value[k].y + value[k].z + value[k].w;
    }
    return sum;
}

// `chunk` counts 16-byte elements and is a multiple of 1024. The untimed passes bring the chunk in.
template <typename Through>
__device__ void read(const uint4 *x, unsigned *sums, Stamp *stamps, int chunk, int untimed, int passes)
{
    x += size_t(blockIdx.x) * chunk + threadIdx.x;
    unsigned sum = 0;
#pragma unroll 1
    for (int pass = 0; pass < untimed; pass++)
        sum += read_pass<Through>(x, chunk);
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int pass = 0; pass < passes; pass++)
        sum += read_pass<Through>(x, chunk);
    sums[blockIdx.x * THREADS + threadIdx.x] = sum;
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}
extern "C" __global__ void __launch_bounds__(THREADS) read_ca(const uint4 *x, unsigned *sums, Stamp *stamps, int chunk,
                                                              int untimed, int passes)
{
    read<ThroughL1>(x, sums, stamps, chunk, untimed, passes);
}
extern "C" __global__ void __launch_bounds__(THREADS) read_cg(const uint4 *x, unsigned *sums, Stamp *stamps, int chunk,
                                                              int untimed, int passes)
{
    read<ThroughL2>(x, sums, stamps, chunk, untimed, passes);
}

// The fence waits until the writes have reached L2.
extern "C" __global__ void __launch_bounds__(THREADS) store(uint4 *y, Stamp *stamps, int chunk, int passes)
{
    y += size_t(blockIdx.x) * chunk + threadIdx.x;
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int pass = 0; pass < passes; pass++)
#pragma unroll 1
        for (int i = 0; i < chunk; i += LOADS * THREADS)
#pragma unroll
            for (int k = 0; k < LOADS; k++) {
                const unsigned value = i + k * THREADS + threadIdx.x + pass;
                y[i + k * THREADS] = make_uint4(value, value, value, value);
            }
    __threadfence();
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}

template <typename Through>
__device__ void copy(const uint4 *x, uint4 *y, Stamp *stamps, int chunk, int passes)
{
    x += size_t(blockIdx.x) * chunk + threadIdx.x;
    y += size_t(blockIdx.x) * chunk + threadIdx.x;
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int pass = 0; pass < passes; pass++)
#pragma unroll 1
        for (int i = 0; i < chunk; i += LOADS * THREADS) {
            uint4 value[LOADS];
#pragma unroll
            for (int k = 0; k < LOADS; k++)
                value[k] = Through::four_words(x + i + k * THREADS);
#pragma unroll
            for (int k = 0; k < LOADS; k++)
                y[i + k * THREADS] = value[k];
        }
    __threadfence();
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}
extern "C" __global__ void __launch_bounds__(THREADS) copy_ca(const uint4 *x, uint4 *y, Stamp *stamps, int chunk,
                                                              int passes)
{
    copy<ThroughL1>(x, y, stamps, chunk, passes);
}
extern "C" __global__ void __launch_bounds__(THREADS) copy_cg(const uint4 *x, uint4 *y, Stamp *stamps, int chunk,
                                                              int passes)
{
    copy<ThroughL2>(x, y, stamps, chunk, passes);
}
