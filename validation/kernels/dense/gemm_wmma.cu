// C = A B, halves in, floats out, on tensor cores through nvcuda::wmma: a warp holds 32x32 of C as four fragments and
// loads those of A and B straight from global memory, so reuse between warps is left to L1. m, n, k: multiples of 16.
#include <mma.h>
using namespace nvcuda;

constexpr int TILE = 16, EACH = 2; // a warp has EACH x EACH tiles

extern "C" __global__ void gemm_wmma(const half *a, const half *b, float *c, int m, int n, int k)
{
    const int warp = threadIdx.x / 32; // four a block, two by two
    const int row = (blockIdx.y * 2 + warp / 2) * EACH * TILE, column = (blockIdx.x * 2 + warp % 2) * EACH * TILE;
    if (row >= m || column >= n)
        return;
    wmma::fragment<wmma::accumulator, TILE, TILE, TILE, float> sum[EACH][EACH];
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++)
            wmma::fill_fragment(sum[i][j], 0.0f);
    for (int base = 0; base < k; base += TILE) {
        wmma::fragment<wmma::matrix_a, TILE, TILE, TILE, half, wmma::row_major> of_a[EACH];
        wmma::fragment<wmma::matrix_b, TILE, TILE, TILE, half, wmma::row_major> of_b[EACH];
        // A tile outside of the matrix repeats the last one inside; its product is not stored.
        for (int i = 0; i < EACH; i++)
            wmma::load_matrix_sync(of_a[i], a + min(row + i * TILE, m - TILE) * k + base, k);
        for (int j = 0; j < EACH; j++)
            wmma::load_matrix_sync(of_b[j], b + base * n + min(column + j * TILE, n - TILE), n);
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++)
                wmma::mma_sync(sum[i][j], of_a[i], of_b[j], sum[i][j]);
    }
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++)
            if (row + i * TILE < m && column + j * TILE < n) {
                float *to = c + (row + i * TILE) * n + column + j * TILE;
                wmma::store_matrix_sync(to, sum[i][j], n, wmma::mem_row_major);
            }
}
