// out = transpose of in through a shared tile whose rows are one word longer than a warp: a column of it lies in 32
// different banks, and nothing conflicts.
constexpr int TILE = 32, ROWS = 8;  // a block of 32 x 8 threads moves a tile of 32 x 32

extern "C" __global__ void transpose_padded(const float *in, float *out, int rows, int columns)
{
    __shared__ float tile[TILE][TILE + 1];
    const int x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * TILE, column = blockIdx.x * TILE;
    for (int i = 0; i < TILE; i += ROWS)
        if (row + y + i < rows && column + x < columns)
            tile[y + i][x] = in[(row + y + i) * columns + column + x];
    __syncthreads();
    for (int i = 0; i < TILE; i += ROWS)
        if (column + y + i < columns && row + x < rows)
            out[(column + y + i) * rows + row + x] = tile[x][y + i];
}
