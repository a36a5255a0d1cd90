// LU factors of a matrix in place (no pivoting, unit lower factor), in 16x16 tiles: the tile on the diagonal (16
// threads), then the tiles to its right and below it (32 threads: one half of the warp each, divergent), then a rank-16
// update of the rest (16x16 threads). Rows of the shared tiles are 16 words: walking down a column conflicts in banks.
constexpr int TILE = 16;

extern "C" __global__ void lud_diagonal(float *a, int n, int start)
{
    __shared__ float tile[TILE][TILE];
    const int t = threadIdx.x;
    float *corner = a + start * n + start;
    for (int row = 0; row < TILE; row++)
        tile[row][t] = corner[row * n + t];
    __syncthreads();
    for (int k = 0; k < TILE - 1; k++) {
        if (t > k) {
            tile[t][k] /= tile[k][k];
            for (int j = k + 1; j < TILE; j++)
                tile[t][j] -= tile[t][k] * tile[k][j];
        }
        __syncthreads();
    }
    for (int row = 0; row < TILE; row++)
        corner[row * n + t] = tile[row][t];
}

extern "C" __global__ void lud_perimeter(float *a, int n, int start)
{
    __shared__ float diagonal[TILE][TILE], right[TILE][TILE], below[TILE][TILE];
    const int t = threadIdx.x % TILE, half = threadIdx.x / TILE;
    const int offset = (blockIdx.x + 1) * TILE;
    float *corner = a + start * n + start;
    for (int row = half; row < TILE; row += 2) {
        diagonal[row][t] = corner[row * n + t];
        right[row][t] = corner[row * n + t + offset];
        below[row][t] = corner[(row + offset) * n + t];
    }
    __syncthreads();
    if (half == 0) {  // column t of L^-1 right
        for (int i = 1; i < TILE; i++)
            for (int k = 0; k < i; k++)
                right[i][t] -= diagonal[i][k] * right[k][t];
    } else {  // row t of below U^-1
        for (int i = 0; i < TILE; i++) {
            for (int k = 0; k < i; k++)
                below[t][i] -= below[t][k] * diagonal[k][i];
            below[t][i] /= diagonal[i][i];
        }
    }
    __syncthreads();
    for (int row = half; row < TILE; row += 2) {
        corner[row * n + t + offset] = right[row][t];
        corner[(row + offset) * n + t] = below[row][t];
    }
}

extern "C" __global__ void lud_internal(float *a, int n, int start)
{
    __shared__ float right[TILE][TILE], below[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = start + (blockIdx.y + 1) * TILE + ty, column = start + (blockIdx.x + 1) * TILE + tx;
    right[ty][tx] = a[(start + ty) * n + column];
    below[ty][tx] = a[row * n + start + tx];
    __syncthreads();
    float sum = 0.0f;
    for (int k = 0; k < TILE; k++)
        sum += below[ty][k] * right[k][tx];
    a[row * n + column] -= sum;
}
