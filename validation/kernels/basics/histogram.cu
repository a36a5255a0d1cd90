// Counts the 256 values of bytes: shared-memory atomics into a block's own bins, then one global atomic for each bin of
// each block. The fewer values occur, the more lanes of a warp hit the same bin.
constexpr int BINS = 256;

extern "C" __global__ void histogram(const unsigned char *bytes, unsigned *counts, int n)
{
    __shared__ unsigned bins[BINS];
    for (int bin = threadIdx.x; bin < BINS; bin += blockDim.x)
        bins[bin] = 0;
    __syncthreads();
    const unsigned *words = reinterpret_cast<const unsigned *>(bytes);
    const int thread = blockIdx.x * blockDim.x + threadIdx.x, threads = gridDim.x * blockDim.x;
    for (int i = thread; i < n / 4; i += threads) {
        const unsigned word = words[i];
        atomicAdd(&bins[word & 255], 1u);
        atomicAdd(&bins[word >> 8 & 255], 1u);
        atomicAdd(&bins[word >> 16 & 255], 1u);
        atomicAdd(&bins[word >> 24], 1u);
    }
    if (thread < n % 4)
        atomicAdd(&bins[bytes[n / 4 * 4 + thread]], 1u);
    __syncthreads();
    for (int bin = threadIdx.x; bin < BINS; bin += blockDim.x)
        atomicAdd(&counts[bin], bins[bin]);
}
