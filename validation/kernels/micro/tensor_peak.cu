// Peak of mma.sync: eight independent sums a warp of half-precision products m16n8k16, with float or with half sums.
// sm_80 on; what wgmma and tcgen05 reach is more.
#include <ptx/mma.cuh>

constexpr int SUMS = 8;

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

// `operands` holds six registers of two halves for each lane.
template <typename Sum>
__device__ void tensor_peak(const unsigned *operands, float *sink, int rounds)
{
    unsigned a[4], b[2];
    for (int i = 0; i < 4; i++)
        a[i] = operands[i * 32 + threadIdx.x % 32];
    for (int i = 0; i < 2; i++)
        b[i] = operands[(4 + i) * 32 + threadIdx.x % 32];
    Sum sums[SUMS] = {};
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int step = 0; step < 4; step++)
#pragma unroll
            for (int i = 0; i < SUMS; i++)
                sums[i].add(a, b);
    float total = 0;
    for (int i = 0; i < SUMS; i++)
        total += sums[i].total();
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
