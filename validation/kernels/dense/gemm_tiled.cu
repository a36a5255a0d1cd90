// C = A B in floats, one element a thread: 16x16 tiles of A and B pass through shared memory, so that each value is
// read once a tile instead of once an element. Every 16 multiply-adds cost two barriers.
constexpr int TILE = 16;

extern "C" __global__ void gemm_tiled(const float *a, const float *b, float *c, int m, int n, int k)
{
    __shared__ float tile_a[TILE][TILE], tile_b[TILE][TILE];
    const int x = threadIdx.x, y = threadIdx.y;
    const int row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
    float sum = 0.0f;
    for (int base = 0; base < k; base += TILE) {
        tile_a[y][x] = row < m && base + x < k ? a[row * k + base + x] : 0.0f;
        tile_b[y][x] = base + y < k && column < n ? b[(base + y) * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; i++)
            sum += tile_a[y][i] * tile_b[i][x];
        __syncthreads();
    }
    if (row < m && column < n)
        c[row * n + column] = sum;
}
