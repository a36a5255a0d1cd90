// Latency and throughput of single instructions: each line of the table becomes a kernel with one dependent chain and
// one with four chains a warp, timed as ptx/steps.cuh says. What the architecture lacks becomes an empty kernel.
#include <ptx/steps.cuh>

constexpr int LATENCY_STEPS = 32;
constexpr int THROUGHPUT_STEPS = 8;
constexpr int CHAINS = 4;

// Steps alternate between two pairs of operands: a repeated one would let the assembler merge them, as in
// min(min(x, a), a).
template <typename Instruction, int COUNT>
struct Chains
{
    typename Instruction::type x[COUNT], a[2], b[2];

    __device__ void advance(int i)
    {
#pragma unroll
        for (int chain = 0; chain < COUNT; chain++)
            Instruction::template on<ARCHITECTURE>(x[chain], a[i], b[i]);
    }
};

// `seed` gives each lane the values that four chains start from and four operands; they are loaded so that they stand
// in registers and differ between lanes.
template <typename Instruction, int COUNT, int STEPS>
__device__ void measure_chains(Interval *clocks, const int *seed, void *sink, int rounds)
{
    using T = typename Instruction::type;
    if (ARCHITECTURE < Instruction::since)
        return;
    const int *mine = seed + threadIdx.x % 32;
    Chains<Instruction, COUNT> chains;
    for (int chain = 0; chain < COUNT; chain++)
        chains.x[chain] = T(mine[32 * chain]);
    for (int i = 0; i < 2; i++) {
        chains.a[i] = T(mine[32 * (CHAINS + i)]);
        chains.b[i] = T(mine[32 * (CHAINS + 2 + i)]);
    }
    measure<STEPS>(chains, clocks, rounds);
    for (int chain = 0; chain < COUNT; chain++)
        static_cast<T *>(sink)[chain * blockDim.x + threadIdx.x] = chains.x[chain];
}

// How inline PTX names a register of each type.
#define R_short "h"
#define R_int "r"
#define R_float "f"
#define R_long "l"
#define R_double "d"

