// Latency and throughput of ldmatrix: the matrices hold addresses of their own rows, so that what a lane loads is where
// it loads from next. 32 rows of 16 bytes side by side: no bank conflicts.
#include <ptx/steps.cuh>

constexpr int LATENCY_STEPS = 32;
constexpr int THROUGHPUT_STEPS = 8;
constexpr int CHAINS = 4;

template <typename Load, int COUNT>
struct Walks
{
    unsigned row[COUNT];
    __device__ void advance(int)
    {
#pragma unroll
        for (int chain = 0; chain < COUNT; chain++)
            Load::next(row[chain]);
    }
};

// `offset` holds zeros; they are loaded so that the assembler cannot know that all chains go the same way.
template <typename Load, int COUNT, int STEPS>
__device__ void measure_loads(Interval *clocks, const unsigned *offset, unsigned *sink, int rounds)
{
    __shared__ __align__(16) unsigned short tile[32][8];
    const int lane = threadIdx.x % 32;
    const unsigned first = static_cast<unsigned>(__cvta_generic_to_shared(tile));
    if (threadIdx.x < 32) {
        // The first matrix, rows 0 to 7, gives each lane two halves; together they are the address of row `lane`.
        const unsigned mine = first + 16 * lane;
        const int quarter = lane / 4, pair = 2 * (lane % 4);
        if (Load::transposed) {
            tile[pair][quarter] = mine;
            tile[pair + 1][quarter] = 0; // shared addresses end below 64 KiB here
        } else {
            tile[quarter][pair] = mine;
            tile[quarter][pair + 1] = 0;
        }
        for (int i = 0; i < 8; i++)
            if (lane >= 8)
                tile[lane][i] = 0;
    }
    Walks<Load, COUNT> walks;
    for (int chain = 0; chain < COUNT; chain++)
        walks.row[chain] = first + 16 * lane + offset[chain * 32 + lane];
    measure<STEPS>(walks, clocks, rounds);
    unsigned last = 0;
    for (int chain = 0; chain < COUNT; chain++)
        last |= walks.row[chain] ^ (first + 16 * lane);
    sink[threadIdx.x] = last; // 0: every lane stayed at its row
}

#define LDMATRIX(NAME, TRANSPOSED, REGISTERS, PTX)                                                                     \
    struct load_##NAME                                                                                                 \
    {                                                                                                                  \
        static constexpr bool transposed = TRANSPOSED;                                                                 \
        __device__ static void next(unsigned &row)                                                                     \
        {                                                                                                              \
            asm volatile("{.reg .b32 r1, r2, r3; ldmatrix.sync.aligned.m8n8." PTX ".shared.b16 " REGISTERS ", [%0];}"  \
                         : "+r"(row)::"memory");                                                                       \
        }                                                                                                              \
    };                                                                                                                 \
    extern "C" __global__ void latency_##NAME(Interval *clocks, const unsigned *offset, unsigned *sink, int rounds)    \
    {                                                                                                                  \
        measure_loads<load_##NAME, 1, LATENCY_STEPS>(clocks, offset, sink, rounds);                                    \
    }                                                                                                                  \
    extern "C" __global__ void throughput_##NAME(Interval *clocks, const unsigned *offset, unsigned *sink, int rounds) \
    {                                                                                                                  \
        measure_loads<load_##NAME, CHAINS, THROUGHPUT_STEPS>(clocks, offset, sink, rounds);                            \
    }

LDMATRIX(x1, false, "{%0}", "x1")
LDMATRIX(x2, false, "{%0,r1}", "x2")
LDMATRIX(x4, false, "{%0,r1,r2,r3}", "x4")
LDMATRIX(x1_trans, true, "{%0}", "x1.trans")
LDMATRIX(x2_trans, true, "{%0,r1}", "x2.trans")
LDMATRIX(x4_trans, true, "{%0,r1,r2,r3}", "x4.trans")
