// iters x 128 FFMA, each waiting for the one before: the latency of an FFMA with few warps, the issue rate with many.
// x stays in [0, 1] and tends to 1; the factor is so short that every step has one rounding, in any emulation too.
extern "C" __global__ void ffma_chain(float *out, int iters)
{
    float x = 0.0f;
#pragma unroll 1
    for (int iter = 0; iter < iters; iter++)
#pragma unroll
        for (int step = 0; step < 128; step++)
            x = fmaf(x, 1023.0f / 1024.0f, 1.0f / 1024.0f);
    out[blockIdx.x * blockDim.x + threadIdx.x] = x;
}
