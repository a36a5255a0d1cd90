// The SM's clock against the GPU's: samples of both, taken by a thread that has the GPU to itself, and by one of a grid
// that keeps every SM busy with FFMA or with tensor products. The rate of the one against the other is the clock in
// force, whatever tools report.
#include <ptx/clock.cuh>
#include <ptx/mma.cuh>

struct Sample
{
    long long nanoseconds, cycles;
};

extern "C" __global__ void set_deadline(long long *deadline, int microseconds)
{
    *deadline = nanoseconds_now() + 1000ll * microseconds;
}

// One sample every `period` nanoseconds until `count` are taken.
struct Sampler
{
    Sample *samples;
    int count, period, taken;
    long long next;

    __device__ void look()
    {
        const long long now = nanoseconds_now();
        if (taken < count && now >= next) {
            samples[taken++] = {now, clock_now()};
            next = now + period;
        }
    }
};

extern "C" __global__ void sample_idle(const long long *deadline, Sample *samples, int count, int period)
{
    Sampler sampler = {samples, count, period, 0, 0};
    while (nanoseconds_now() < *deadline)
        sampler.look();
}

// What fp32_peak does, and what tensor_peak does with float sums: there it is told why operands change.
struct Multiplications
{
    float a[2], b[2], x[8];

    __device__ explicit Multiplications(const float *operands)
    {
        for (int i = 0; i < 2; i++) {
            a[i] = operands[i * blockDim.x + threadIdx.x];
            b[i] = operands[(2 + i) * blockDim.x + threadIdx.x];
        }
        for (int chain = 0; chain < 8; chain++)
            x[chain] = operands[(4 + chain) * blockDim.x + threadIdx.x];
    }
    __device__ void advance()
    {
#pragma unroll 1
        for (int round = 0; round < 16; round++)
#pragma unroll
            for (int step = 0; step < 16; step++)
#pragma unroll
                for (int chain = 0; chain < 8; chain++) {
                    const int turn = (step + chain / 4) % 2;
                    x[chain] = x[chain] * a[turn] + b[turn];
                }
    }
    __device__ float total() const
    {
        float sum = 0;
        for (int chain = 0; chain < 8; chain++)
            sum += x[chain];
        return sum;
    }
};
struct TensorProducts
{
    unsigned a[4][4], b[2][2];
    float sums[4][2][4];

    __device__ explicit TensorProducts(const unsigned *operands) : sums{}
    {
        for (int i = 0; i < 16; i++)
            a[i / 4][i % 4] = operands[i * blockDim.x + threadIdx.x];
        for (int i = 0; i < 4; i++)
            b[i / 2][i % 2] = operands[(16 + i) * blockDim.x + threadIdx.x];
    }
    __device__ void advance()
    {
#pragma unroll 1
        for (int round = 0; round < 8; round++)
#pragma unroll
            for (int step = 0; step < 4; step++)
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int j = 0; j < 2; j++)
                        mma_m16n8k16(sums[i][j], a[(i + step) % 4], b[(j + step) % 2]);
    }
    __device__ float total() const
    {
        float sum = 0;
        for (int i = 0; i < 32; i++)
            sum += sums[i / 8][i / 4 % 2][i % 4];
        return sum;
    }
};

// More blocks than any GPU holds at once: those that start after the deadline end at once.
template <typename Load>
__device__ void sample_loaded(const long long *deadline, Sample *samples, int count, int period, Load load, float *sink)
{
    const long long end = *deadline;
    Sampler sampler = {samples, count, period, 0, 0};
    // The vote keeps warps together: a tensor product takes a whole one.
    while (__all_sync(~0u, nanoseconds_now() < end)) {
        if (blockIdx.x == 0 && threadIdx.x == 0)
            sampler.look();
        __syncwarp();
        load.advance();
    }
    sink[threadIdx.x] = load.total(); // every block writes the same place: only that it is written matters
}
extern "C" __global__ void sample_ffma(const long long *deadline, Sample *samples, int count, int period,
                                       const float *operands, float *sink)
{
    sample_loaded(deadline, samples, count, period, Multiplications(operands), sink);
}
// Before sm_80 there is no such product: no sample is taken.
extern "C" __global__ void sample_mma(const long long *deadline, Sample *samples, int count, int period,
                                      const unsigned *operands, float *sink)
{
#if __CUDA_ARCH__ >= 800
    sample_loaded(deadline, samples, count, period, TensorProducts(operands), sink);
#endif
}
