// Sum of floats: each thread strides over the grid, warps add up by shuffles, blocks through shared memory; every block
// writes one sum, and a second launch of a single block adds those. Blocks are multiples of 32 threads.
constexpr unsigned ALL = ~0u;

__device__ float warp_sum(float value)
{
    for (int distance = 16; distance > 0; distance /= 2)
        value += __shfl_down_sync(ALL, value, distance);
    return value;  // whole in lane 0
}

extern "C" __global__ void reduce(const float *values, float *sums, int n)
{
    __shared__ float of_warp[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    float sum = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        sum += values[i];
    sum = warp_sum(sum);
    if (lane == 0)
        of_warp[warp] = sum;
    __syncthreads();
    if (warp == 0) {
        sum = warp_sum(lane < warps ? of_warp[lane] : 0.0f);
        if (lane == 0)
            sums[blockIdx.x] = sum;
    }
}
