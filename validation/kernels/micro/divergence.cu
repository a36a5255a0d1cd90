// A decision tree of five branches with 32 leaves of eight dependent FFMA each. Every lane walks to the leaf that its
// selector names, so the same code runs with the warp together or split into 2 to 32 paths that wait for each other.
#include <ptx/clock.cuh>

// Leaves differ in a constant, so that the compiler cannot make one of them.
template <int LEAF, int LEVELS>
__device__ __forceinline__ void descend(float &x, float a, int selector)
{
    if constexpr (LEVELS == 0) {
#pragma unroll
        for (int i = 0; i < 8; i++)
            asm volatile("fma.rn.f32 %0, %0, %1, %2;" : "+f"(x) : "f"(a), "f"(1.0f + LEAF));
    } else if (selector >> (LEVELS - 1) & 1) {
        descend<2 * LEAF + 1, LEVELS - 1>(x, a, selector);
    } else {
        descend<2 * LEAF, LEVELS - 1>(x, a, selector);
    }
}

// One warp walks `rounds` times; of two passes the second counts.
extern "C" __global__ void decision_tree(const int *selector, const float *factor, float *sink, long long *cycles,
                                         int rounds)
{
    const int lane = threadIdx.x, mine = selector[lane];
    const float a = factor[lane];
    float x = a;
    long long start, stop;
#pragma unroll 1
    for (int pass = 0; pass < 2; pass++) {
        start = clock_now();
#pragma unroll 1
        for (int round = 0; round < rounds; round++) {
            descend<0, 5>(x, a, mine);
            __syncwarp();
        }
        stop = clock_now();
    }
    sink[lane] = x;
    if (lane == 0)
        *cycles = stop - start;
}
