// Reads one word in `stride`: a warp's load touches 4 to 32 sectors for the same 128 useful bytes. What goes unused is
// paid for in L1, or in L2 or DRAM, by how much memory is read.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

constexpr int THREADS = 256, LOADS = 8, MOST_THREADS = 1024;

struct Stamp // of one CTA
{
    long long sm, start, stop;
};

// `apart` is a number of words between a thread's loads.
template <typename Through>
__device__ __forceinline__ unsigned read_pass(const unsigned *p, int apart)
{
    unsigned value[LOADS], sum = 0;
#pragma unroll
    for (int k = 0; k < LOADS; k++)
        value[k] = Through::word(p + k * apart);
#pragma unroll
    for (int k = 0; k < LOADS; k++)
        sum += value[k];
    return sum;
}

// Every warp reads the same 8 times 4 KiB or less again and again, as many warps as a CTA has room for. `advance` is 0,
// which the compiler does not know: it must not merge the passes.
extern "C" __global__ void __launch_bounds__(MOST_THREADS) read_l1(const unsigned *x, unsigned *sums, Stamp *stamps,
                                                                   int stride, int advance, int passes)
{
    x += threadIdx.x % 32 * stride;
    unsigned sum = read_pass<ThroughL1>(x, 1024);
    __syncthreads();
    const long long start = clock_now();
#pragma unroll 1
    for (int pass = 0; pass < passes; pass++) {
        sum += read_pass<ThroughL1>(x, 1024);
        x += advance;
    }
    sums[blockIdx.x * blockDim.x + threadIdx.x] = sum;
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}

// In each pass a CTA reads one chunk of THREADS * LOADS * stride words, then the next one; the first follows the last.
extern "C" __global__ void __launch_bounds__(THREADS) read_l2(const unsigned *x, unsigned *sums, Stamp *stamps,
                                                              int stride, int chunks, int untimed, int passes)
{
    const int step = THREADS * stride;
    int chunk = blockIdx.x % chunks;
    unsigned sum = 0;
    long long start = 0;
#pragma unroll 1
    for (int pass = 0; pass < untimed + passes; pass++) {
        if (pass == untimed) {
            __syncthreads();
            start = clock_now();
        }
        sum += read_pass<ThroughL2>(x + size_t(chunk) * LOADS * step + threadIdx.x * stride, step);
        chunk = chunk + 1 < chunks ? chunk + 1 : 0;
    }
    sums[blockIdx.x * THREADS + threadIdx.x] = sum;
    __syncthreads();
    const long long stop = clock_now();
    if (threadIdx.x == 0)
        stamps[blockIdx.x] = Stamp{sm_number(), start, stop};
}
