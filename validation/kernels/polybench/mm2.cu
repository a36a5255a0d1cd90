// c = a b, then e = c d: the kernel is launched twice. One element a thread, summed in memory: the sum
// may alias the factors, so each step stores it before the next one loads, and no load overlaps the one before.
extern "C" __global__ void mm2(float *left, float *right, float *sum, int n)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i < n && j < n)
        for (int k = 0; k < n; k++)
            sum[i * n + j] += left[i * n + k] * right[k * n + j];
}
