// Layer normalisation of each row in halves, one block a row: half2 loads and stores, sums in floats. One pass gives
// the sum and the sum of squares, so that a row is read twice. Columns are even, blocks are whole warps.
#include <cuda_fp16.h>

__device__ __forceinline__ float2 warp_sum(float2 value)
{
    for (int distance = 16; distance > 0; distance /= 2) {
        value.x += __shfl_xor_sync(~0u, value.x, distance);
        value.y += __shfl_xor_sync(~0u, value.y, distance);
    }
    return value;
}

extern "C" __global__ void layernorm_half2(const half2 *x, const half2 *gamma, const half2 *beta, half2 *y, int columns,
                                           float epsilon)
{
    __shared__ float2 partial[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32, pairs = columns / 2;
    const half2 *from = x + blockIdx.x * pairs;
    half2 *to = y + blockIdx.x * pairs;
    float2 sum = make_float2(0.0f, 0.0f); // of elements and of their squares
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const float2 pair = __half22float2(from[i]);
        sum.x += pair.x + pair.y;
        sum.y += pair.x * pair.x + pair.y * pair.y;
    }
    sum = warp_sum(sum);
    if (lane == 0)
        partial[warp] = sum;
    __syncthreads();
    sum = warp_sum(lane < warps ? partial[lane] : make_float2(0.0f, 0.0f));
    const float mean = sum.x / columns;
    const float scale = rsqrtf(sum.y / columns - mean * mean + epsilon);
    for (int i = threadIdx.x; i < pairs; i += blockDim.x) {
        const float2 pair = __half22float2(from[i]), slope = __half22float2(gamma[i]), offset = __half22float2(beta[i]);
        to[i] = __floats2half2_rn(slope.x * (pair.x - mean) * scale + offset.x,
                                  slope.y * (pair.y - mean) * scale + offset.y);
    }
}
