// validation/kernels/include/ptx/load.cuh on the CPU, where there are no caches to choose from.
#pragma once
#include <cuda_on_cpu.h>

struct ThroughL1 {
    static unsigned long long address(const void *p) { return *static_cast<const unsigned long long *>(p); }
    static unsigned word(const unsigned *p) { return *p; }
    static uint4 four_words(const uint4 *p) { return *p; }
};
struct ThroughL2 : ThroughL1 {
};

template <typename Through, int STEPS>
unsigned long long follow(unsigned long long p)
{
    for (int step = 0; step < STEPS; step++)
        p = Through::address(reinterpret_cast<const void *>(p));
    return p;
}
template <typename Through>
unsigned long long follow(unsigned long long p, int steps)
{
    for (int step = 64; step <= steps; step += 64)
        p = follow<Through, 64>(p);
    return p;
}
template <typename T>
void arrived(T)
{
}
