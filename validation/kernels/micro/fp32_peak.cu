// Single-precision peak: eight independent chains of FFMA a thread, with nothing to wait for but the multipliers. Two
// factors whose product is -1 take turns, so that each chain goes round four values and never settles: operands that
// stay the same take less power than those of other programs, and the clock depends on it.
constexpr int CHAINS = 8;
constexpr int STEPS = 16;

// `operands` holds for each thread two factors, two addends and the first value of every chain.
extern "C" __global__ void fp32_peak(const float *operands, float *sink, int rounds)
{
    float a[2], b[2], x[CHAINS];
    for (int i = 0; i < 2; i++) {
        a[i] = operands[i * blockDim.x + threadIdx.x];
        b[i] = operands[(2 + i) * blockDim.x + threadIdx.x];
    }
    for (int chain = 0; chain < CHAINS; chain++)
        x[chain] = operands[(4 + chain) * blockDim.x + threadIdx.x];
#pragma unroll 1
    for (int round = 0; round < rounds; round++)
#pragma unroll
        for (int step = 0; step < STEPS; step++)
#pragma unroll
            for (int chain = 0; chain < CHAINS; chain++) {
                // Four in a row share factor and addend: three new registers an FFMA are more than can be read.
                const int turn = (step + chain / 4) % 2;
                x[chain] = x[chain] * a[turn] + b[turn];
            }
    float sum = 0;
    for (int chain = 0; chain < CHAINS; chain++)
        sum += x[chain];
    sink[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
