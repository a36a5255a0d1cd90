// Times repeated steps of any kind: a short loop and one twice as long, so that the difference holds nothing but steps;
// loop control, clock reads and what is still under way at the end cancel. What does not is some tens of cycles once
// (on sm_90 the first loop also loads `rounds`): take many rounds.
#pragma once

#include <ptx/clock.cuh>

#ifdef __CUDA_ARCH__
constexpr int ARCHITECTURE = __CUDA_ARCH__;
#else
constexpr int ARCHITECTURE = 0;
#endif

struct Interval
{
    long long start, stop;
};

// `steps` is an object with advance(i), one step; i alternates between 0 and 1.
template <int COUNT, typename Steps>
__device__ Interval timed(Steps &steps, int rounds)
{
    Interval interval;
    __syncthreads();
    interval.start = clock_now();
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            steps.advance(i % 2);
    interval.stop = clock_now();
    return interval;
}

// Times rounds * COUNT and rounds * 2 * COUNT steps, in two passes: the first warms the instruction caches, the second
// counts. Every warp writes two intervals.
template <int COUNT, typename Steps>
__device__ void measure(Steps &steps, Interval *clocks, int rounds)
{
    Interval brief, lengthy;
#pragma unroll 1
    for (int pass = 0; pass < 2; pass++) {
        brief = timed<COUNT>(steps, rounds);
        lengthy = timed<2 * COUNT>(steps, rounds);
    }
    if (threadIdx.x % 32 == 0) {
        clocks[threadIdx.x / 32 * 2] = brief;
        clocks[threadIdx.x / 32 * 2 + 1] = lengthy;
    }
}
