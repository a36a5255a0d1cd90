// out = a 3 x 3 x 3 weighted sum of in, interior points only. A thread owns one (i, j) and walks through the planes k,
// the slowest dimension; the store in each step may alias `in`, so no load is carried over: 27 loads a point.
extern "C" __global__ void conv3d(float *in, float *out, int n)
{
    constexpr float plane[3] = {0.6f, -0.7f, 0.8f}, row[3] = {-0.2f, 0.5f, 0.75f}, column[3] = {0.25f, 0.9f, -0.4f};
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = blockIdx.y * blockDim.y + threadIdx.y;
    if (i <= 0 || j <= 0 || i >= n - 1 || j >= n - 1)
        return;
#pragma unroll 1
    for (int k = 1; k < n - 1; k++) {
        float sum = 0.0f;
#pragma unroll
        for (int p = 0; p < 3; p++)
#pragma unroll
            for (int r = 0; r < 3; r++)
#pragma unroll
                for (int c = 0; c < 3; c++)
                    sum += plane[p] * row[r] * column[c] * in[((k + p - 1) * n + i + r - 1) * n + j + c - 1];
        out[(k * n + i) * n + j] = sum;
    }
}
