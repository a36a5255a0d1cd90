// One thread follows pointers through a working set in random order: the latency of the first cache that holds the set.
// Elements hold the address of the next one, so that each load feeds the next with no arithmetic in between.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

// `order` lists the elements, `stride` bytes apart, as they are visited.
extern "C" __global__ void link_elements(char *memory, const unsigned *order, int elements, int stride)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= elements)
        return;
    const unsigned next = order[i + 1 < elements ? i + 1 : 0];
    *reinterpret_cast<char **>(memory + size_t(order[i]) * stride) = memory + size_t(next) * stride;
}

// The whole block touches `touched` elements, all to bring the set in or none; then thread 0 walks, first `untimed`
// steps.
template <typename Through>
__device__ void walk(const char *memory, const unsigned *order, int stride, int touched, int untimed, int steps,
                     long long *cycles, long long *last)
{
    unsigned long long sum = 0;
#pragma unroll 4
    for (int i = threadIdx.x; i < touched; i += blockDim.x)
        sum += Through::address(memory + size_t(i) * stride);
    arrived(sum);
    __syncthreads();
    if (threadIdx.x != 0)
        return;
    const unsigned long long base = reinterpret_cast<unsigned long long>(memory);
    unsigned long long p = follow<Through>(base + size_t(order[0]) * stride, untimed);
    arrived(p);
    const long long start = clock_now();
    p = follow<Through>(p, steps);
    arrived(p);
    *cycles = clock_now() - start;
    *last = p - base;
}
extern "C" __global__ void walk_ca(const char *memory, const unsigned *order, int stride, int touched, int untimed,
                                   int steps, long long *cycles, long long *last)
{
    walk<ThroughL1>(memory, order, stride, touched, untimed, steps, cycles, last);
}
extern "C" __global__ void walk_cg(const char *memory, const unsigned *order, int stride, int touched, int untimed,
                                   int steps, long long *cycles, long long *last)
{
    walk<ThroughL2>(memory, order, stride, touched, untimed, steps, cycles, last);
}
