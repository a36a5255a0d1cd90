// y = alpha a x + beta b x, one row a thread, lanes a row apart (uncoalesced). Both sums stand in memory and may alias
// each other, so each step reads and writes both.
extern "C" __global__ void gesummv(float *a, float *b, float *x, float *tmp, float *y, float alpha, float beta, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        for (int j = 0; j < n; j++) {
            tmp[i] += a[i * n + j] * x[j];
            y[i] += b[i * n + j] * x[j];
        }
        y[i] = alpha * tmp[i] + beta * y[i];
    }
}
