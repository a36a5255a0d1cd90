// Layer normalisation of each row, gamma (x - mean) / sqrt(variance + epsilon) + beta, one warp a row: shuffles,
// neither shared memory nor barriers. Three passes over the row, the second and third out of L1.
__device__ __forceinline__ float warp_sum(float value)
{
    for (int distance = 16; distance > 0; distance /= 2)
        value += __shfl_xor_sync(~0u, value, distance);
    return value;
}

extern "C" __global__ void layernorm(const float *x, const float *gamma, const float *beta, float *y, int rows,
                                     int columns, float epsilon)
{
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows)
        return;
    const float *from = x + row * columns;
    float *to = y + row * columns;
    float sum = 0.0f;
    for (int i = lane; i < columns; i += 32)
        sum += from[i];
    const float mean = warp_sum(sum) / columns;
    float squares = 0.0f;
    for (int i = lane; i < columns; i += 32) {
        const float distance = from[i] - mean;
        squares += distance * distance;
    }
    const float scale = rsqrtf(warp_sum(squares) / columns + epsilon);
    for (int i = lane; i < columns; i += 32)
        to[i] = gamma[i] * (from[i] - mean) * scale + beta[i];
}
