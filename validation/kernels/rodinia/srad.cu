// Speckle-reducing anisotropic diffusion of an image: two kernels sum up the image to its speckle scale q0 (squared),
// a third computes the four gradients of each pixel and its diffusion coefficient (many divisions), a fourth diffuses.
// The last two read their neighbours from shared tiles; beyond the border a pixel repeats.
constexpr int THREADS = 256, TILE = 16;

// The sum over the CTA in thread 0, in the order of a tree.
__device__ __forceinline__ float2 block_sum(float2 mine)
{
    __shared__ float2 sums[THREADS];
    sums[threadIdx.x] = mine;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            mine.x += sums[threadIdx.x + half].x;
            mine.y += sums[threadIdx.x + half].y;
            sums[threadIdx.x] = mine;
        }
    }
    return mine;
}

// The sums of values and of squares of each CTA's pixels.
extern "C" __global__ void srad_sums(const float *image, float2 *partial, int pixels)
{
    float2 mine = make_float2(0.0f, 0.0f);
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < pixels; i += gridDim.x * THREADS) {
        mine.x += image[i];
        mine.y += image[i] * image[i];
    }
    mine = block_sum(mine);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = mine;
}

// q0 squared = variance over squared mean; one CTA, at most one partial sum a thread.
extern "C" __global__ void srad_scale(const float2 *partial, float *q0_squared, int partials, int pixels)
{
    const int t = threadIdx.x;
    const float2 sum = block_sum(t < partials ? partial[t] : make_float2(0.0f, 0.0f));
    if (t == 0) {
        const float mean = sum.x / pixels;
        *q0_squared = (sum.y / pixels - mean * mean) / (mean * mean);
    }
}

extern "C" __global__ void srad_coefficient(const float *image, const float *q0_squared, float *north, float *south,
                                            float *west, float *east, float *coefficient, int rows, int columns)
{
    __shared__ float tile[TILE + 2][TILE + 2];
    const int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y, at = y * columns + x;
    const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    const bool inside = x < columns && y < rows;
    if (inside) {
        tile[ty][tx] = image[at];
        if (ty == 1)
            tile[0][tx] = image[y > 0 ? at - columns : at];
        if (ty == TILE || y + 1 == rows)
            tile[ty + 1][tx] = image[y + 1 < rows ? at + columns : at];
        if (tx == 1)
            tile[ty][0] = image[x > 0 ? at - 1 : at];
        if (tx == TILE || x + 1 == columns)
            tile[ty][tx + 1] = image[x + 1 < columns ? at + 1 : at];
    }
    __syncthreads();
    if (!inside)
        return;
    const float here = tile[ty][tx];
    const float n = tile[ty - 1][tx] - here, s = tile[ty + 1][tx] - here;
    const float w = tile[ty][tx - 1] - here, e = tile[ty][tx + 1] - here;
    const float gradient = (n * n + s * s + w * w + e * e) / (here * here), laplacian = (n + s + w + e) / here;
    const float weight = 1.0f + 0.25f * laplacian;
    const float q_squared = (0.5f * gradient - 0.0625f * laplacian * laplacian) / (weight * weight);
    const float q0 = *q0_squared;
    const float c = 1.0f / (1.0f + (q_squared - q0) / (q0 * (1.0f + q0)));
    north[at] = n;
    south[at] = s;
    west[at] = w;
    east[at] = e;
    coefficient[at] = fminf(fmaxf(c, 0.0f), 1.0f);
}

extern "C" __global__ void srad_update(float *image, const float *north, const float *south, const float *west,
                                       const float *east, const float *coefficient, int rows, int columns, float rate)
{
    __shared__ float tile[TILE + 1][TILE + 1];
    const int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y, at = y * columns + x;
    const int tx = threadIdx.x, ty = threadIdx.y;
    const bool inside = x < columns && y < rows;
    if (inside) {
        tile[ty][tx] = coefficient[at];
        if (ty == TILE - 1 || y + 1 == rows)
            tile[ty + 1][tx] = coefficient[y + 1 < rows ? at + columns : at];
        if (tx == TILE - 1 || x + 1 == columns)
            tile[ty][tx + 1] = coefficient[x + 1 < columns ? at + 1 : at];
    }
    __syncthreads();
    if (!inside)
        return;
    const float here = tile[ty][tx];
    const float divergence = here * (north[at] + west[at]) + tile[ty + 1][tx] * south[at] + tile[ty][tx + 1] * east[at];
    image[at] += 0.25f * rate * divergence;
}
