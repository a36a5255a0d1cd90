// c = a + b, one element a thread: the streaming kernel that everything is compared with.
extern "C" __global__ void vectoradd(const float *a, const float *b, float *c, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        c[i] = a[i] + b[i];
}
