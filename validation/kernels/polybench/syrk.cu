// c = alpha a a' + beta c, one element a thread, summed in memory. Lanes read a[j][k] with a stride of a whole row: up
// to 32 lines a load.
extern "C" __global__ void syrk(float *a, float *c, float alpha, float beta, int n)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i < n && j < n) {
        c[i * n + j] *= beta;
        for (int k = 0; k < n; k++)
            c[i * n + j] += alpha * a[i * n + k] * a[j * n + k];
    }
}
