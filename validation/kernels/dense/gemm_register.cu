// C = A B in floats, 4x4 elements a thread: a block of 256 threads holds a 64x64 tile of C in registers, and two reads
// of 16 bytes from shared memory feed 16 multiply-adds. A is stored there transposed, so both reads are vectors.
constexpr int TILE = 64, DEPTH = 16;
constexpr int PAD = 4; // 8 depths x 4 rows, which a warp writes at once, fall into 32 different banks

extern "C" __global__ void __launch_bounds__(256)
gemm_register(const float *a, const float *b, float *c, int m, int n, int k)
{
    __shared__ __align__(16) float tile_a[DEPTH][TILE + PAD], tile_b[DEPTH][TILE];
    const int thread = threadIdx.x, x = thread % 16 * 4, y = thread / 16 * 4;
    const int top = blockIdx.y * TILE, left = blockIdx.x * TILE;
    float sum[4][4] = {};
    for (int base = 0; base < k; base += DEPTH) {
        for (int i = 0; i < 4; i++) {
            const int depth = thread % 8 + i % 2 * 8, row = thread / 8 + i / 2 * 32;
            const bool inside = top + row < m && base + depth < k;
            tile_a[depth][row] = inside ? a[(top + row) * k + base + depth] : 0.0f;
        }
        for (int i = 0; i < 4; i++) {
            const int depth = thread / 64 + i * 4, column = thread % 64;
            const bool inside = base + depth < k && left + column < n;
            tile_b[depth][column] = inside ? b[(base + depth) * n + left + column] : 0.0f;
        }
        __syncthreads();
        for (int depth = 0; depth < DEPTH; depth++) {
            const float4 of_a = *reinterpret_cast<const float4 *>(&tile_a[depth][y]);
            const float4 of_b = *reinterpret_cast<const float4 *>(&tile_b[depth][x]);
            const float rows[4] = {of_a.x, of_a.y, of_a.z, of_a.w}, columns[4] = {of_b.x, of_b.y, of_b.z, of_b.w};
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] += rows[i] * columns[j];
        }
        __syncthreads();
    }
    const int column = left + x;
    for (int i = 0; i < 4; i++) {
        const int row = top + y + i;
        if (row >= m)
            break;
        if (n % 4 == 0 && column < n) {
            *reinterpret_cast<float4 *>(&c[row * n + column]) = make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
        } else {
            for (int j = 0; j < 4; j++)
                if (column + j < n)
                    c[row * n + column + j] = sum[i][j];
        }
    }
}
