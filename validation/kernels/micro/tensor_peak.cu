// Peak of mma.sync: eight independent sums a warp of half-precision products m16n8k16, with float or with half sums.
// Operands change from product to product and sums keep moving, as they do in other programs: power and with it the
// clock depend on it. sm_80 on; what wgmma and tcgen05 reach is more.
#include <ptx/mma.cuh>

constexpr int TILES_A = 4, TILES_B = 2, STEPS = 4;

struct FloatSum
{
    float part[4];
    __device__ void add(const unsigned (&a)[4], const unsigned (&b)[2])
    {
        mma_m16n8k16(part, a, b);
    }
    __device__ float total() const
    {
        return part[0] + part[1] + part[2] + part[3];
    }
};
struct HalfSum
{
    unsigned part[2];
    __device__ void add(const unsigned (&a)[4], const unsigned (&b)[2])
    {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%0,%1};\n"
                     : "+r"(part[0]), "+r"(part[1])
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
    __device__ float total() const
    {
        return float(part[0] ^ part[1]); // only that it is used matters
    }
};

// `operands` holds for each thread its registers of the tiles of A, then of B. Each sum takes other tiles in every step.
template <typename Sum>
__device__ void tensor_peak(const unsigned *operands, float *sink, int rounds)
{
    unsigned a[TILES_A][4], b[TILES_B][2];
    for (int tile = 0; tile < TILES_A; tile++)
        for (int i = 0; i < 4; i++)
            a[tile][i] = operands[(tile * 4 + i) * blockDim.x + threadIdx.x];
    for (int tile = 0; tile < TILES_B; tile++)
        for (int i = 0; i < 2; i++)
            b[tile][i] = operands[(TILES_A * 4 + tile * 2 + i) * blockDim.x + threadIdx.x];
    Sum sums[TILES_A][TILES_B] = {};
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int step = 0; step < STEPS; step++)
#pragma unroll
            for (int i = 0; i < TILES_A; i++)
#pragma unroll
                for (int j = 0; j < TILES_B; j++)
                    sums[i][j].add(a[(i + step) % TILES_A], b[(j + step) % TILES_B]);
    float total = 0;
    for (int i = 0; i < TILES_A; i++)
        for (int j = 0; j < TILES_B; j++)
            total += sums[i][j].total();
    sink[blockIdx.x * blockDim.x + threadIdx.x] = total;
}
extern "C" __global__ void tensor_peak_float(const unsigned *operands, float *sink, int rounds)
{
    tensor_peak<FloatSum>(operands, sink, rounds);
}
extern "C" __global__ void tensor_peak_half(const unsigned *operands, float *sink, int rounds)
{
    tensor_peak<HalfSum>(operands, sink, rounds);
}
