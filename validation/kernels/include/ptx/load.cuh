// Global loads by the first cache that may answer, and the wait for a value. The assembler drops a load whose value
// goes nowhere and merges loads through L1 that it sees to have the same address: use the values, hide the addresses.
#pragma once

struct ThroughL1 // the default of every plain load
{
    static __device__ __forceinline__ unsigned long long address(const void *p)
    {
        unsigned long long value;
        asm volatile("ld.global.u64 %0, [%1];" : "=l"(value) : "l"(p) : "memory");
        return value;
    }
    static __device__ __forceinline__ unsigned word(const unsigned *p)
    {
        unsigned value;
        asm volatile("ld.global.u32 %0, [%1];" : "=r"(value) : "l"(p) : "memory");
        return value;
    }
    static __device__ __forceinline__ uint4 four_words(const uint4 *p)
    {
        uint4 value;
        asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];"
                     : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                     : "l"(p)
                     : "memory");
        return value;
    }
};
struct ThroughL2 // past L1
{
    static __device__ __forceinline__ unsigned long long address(const void *p)
    {
        unsigned long long value;
        asm volatile("ld.global.cg.u64 %0, [%1];" : "=l"(value) : "l"(p) : "memory");
        return value;
    }
    static __device__ __forceinline__ unsigned word(const unsigned *p)
    {
        unsigned value;
        asm volatile("ld.global.cg.u32 %0, [%1];" : "=r"(value) : "l"(p) : "memory");
        return value;
    }
    static __device__ __forceinline__ uint4 four_words(const uint4 *p)
    {
        uint4 value;
        asm volatile("ld.global.cg.v4.u32 {%0,%1,%2,%3}, [%4];"
                     : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                     : "l"(p)
                     : "memory");
        return value;
    }
};

// Follows STEPS pointers, each load's result being the next one's address with nothing in between.
template <typename Through, int STEPS>
__device__ __forceinline__ unsigned long long follow(unsigned long long p)
{
#pragma unroll
    for (int step = 0; step < STEPS; step++)
        p = Through::address(reinterpret_cast<const void *>(p));
    return p;
}
// The same for steps / 64 * 64 pointers.
template <typename Through>
__device__ __forceinline__ unsigned long long follow(unsigned long long p, int steps)
{
#pragma unroll 1
    for (int step = 64; step <= steps; step += 64)
        p = follow<Through, 64>(p);
    return p;
}

// Goes on once `value` is there: a clock read after it is read after the arrival. No value here has all its bits set.
__device__ __forceinline__ void arrived(unsigned value)
{
    asm volatile("{.reg .pred never; setp.eq.u32 never, %0, 0xffffffff; @never trap;}" ::"r"(value) : "memory");
}
__device__ __forceinline__ void arrived(unsigned long long value)
{
    asm volatile("{.reg .pred never; setp.eq.u64 never, %0, 0xffffffffffffffff; @never trap;}" ::"l"(value) : "memory");
}
