// Black-Scholes prices of European options, a call and a put a thread: long chains of arithmetic with a logarithm, a
// square root, exponentials and divisions, all in full float precision, on few bytes.
__device__ float normal_below(float d)
{
    // Abramowitz and Stegun 26.2.17: within 7.5e-8.
    const float k = 1.0f / (1.0f + 0.2316419f * fabsf(d));
    const float series =
        k * (0.319381530f + k * (-0.356563782f + k * (1.781477937f + k * (-1.821255978f + k * 1.330274429f))));
    const float beyond = 0.398942280f * expf(-0.5f * d * d) * series;
    return d > 0.0f ? 1.0f - beyond : beyond;
}

extern "C" __global__ void blackscholes(const float *price, const float *strike, const float *years, float *call,
                                        float *put, float rate, float volatility, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    const float s = price[i], x = strike[i], t = years[i];
    const float spread = volatility * sqrtf(t);
    const float d1 = (logf(s / x) + (rate + 0.5f * volatility * volatility) * t) / spread, d2 = d1 - spread;
    const float discounted = x * expf(-rate * t), n1 = normal_below(d1), n2 = normal_below(d2);
    call[i] = s * n1 - discounted * n2;
    put[i] = discounted * (1.0f - n2) - s * (1.0f - n1);
}
