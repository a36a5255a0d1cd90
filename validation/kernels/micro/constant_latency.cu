// One thread follows offsets through constant memory: the latency of indexed constant loads by working set. The array
// holds 16 chains side by side, one a word of each 64-byte line; chain k goes once through each of `lines(k)` lines.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

constexpr int WORDS = 16, LINES = 1024;

constexpr int lines(int chain)
{
    constexpr int counts[WORDS] = {8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 640, 768, 896, 1024};
    return counts[chain];
}
// 11 has no common divisor with any of the counts, so that steps of 11 lines come by every line.
struct Chains
{
    unsigned next[LINES * WORDS];
    constexpr Chains() : next()
    {
        for (int line = 0; line < LINES; line++)
            for (int chain = 0; chain < WORDS; chain++)
                next[line * WORDS + chain] = ((line + 11) % lines(chain) * WORDS + chain) * 4;
    }
};
__constant__ Chains chains;

__device__ __forceinline__ unsigned follow_constant(unsigned offset, int steps)
{
#pragma unroll 1
    for (int step = 0; step < steps; step += 32)
#pragma unroll
        for (int k = 0; k < 32; k++)
            offset = *reinterpret_cast<const unsigned *>(reinterpret_cast<const char *>(chains.next) + offset);
    return offset;
}

// Steps are multiples of 32.
extern "C" __global__ void constant_chase(int chain, int untimed, int steps, long long *cycles, unsigned *last)
{
    unsigned offset = follow_constant(chain * 4, untimed);
    arrived(offset);
    const long long start = clock_now();
    offset = follow_constant(offset, steps);
    arrived(offset);
    *cycles = clock_now() - start;
    *last = offset;
}
