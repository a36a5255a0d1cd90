// Latency and throughput of mma.sync by shape and types: one chain of products that wait for each other's sums, or
// eight independent sums a warp. Operands stay in registers; wgmma and tcgen05, which read shared memory, are not here.
#include <ptx/steps.cuh>

constexpr int LATENCY_STEPS = 16;
constexpr int THROUGHPUT_STEPS = 4;
constexpr int SUMS = 8;

template <typename Product, int COUNT>
struct Sums
{
    typename Product::sum d[COUNT][4];
    typename Product::factor a[4], b[4];
    int metadata;

    __device__ void advance(int)
    {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            Product::template on<ARCHITECTURE>(d[i], a, b, metadata);
    }
};

// `seed` holds the bits of eight operand registers for each lane; the sums start from their values.
template <typename Product, int COUNT, int STEPS>
__device__ void measure_sums(Interval *clocks, const void *seed, void *sink, int rounds)
{
    using D = typename Product::sum;
    if (ARCHITECTURE < Product::since)
        return;
    using F = typename Product::factor;
    const F *mine = static_cast<const F *>(seed) + threadIdx.x % 32;
    Sums<Product, COUNT> sums;
    for (int i = 0; i < 4; i++) {
        sums.a[i] = mine[32 * i];
        sums.b[i] = mine[32 * (4 + i)];
    }
    for (int i = 0; i < COUNT; i++)
        for (int part = 0; part < 4; part++)
            sums.d[i][part] = part < Product::parts ? D(mine[32 * i]) : D(0);
    sums.metadata = 0x44444444; // of four elements the first two
    measure<STEPS>(sums, clocks, rounds);
    D total = 0;
    for (int i = 0; i < COUNT; i++)
        for (int part = 0; part < 4; part++)
            total += sums.d[i][part];
    static_cast<D *>(sink)[threadIdx.x] = total;
}

#define R_int "r"
#define R_float "f"
#define R_double "d"

// NAME, first architecture, types of a sum's and of an operand's register, registers of a sum, PTX. The PTX ends in the
// registers of sum, first and second operand, as in D4A4B2; a sparse product has metadata E.
#define MMA_SYNC "mma.sync.aligned."
#define MMA_SP_SYNC "mma.sp::ordered_metadata.sync.aligned."
#define D2A1B1 "{%0,%1}, {%4}, {%8}, {%0,%1};"
#define D2A2B1 "{%0,%1}, {%4,%5}, {%8}, {%0,%1};"
#define D2A4B2 "{%0,%1}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1};"
#define D4A2B1 "{%0,%1,%2,%3}, {%4,%5}, {%8}, {%0,%1,%2,%3};"
#define D4A4B2 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#define D4A2B2E "{%0,%1,%2,%3}, {%4,%5}, {%8,%9}, {%0,%1,%2,%3}, %12, 0x0;"
#define D4A4B4E "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9,%10,%11}, {%0,%1,%2,%3}, %12, 0x0;"
#define MMA(NAME, SINCE, SUM, FACTOR, PARTS, PTX)                                                                     \
    struct product_##NAME                                                                                             \
    {                                                                                                                 \
        using sum = SUM;                                                                                              \
        using factor = FACTOR;                                                                                        \
        static constexpr int since = SINCE, parts = PARTS;                                                            \
        template <int TARGET>                                                                                         \
        __device__ static void on(SUM (&d)[4], const FACTOR (&a)[4], const FACTOR (&b)[4], int metadata)              \
        {                                                                                                             \
            if constexpr (TARGET >= SINCE)                                                                            \
                asm volatile(PTX                                                                                      \
                             : "+" R_##SUM(d[0]), "+" R_##SUM(d[1]), "+" R_##SUM(d[2]), "+" R_##SUM(d[3])             \
                             : R_##FACTOR(a[0]), R_##FACTOR(a[1]), R_##FACTOR(a[2]), R_##FACTOR(a[3]),                \
                               R_##FACTOR(b[0]), R_##FACTOR(b[1]), R_##FACTOR(b[2]), R_##FACTOR(b[3]), "r"(metadata));\
        }                                                                                                             \
    };                                                                                                                \
    extern "C" __global__ void latency_##NAME(Interval *clocks, const void *seed, void *sink, int rounds)              \
    {                                                                                                                 \
        measure_sums<product_##NAME, 1, LATENCY_STEPS>(clocks, seed, sink, rounds);                                   \
    }                                                                                                                 \
    extern "C" __global__ void __launch_bounds__(512) throughput_##NAME(Interval *clocks, const void *seed,           \
                                                                           void *sink, int rounds)                    \
    {                                                                                                                 \
        measure_sums<product_##NAME, SUMS, THROUGHPUT_STEPS>(clocks, seed, sink, rounds);                             \
    }

