// One thread follows pointers with one stop a page, at a random line of it: few lines, which a cache holds, but many
// translations. What the latency rises by beyond that of the cache is the translation's.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

// `stops` lists the byte offsets as they are visited.
extern "C" __global__ void link_stops(char *memory, const long long *stops, int pages)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < pages)
        *reinterpret_cast<char **>(memory + stops[i]) = memory + stops[i + 1 < pages ? i + 1 : 0];
}

template <typename Through>
__device__ void tour(const char *memory, const long long *stops, int untimed, int steps, long long *cycles,
                     long long *last)
{
    const unsigned long long base = reinterpret_cast<unsigned long long>(memory);
    unsigned long long p = follow<Through>(base + stops[0], untimed);
    arrived(p);
    const long long start = clock_now();
    p = follow<Through>(p, steps);
    arrived(p);
    *cycles = clock_now() - start;
    *last = p - base;
}
extern "C" __global__ void tour_ca(const char *memory, const long long *stops, int untimed, int steps,
                                   long long *cycles, long long *last)
{
    tour<ThroughL1>(memory, stops, untimed, steps, cycles, last);
}
extern "C" __global__ void tour_cg(const char *memory, const long long *stops, int untimed, int steps,
                                   long long *cycles, long long *last)
{
    tour<ThroughL2>(memory, stops, untimed, steps, cycles, last);
}
