// out = a 3 x 3 weighted sum of in, interior points only: nine loads that neighbouring lanes and rows share in L1, one
// store. The border of out keeps what it held.
extern "C" __global__ void conv2d(float *in, float *out, int n)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i > 0 && j > 0 && i < n - 1 && j < n - 1)
        out[i * n + j] = 0.25f * in[(i - 1) * n + j - 1] - 0.5f * in[(i - 1) * n + j] + 0.75f * in[(i - 1) * n + j + 1]
                         - 0.3f * in[i * n + j - 1] + 0.6f * in[i * n + j] - 0.9f * in[i * n + j + 1]
                         + 0.4f * in[(i + 1) * n + j - 1] + 0.7f * in[(i + 1) * n + j] + 0.1f * in[(i + 1) * n + j + 1];
}
