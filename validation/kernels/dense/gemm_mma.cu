// C = A B, halves in, floats out, with mma.m16n8k16: a block of 8 warps has 128x128 of C, a warp 64x32; cp.async fills
// one buffer with a slab of depth 32 while the other is multiplied. Shared memory is swizzled: the 16-byte chunks of a
// row change places with the row, so no access has bank conflicts. k and n: multiples of 8 (copies of 16 bytes).
#include <cuda_fp16.h>
#include <ptx/cp_async.cuh>
#include <ptx/ldmatrix.cuh>
#include <ptx/mma.cuh>

constexpr int TILE = 128, DEPTH = 32, THREADS = 256;
constexpr int CHUNK = 8; // halves of one copy
constexpr int WARP_ROWS = 64, WARP_COLUMNS = 32;

// Where the chunk of this row and column lies: the 8 rows that ldmatrix reads at once are in 8 different bank groups.
__device__ __forceinline__ int place_a(int row, int chunk)
{
    return row * DEPTH + (chunk ^ (row / 2 % 4)) * CHUNK;
}
__device__ __forceinline__ int place_b(int depth, int chunk)
{
    return depth * TILE + (chunk ^ (depth % 8)) * CHUNK;
}

extern "C" __global__ void __launch_bounds__(THREADS)
gemm_mma(const half *a, const half *b, float *c, int m, int n, int k)
{
    __shared__ __align__(128) half slab_a[2][TILE * DEPTH], slab_b[2][DEPTH * TILE];
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    const int warp_row = warp / 4 * WARP_ROWS, warp_column = warp % 4 * WARP_COLUMNS;

    auto fetch = [&](int buffer, int base) {
        for (int i = 0; i < 2; i++) {
            const int at = thread + i * THREADS;
            const int row = at / 4, chunk = at % 4, depth = base + chunk * CHUNK;
            cp_async_16_or_zero(&slab_a[buffer][place_a(row, chunk)], a + (top + row) * k + depth,
                                top + row < m && depth < k);
        }
        for (int i = 0; i < 2; i++) {
            const int at = thread + i * THREADS;
            const int row = at / 16, chunk = at % 16, column = left + chunk * CHUNK;
            cp_async_16_or_zero(&slab_b[buffer][place_b(row, chunk)], b + (base + row) * n + column,
                                base + row < k && column < n);
        }
    };

    float sum[4][4][4] = {}; // 4 tiles of 16 rows, 4 of 8 columns
    fetch(0, 0);
    cp_async_commit();
    int buffer = 0;
    for (int base = 0; base < k; base += DEPTH) {
        if (base + DEPTH < k)
            fetch(buffer ^ 1, base + DEPTH);
        cp_async_commit(); // empty at the end, so that one group may always be under way
        cp_async_wait<1>();
        __syncthreads();
        #pragma unroll
        for (int step = 0; step < DEPTH / 16; step++) {
            unsigned of_a[4][4], of_b[4][2];
            for (int i = 0; i < 4; i++)
                ldmatrix_x4(of_a[i], &slab_a[buffer][place_a(warp_row + i * 16 + lane % 16, step * 2 + lane / 16)]);
            for (int j = 0; j < 4; j += 2) {
                unsigned pair[4]; // two tiles of 8 columns
                ldmatrix_x4_trans(
                    pair, &slab_b[buffer][place_b(step * 16 + lane % 16, warp_column / CHUNK + j + lane / 16)]);
                of_b[j][0] = pair[0], of_b[j][1] = pair[1];
                of_b[j + 1][0] = pair[2], of_b[j + 1][1] = pair[3];
            }
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    mma_m16n8k16(sum[i][j], of_a[i], of_b[j]);
        }
        __syncthreads();
        buffer ^= 1;
    }

    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            const int row = top + warp_row + i * 16 + lane / 4, column = left + warp_column + j * 8 + lane % 4 * 2;
            if (column >= n)
                continue;
            if (row < m)
                *reinterpret_cast<float2 *>(&c[row * n + column]) = make_float2(sum[i][j][0], sum[i][j][1]);
            if (row + 8 < m)
                *reinterpret_cast<float2 *>(&c[(row + 8) * n + column]) = make_float2(sum[i][j][2], sum[i][j][3]);
        }
}
