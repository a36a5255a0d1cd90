// The SM's clock against the GPU's: samples of both, taken by a thread that has the GPU to itself, and by one of a grid
// whose FFMA keep every SM busy. The rate of the one against the other is the clock in force, whatever tools report.
#include <ptx/clock.cuh>

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

// More blocks than any GPU holds at once: those that start after the deadline end at once.
extern "C" __global__ void sample_loaded(const long long *deadline, Sample *samples, int count, int period,
                                         const float *factor, float *sink)
{
    const long long end = *deadline;
    const float a = factor[threadIdx.x], b = factor[blockDim.x + threadIdx.x];
    float x[8];
    for (int chain = 0; chain < 8; chain++)
        x[chain] = a * chain;
    Sampler sampler = {samples, count, period, 0, 0};
    while (nanoseconds_now() < end) {
        if (blockIdx.x == 0 && threadIdx.x == 0)
            sampler.look();
#pragma unroll 1
        for (int round = 0; round < 16; round++)
#pragma unroll
            for (int step = 0; step < 16; step++)
#pragma unroll
                for (int chain = 0; chain < 8; chain++)
                    x[chain] = x[chain] * a + b;
    }
    float sum = 0;
    for (int chain = 0; chain < 8; chain++)
        sum += x[chain];
    sink[threadIdx.x] = sum; // every block writes the same place: only that it is written matters
}