// First architectures where that is not a number: an older toolkit cannot write some products, and sm_90 to sm_110 have
// FP8 only in wgmma and tcgen05 (the compiler computes mma.sync with half-precision products outside of the loop).
constexpr int TOOLKIT = __CUDACC_VER_MAJOR__ * 100 + __CUDACC_VER_MINOR__, NONE = 1 << 30;
constexpr int SPARSE = TOOLKIT >= 1205 ? 800 : NONE;
constexpr int FP8 = ARCHITECTURE == 890 || ARCHITECTURE >= 1200 ? 890 : NONE;
constexpr int FP8_TO_HALF = TOOLKIT >= 1208 ? FP8 : NONE;

// clang-format off

// Half precision: operands and sums
MMA(m16n8k8_f16_f16, 750, int, int, 2, MMA_SYNC "m16n8k8.row.col.f16.f16.f16.f16 " D2A2B1)
MMA(m16n8k8_f16_f32, 750, float, int, 4, MMA_SYNC "m16n8k8.row.col.f32.f16.f16.f32 " D4A2B1)
MMA(m16n8k16_f16_f16, 800, int, int, 2, MMA_SYNC "m16n8k16.row.col.f16.f16.f16.f16 " D2A4B2)
MMA(m16n8k16_f16_f32, 800, float, int, 4, MMA_SYNC "m16n8k16.row.col.f32.f16.f16.f32 " D4A4B2)
MMA(m16n8k8_bf16_f32, 800, float, int, 4, MMA_SYNC "m16n8k8.row.col.f32.bf16.bf16.f32 " D4A2B1)
MMA(m16n8k16_bf16_f32, 800, float, int, 4, MMA_SYNC "m16n8k16.row.col.f32.bf16.bf16.f32 " D4A4B2)

// TF32, FP8, double precision
MMA(m16n8k4_tf32_f32, 800, float, int, 4, MMA_SYNC "m16n8k4.row.col.f32.tf32.tf32.f32 " D4A2B1)
MMA(m16n8k8_tf32_f32, 800, float, int, 4, MMA_SYNC "m16n8k8.row.col.f32.tf32.tf32.f32 " D4A4B2)
MMA(m16n8k32_e4m3_f16, FP8_TO_HALF, int, int, 2, MMA_SYNC "m16n8k32.row.col.f16.e4m3.e4m3.f16 " D2A4B2)
MMA(m16n8k32_e4m3_f32, FP8, float, int, 4, MMA_SYNC "m16n8k32.row.col.f32.e4m3.e4m3.f32 " D4A4B2)
MMA(m8n8k4_f64_f64, 800, double, double, 2, MMA_SYNC "m8n8k4.row.col.f64.f64.f64.f64 " D2A1B1)
MMA(m16n8k4_f64_f64, 900, double, double, 4, MMA_SYNC "m16n8k4.row.col.f64.f64.f64.f64 " D4A2B1)
MMA(m16n8k8_f64_f64, 900, double, double, 4, MMA_SYNC "m16n8k8.row.col.f64.f64.f64.f64 " D4A4B2)

// Integers
MMA(m8n8k16_s8_s32, 750, int, int, 2, MMA_SYNC "m8n8k16.row.col.s32.s8.s8.s32 " D2A1B1)
MMA(m16n8k16_s8_s32, 800, int, int, 4, MMA_SYNC "m16n8k16.row.col.s32.s8.s8.s32 " D4A2B1)
MMA(m16n8k32_s8_s32, 800, int, int, 4, MMA_SYNC "m16n8k32.row.col.s32.s8.s8.s32 " D4A4B2)
MMA(m8n8k32_s4_s32, 750, int, int, 2, MMA_SYNC "m8n8k32.row.col.s32.s4.s4.s32 " D2A1B1)
MMA(m16n8k32_s4_s32, 800, int, int, 4, MMA_SYNC "m16n8k32.row.col.s32.s4.s4.s32 " D4A2B1)
MMA(m16n8k64_s4_s32, 800, int, int, 4, MMA_SYNC "m16n8k64.row.col.s32.s4.s4.s32 " D4A4B2)
MMA(m16n8k256_b1_s32, 800, int, int, 4, MMA_SYNC "m16n8k256.row.col.s32.b1.b1.s32.and.popc " D4A4B2)

// Sparse: of four elements of A two are given
MMA(sp_m16n8k16_f16_f32, SPARSE, float, int, 4, MMA_SP_SYNC "m16n8k16.row.col.f32.f16.f16.f32 " D4A2B2E)
MMA(sp_m16n8k32_f16_f32, SPARSE, float, int, 4, MMA_SP_SYNC "m16n8k32.row.col.f32.f16.f16.f32 " D4A4B4E)
MMA(sp_m16n8k16_tf32_f32, SPARSE, float, int, 4, MMA_SP_SYNC "m16n8k16.row.col.f32.tf32.tf32.f32 " D4A4B4E)
MMA(sp_m16n8k64_s8_s32, SPARSE, int, int, 4, MMA_SP_SYNC "m16n8k64.row.col.s32.s8.s8.s32 " D4A4B4E)
