// Clocks and places of a thread: the SM's cycle counter, the GPU's nanosecond counter, the number of the SM. The memory
// clobber keeps loads and stores on their side of a reading; arithmetic is held back only by what it depends on.
#pragma once

__device__ __forceinline__ long long clock_now()
{
    long long cycles;
    asm volatile("mov.u64 %0, %%clock64;" : "=l"(cycles)::"memory");
    return cycles;
}
// Counts nanoseconds in steps of the GPU's choice, 32 ns to about 1 us.
__device__ __forceinline__ long long nanoseconds_now()
{
    long long nanoseconds;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(nanoseconds)::"memory");
    return nanoseconds;
}
__device__ __forceinline__ int sm_number()
{
    int number;
    asm volatile("mov.u32 %0, %%smid;" : "=r"(number));
    return number;
}
