// c = alpha a b + beta c, one element a thread, summed in memory: c may alias a and b, so each step stores its sum
// before the next one loads, and no load overlaps the one before.
extern "C" __global__ void gemm_memory(float *a, float *b, float *c, float alpha, float beta, int n)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i < n && j < n) {
        c[i * n + j] *= beta;
        for (int k = 0; k < n; k++)
            c[i * n + j] += alpha * a[i * n + k] * b[k * n + j];
    }
}
