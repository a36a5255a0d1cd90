// What one barrier costs when nothing else happens, by warps of a block or blocks of a grid: bar.sync, two named
// barriers of half a block each, one that counts predicates, __syncwarp, an mbarrier, and a grid barrier of atomics.
#include <ptx/steps.cuh>

constexpr int STEPS = 8;

struct BlockBarrier
{
    __device__ void advance(int)
    {
        asm volatile("bar.sync 0;" ::: "memory");
    }
};
extern "C" __global__ void barrier_block(Interval *clocks, const int *, unsigned *, int rounds)
{
    BlockBarrier steps;
    measure<STEPS>(steps, clocks, rounds);
}

// The name is a constant: one in a register costs arithmetic at every barrier.
template <int NAME>
struct NamedBarrier
{
    int threads;
    __device__ void advance(int)
    {
        asm volatile("bar.sync %0, %1;" ::"n"(NAME), "r"(threads) : "memory");
    }
};
// Each half of an even number of warps has its own barrier.
extern "C" __global__ void barrier_named(Interval *clocks, const int *, unsigned *, int rounds)
{
    const int half = blockDim.x / 2;
    if (threadIdx.x < half) {
        NamedBarrier<1> steps = {half};
        measure<STEPS>(steps, clocks, rounds);
    } else {
        NamedBarrier<2> steps = {half};
        measure<STEPS>(steps, clocks, rounds);
    }
}

struct CountingBarrier
{
    unsigned count;
    __device__ void advance(int)
    {
        asm volatile("{.reg .pred p; setp.ne.u32 p, %0, 0; bar.red.popc.u32 %0, 0, p;}" : "+r"(count)::"memory");
    }
};
extern "C" __global__ void barrier_counting(Interval *clocks, const int *mask, unsigned *counter, int rounds)
{
    CountingBarrier steps = {unsigned(*mask)};
    measure<STEPS>(steps, clocks, rounds);
    if (steps.count == 0)
        *counter = 1; // never: every thread counts
}

struct WarpBarrier
{
    int mask;
    __device__ void advance(int)
    {
        asm volatile("bar.warp.sync %0;" ::"r"(mask) : "memory");
    }
};
// Where the whole warp runs together, the assembler leaves nothing of the barrier but a NOP.
extern "C" __global__ void barrier_warp(Interval *clocks, const int *mask, unsigned *, int rounds)
{
    WarpBarrier steps = {*mask};
    measure<STEPS>(steps, clocks, rounds);
}

// An mbarrier in shared memory: every thread arrives and then asks until the phase is over; sm_80 and later.
template <int TARGET>
struct MemoryBarrier
{
    unsigned address;
    __device__ void start(unsigned threads)
    {
        if constexpr (TARGET >= 800)
            if (threadIdx.x == 0)
                asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(address), "r"(threads) : "memory");
    }
    __device__ void advance(int)
    {
        if constexpr (TARGET >= 800)
            asm volatile("{\n"
                         ".reg .b64 phase;\n"
                         ".reg .pred over;\n"
                         "mbarrier.arrive.shared.b64 phase, [%0];\n"
                         "ask:\n"
                         "mbarrier.test_wait.shared.b64 over, [%0], phase;\n"
                         "@!over bra ask;\n"
                         "}" ::"r"(address)
                         : "memory");
    }
};
extern "C" __global__ void barrier_memory(Interval *clocks, const int *, unsigned *, int rounds)
{
    if (ARCHITECTURE < 800)
        return;
    __shared__ unsigned long long barrier;
    MemoryBarrier<ARCHITECTURE> steps = {unsigned(__cvta_generic_to_shared(&barrier))};
    steps.start(blockDim.x);
    measure<STEPS>(steps, clocks, rounds);
}

// The blocks of a grid, a power of two and few enough to be resident together: each takes a ticket, and the last ticket
// of a round opens it. The counter needs no reset: each run takes a whole number of rounds.
struct GridBarrier
{
    unsigned *counter;
    __device__ void advance(int)
    {
        __syncthreads();
        if (threadIdx.x == 0) {
            __threadfence();
            const unsigned ticket = atomicAdd(counter, 1);
            const unsigned opens = (ticket | (gridDim.x - 1)) + 1;
            while (int(*static_cast<volatile unsigned *>(counter) - opens) < 0)
                ;
            __threadfence();
        }
        __syncthreads();
    }
};
extern "C" __global__ void barrier_grid(Interval *clocks, const int *, unsigned *counter, int rounds)
{
    GridBarrier steps = {counter};
    measure<STEPS>(steps, clocks + blockIdx.x * (blockDim.x / 32) * 2, rounds);
}
