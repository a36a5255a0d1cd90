// Single-precision peak: eight independent chains of FFMA a thread, with nothing to wait for but the multipliers.
constexpr int CHAINS = 8;
constexpr int STEPS = 16;

extern "C" __global__ void fp32_peak(const float *factor, float *sink, int rounds)
{
    const float a = factor[threadIdx.x], b = factor[blockDim.x + threadIdx.x];
    float x[CHAINS];
    for (int chain = 0; chain < CHAINS; chain++)
        x[chain] = a * chain;
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int step = 0; step < STEPS; step++)
#pragma unroll
            for (int chain = 0; chain < CHAINS; chain++)
                x[chain] = x[chain] * a + b;
    float sum = 0;
    for (int chain = 0; chain < CHAINS; chain++)
        sum += x[chain];
    sink[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
