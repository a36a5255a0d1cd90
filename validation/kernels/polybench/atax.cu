// y = a' (a x) in two launches, both summed in memory: the first walks along the rows, lanes a row apart (uncoalesced);
// the second down the columns, lanes beside each other (coalesced).
extern "C" __global__ void atax_rows(float *a, float *x, float *tmp, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        for (int j = 0; j < n; j++)
            tmp[i] += a[i * n + j] * x[j];
}

extern "C" __global__ void atax_columns(float *a, float *tmp, float *y, int n)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j < n)
        for (int i = 0; i < n; i++)
            y[j] += a[i * n + j] * tmp[i];
}