// NAME, first architecture, type of x, a, b and a step that replaces x: %0 is x, %1 is a, %2 is b.
#define INSTRUCTION(NAME, SINCE, TYPE, PTX) \
    KERNELS(NAME, SINCE, TYPE, asm volatile(PTX : "+" R_##TYPE(x) : R_##TYPE(a), R_##TYPE(b)))
// The same for a function of the compiler's that PTX does not show.
#define INTRINSIC(NAME, SINCE, TYPE, EXPRESSION) KERNELS(NAME, SINCE, TYPE, x = EXPRESSION)

#define KERNELS(NAME, SINCE, TYPE, STATEMENT)                                                                   \
    struct step_##NAME                                                                                          \
    {                                                                                                           \
        using type = TYPE;                                                                                      \
        static constexpr int since = SINCE;                                                                     \
        template <int TARGET>                                                                                   \
        __device__ static void on(TYPE &x, TYPE a, TYPE b)                                                      \
        {                                                                                                       \
            if constexpr (TARGET >= SINCE)                                                                      \
                STATEMENT;                                                                                      \
        }                                                                                                       \
    };                                                                                                          \
    extern "C" __global__ void latency_##NAME(Interval *clocks, const int *seed, void *sink, int rounds)        \
    {                                                                                                           \
        measure_chains<step_##NAME, 1, LATENCY_STEPS>(clocks, seed, sink, rounds);                              \
    }                                                                                                           \
    extern "C" __global__ void throughput_##NAME(Interval *clocks, const int *seed, void *sink, int rounds)     \
    {                                                                                                           \
        measure_chains<step_##NAME, CHAINS, THROUGHPUT_STEPS>(clocks, seed, sink, rounds);                      \
    }

// clang-format off

// Integer arithmetic
INSTRUCTION(iadd3, 750, int, "{.reg .s32 t; add.s32 t, %0, %1; add.s32 %0, t, %2;}")
INSTRUCTION(iadd64, 750, long, "{.reg .s64 t; add.s64 t, %0, %1; add.s64 %0, t, %2;}")
INSTRUCTION(imul, 750, int, "mul.lo.s32 %0, %0, %1;")
INSTRUCTION(imul_hi, 750, int, "mul.hi.u32 %0, %0, %1;")
INSTRUCTION(imad, 750, int, "mad.lo.s32 %0, %0, %1, %2;")
INSTRUCTION(imad_wide, 750, long, "{.reg .b32 l, h; mov.b64 {l, h}, %0; mul.wide.u32 %0, l, h;}")
INSTRUCTION(imnmx, 750, int, "{.reg .s32 t; min.s32 t, %0, %1; max.s32 %0, t, %2;}")
INSTRUCTION(iabs, 750, int, "{.reg .b32 t; abs.s32 t, %0; xor.b32 %0, t, %1;}")
INSTRUCTION(i2ip, 750, int, "cvt.pack.sat.s8.s32.b32 %0, %0, %1, %2;")
INSTRUCTION(sad4, 750, int, "vabsdiff4.u32.u32.u32.add %0, %0, %1, %2;")
INSTRUCTION(sad, 750, int, "sad.s32 %0, %0, %1, %2;")
INSTRUCTION(dp4a, 750, int, "dp4a.s32.s32 %0, %0, %1, %2;")
INSTRUCTION(dp2a, 750, int, "dp2a.lo.s32.s32 %0, %0, %1, %2;")

// Bits
INSTRUCTION(lop3, 750, int, "lop3.b32 %0, %0, %1, %2, 0x78;")
INSTRUCTION(shl, 750, int, "shl.b32 %0, %0, %1;")
INSTRUCTION(shr, 750, int, "shr.s32 %0, %0, %1;")
INSTRUCTION(shf, 750, int, "shf.l.wrap.b32 %0, %0, %1, %2;")
INSTRUCTION(prmt, 750, int, "prmt.b32 %0, %0, %1, %2;")
INSTRUCTION(sgxt, 750, int, "szext.clamp.s32 %0, %0, %1;")
INSTRUCTION(bmsk, 750, int, "bmsk.clamp.b32 %0, %0, %1;")
INSTRUCTION(popc, 750, int, "popc.b32 %0, %0;")
INSTRUCTION(flo, 750, int, "bfind.u32 %0, %0;")
INSTRUCTION(clz, 750, int, "clz.b32 %0, %0;")
INSTRUCTION(brev, 750, int, "brev.b32 %0, %0;")

// Comparison and selection
INSTRUCTION(isetp_sel, 750, int, "{.reg .pred p; setp.lt.s32 p, %0, %1; selp.b32 %0, %2, %0, p;}")
INSTRUCTION(fsetp_fsel, 750, float, "{.reg .pred p; setp.lt.f32 p, %0, %1; selp.f32 %0, %2, %0, p;}")
INSTRUCTION(fmnmx, 750, float, "{.reg .f32 t; min.f32 t, %0, %1; max.f32 %0, t, %2;}")

// Single precision
INSTRUCTION(fadd, 750, float, "add.rn.f32 %0, %0, %1;")
INSTRUCTION(fmul, 750, float, "mul.rn.f32 %0, %0, %1;")
INSTRUCTION(ffma, 750, float, "fma.rn.f32 %0, %0, %1, %2;")
INSTRUCTION(ffma2, 1000, long, "fma.rn.f32x2 %0, %0, %1, %2;")

// Pairs of 16-bit floats
INSTRUCTION(hadd2, 750, int, "add.rn.f16x2 %0, %0, %1;")
INSTRUCTION(hmul2, 750, int, "mul.rn.f16x2 %0, %0, %1;")
INSTRUCTION(hfma2, 750, int, "fma.rn.f16x2 %0, %0, %1, %2;")
INSTRUCTION(hmnmx2, 800, int, "{.reg .b32 t; min.f16x2 t, %0, %1; max.f16x2 %0, t, %2;}")
INSTRUCTION(hadd2_bf16, 900, int, "add.rn.bf16x2 %0, %0, %1;")
INSTRUCTION(hmul2_bf16, 900, int, "mul.rn.bf16x2 %0, %0, %1;")
INSTRUCTION(hfma2_bf16, 800, int, "fma.rn.bf16x2 %0, %0, %1, %2;")

// Double precision
INSTRUCTION(dadd, 750, double, "add.rn.f64 %0, %0, %1;")
INSTRUCTION(dmul, 750, double, "mul.rn.f64 %0, %0, %1;")
INSTRUCTION(dfma, 750, double, "fma.rn.f64 %0, %0, %1, %2;")
INSTRUCTION(dsetp_sel, 750, double, "{.reg .pred p; setp.lt.f64 p, %0, %1; selp.f64 %0, %2, %0, p;}")

// Transcendental functions
INSTRUCTION(mufu_rcp, 750, float, "{.reg .f32 t; rcp.approx.ftz.f32 t, %0; add.rn.f32 %0, t, %1;}")
INSTRUCTION(mufu_rsq, 750, float, "rsqrt.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_sqrt, 750, float, "sqrt.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_sin, 750, float, "sin.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_cos, 750, float, "cos.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_ex2, 750, float, "ex2.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_lg2, 750, float, "lg2.approx.ftz.f32 %0, %0;")
INSTRUCTION(mufu_tanh, 750, float, "tanh.approx.f32 %0, %0;")
INSTRUCTION(mufu_ex2_f16, 750, short, "ex2.approx.f16 %0, %0;")
INSTRUCTION(mufu_rcp64h, 750, double, "rcp.approx.ftz.f64 %0, %0;")
INSTRUCTION(mufu_rsq64h, 750, double, "rsqrt.approx.ftz.f64 %0, %0;")

// Conversions; x keeps its register and only its bits are read as the other type
INSTRUCTION(f2i, 750, int, "{.reg .f32 f; mov.b32 f, %0; cvt.rzi.s32.f32 %0, f;}")
INSTRUCTION(i2f, 750, int, "{.reg .f32 f; cvt.rn.f32.s32 f, %0; mov.b32 %0, f;}")
INSTRUCTION(frnd, 750, float, "{.reg .f32 f; cvt.rmi.f32.f32 f, %0; add.rn.f32 %0, f, %1;}")
INSTRUCTION(f2f_f16x2_f32, 800, int, "{.reg .f32 f, a; mov.b32 f, %0; mov.b32 a, %1; cvt.rn.f16x2.f32 %0, a, f;}")
INSTRUCTION(f2f_bf16x2_f32, 800, int, "{.reg .f32 f, a; mov.b32 f, %0; mov.b32 a, %1; cvt.rn.bf16x2.f32 %0, a, f;}")
INSTRUCTION(f2f_f32_f16, 750, int, "{.reg .f32 f; .reg .b16 l; cvt.u16.u32 l, %0; cvt.f32.f16 f, l; mov.b32 %0, f;}")
INSTRUCTION(f2f_f64_f32, 750, double, "{.reg .f32 l, h; mov.b64 {l, h}, %0; cvt.f64.f32 %0, h;}")
INSTRUCTION(f2f_f32_f64, 750, double, "{.reg .f32 l, h; mov.b64 {l, h}, %0; cvt.rn.f32.f64 l, %0; mov.b64 %0, {l, h};}")
INSTRUCTION(i2f_f64, 750, double, "{.reg .s32 l, h; mov.b64 {l, h}, %0; cvt.rn.f64.s32 %0, h;}")
INSTRUCTION(f2i_f64, 750, double, "{.reg .s32 l, h; mov.b64 {l, h}, %0; cvt.rzi.s32.f64 l, %0; mov.b64 %0, {l, h};}")
INSTRUCTION(f2f_f16x2_e4m3x2, 890, int, "{.reg .b16 l; cvt.u16.u32 l, %0; cvt.rn.f16x2.e4m3x2 %0, l;}")
INSTRUCTION(f2f_e4m3x2_f16x2, 890, int, "{.reg .b16 l; cvt.rn.satfinite.e4m3x2.f16x2 l, %0; cvt.u32.u16 %0, l;}")

// Special registers; the predicate makes the read wait for x
INSTRUCTION(cs2r, 750, int, "{.reg .pred p; setp.ne.s32 p, %0, %1; @p mov.u32 %0, %%clock;}")
INSTRUCTION(s2r, 750, int, "{.reg .pred p; setp.ne.s32 p, %0, %1; @p mov.u32 %0, %%smid;}")

// Within the warp
INSTRUCTION(vote, 750, int, "{.reg .pred p; setp.ne.s32 p, %0, %1; vote.sync.ballot.b32 %0, p, 0xffffffff;}")
INSTRUCTION(shfl_idx, 750, int, "shfl.sync.idx.b32 %0, %0, %1, 0x1f, 0xffffffff;")
INSTRUCTION(shfl_up, 750, int, "shfl.sync.up.b32 %0, %0, %1, 0, 0xffffffff;")
INSTRUCTION(shfl_down, 750, int, "shfl.sync.down.b32 %0, %0, %1, 0x1f, 0xffffffff;")
INSTRUCTION(shfl_bfly, 750, int, "shfl.sync.bfly.b32 %0, %0, %1, 0x1f, 0xffffffff;")
INSTRUCTION(match_any, 750, int, "match.any.sync.b32 %0, %0, 0xffffffff;")
INSTRUCTION(match_all, 750, int, "match.all.sync.b32 %0, %0, 0xffffffff;")
INSTRUCTION(redux, 800, int, "redux.sync.add.s32 %0, %0, 0xffffffff;")
INSTRUCTION(movm, 750, int, "movmatrix.sync.aligned.m8n8.trans.b16 %0, %0;")

// Dynamic-programming extensions
INTRINSIC(viaddmax_s32, 900, int, __viaddmax_s32(x, a, b))
INTRINSIC(viaddmax_s32_relu, 900, int, __viaddmax_s32_relu(x, a, b))
INTRINSIC(viaddmax_s16x2, 900, int, __viaddmax_s16x2(x, a, b))
INTRINSIC(vimax3_s32, 900, int, __vimax3_s32(x, a, b))
INTRINSIC(vimax3_s32_relu, 900, int, __vimax3_s32_relu(x, a, b))
INTRINSIC(vimax3_s16x2, 900, int, __vimax3_s16x2(x, a, b))
