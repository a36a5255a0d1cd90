// Softmax of each row of a matrix, one block a row, in three passes: greatest element, sum of exponentials, quotient.
// Both reductions go through shuffles in a warp and shared memory between warps. Blocks are whole warps.
constexpr float LOWEST = -3.402823466e38f;

// Every thread gets the block's value; `partial` is shared memory, one word a warp.
template <class Combine>
__device__ __forceinline__ float block_reduce(float value, float neutral, float *partial, Combine combine)
{
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    for (int distance = 16; distance > 0; distance /= 2)
        value = combine(value, __shfl_xor_sync(~0u, value, distance));
    if (lane == 0)
        partial[warp] = value;
    __syncthreads();
    value = lane < warps ? partial[lane] : neutral;
    for (int distance = 16; distance > 0; distance /= 2)
        value = combine(value, __shfl_xor_sync(~0u, value, distance));
    __syncthreads(); // `partial` is written again by the next reduction
    return value;
}

extern "C" __global__ void softmax(const float *x, float *y, int columns)
{
    const float *from = x + blockIdx.x * columns;
    float *to = y + blockIdx.x * columns;
    __shared__ float partial[32];
    float greatest = LOWEST;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        greatest = fmaxf(greatest, from[i]);
    greatest = block_reduce(greatest, LOWEST, partial, [](float a, float b) { return fmaxf(a, b); });
    float sum = 0.0f;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        sum += __expf(from[i] - greatest);
    sum = block_reduce(sum, 0.0f, partial, [](float a, float b) { return a + b; });
    const float scale = __fdividef(1.0f, sum);
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        to[i] = __expf(from[i] - greatest) * scale;
}
