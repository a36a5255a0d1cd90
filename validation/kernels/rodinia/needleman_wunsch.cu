// Global alignment of two sequences (integer scores): a CTA of 16 threads, half a warp, fills a 16x16 tile in shared
// memory along its 31 anti-diagonals with a barrier after each; one launch fills the tiles of one anti-diagonal of the
// matrix, whose number grows from launch to launch and then shrinks.
constexpr int TILE = 16;

__device__ __forceinline__ void fill_tile(int *similarity, int *score, int n, int penalty, int tile_x, int tile_y)
{
    __shared__ int cell[TILE + 1][TILE + 1];  // row 0 and column 0 belong to the neighbouring tiles
    __shared__ int match[TILE][TILE];
    const int t = threadIdx.x, stride = n + 1, top = tile_y * TILE, left = tile_x * TILE;
    const int column = left + t + 1;
    for (int row = 0; row < TILE; row++)
        match[row][t] = top + row < n && column <= n ? similarity[(top + row + 1) * stride + column] : 0;
    cell[0][t + 1] = column <= n ? score[top * stride + column] : 0;
    cell[t + 1][0] = top + t < n ? score[(top + t + 1) * stride + left] : 0;
    if (t == 0)
        cell[0][0] = score[top * stride + left];
    __syncthreads();
    for (int wave = 0; wave < 2 * TILE - 1; wave++) {
        const int row = wave - t;
        if (row >= 0 && row < TILE)
            cell[row + 1][t + 1] =
                max(cell[row][t] + match[row][t], max(cell[row + 1][t], cell[row][t + 1]) - penalty);
        __syncthreads();
    }
    for (int row = 0; row < TILE; row++)
        if (top + row < n && column <= n)
            score[(top + row + 1) * stride + column] = cell[row + 1][t + 1];
}

// Anti-diagonals 0 to tiles - 1 of the tiles: `diagonal` + 1 CTAs.
extern "C" __global__ void needleman_wunsch_growing(int *similarity, int *score, int n, int penalty, int diagonal)
{
    fill_tile(similarity, score, n, penalty, blockIdx.x, diagonal - blockIdx.x);
}

// Anti-diagonals tiles to 2 * tiles - 2.
extern "C" __global__ void needleman_wunsch_shrinking(int *similarity, int *score, int n, int penalty, int diagonal,
                                                      int tiles)
{
    fill_tile(similarity, score, n, penalty, diagonal - tiles + 1 + blockIdx.x, tiles - 1 - blockIdx.x);
}
