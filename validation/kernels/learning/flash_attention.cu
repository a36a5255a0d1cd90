// Attention without the matrix of scores, after FlashAttention-2: a block has 64 queries of a head, each of its 4 warps
// 16 of them, and streams K and V through shared memory in tiles of 64 keys with a running maximum and sum a row. The
// accumulators of Q K' become the A fragments of P V in registers. Head dimension 64, halves in and out.
#include <cuda_fp16.h>
#include <ptx/cp_async.cuh>
#include <ptx/ldmatrix.cuh>
#include <ptx/mma.cuh>

constexpr int WIDTH = 64, TILE = 64, THREADS = 128; // head dimension; queries of a block and keys of a tile
constexpr int CHUNK = 8;                            // halves of one copy
constexpr float MASKED = -1.0e30f;                  // a score whose exponential is 0

// Where a 16-byte chunk of a row lies: swizzled, so that the 8 rows of one ldmatrix are in 8 different bank groups.
__device__ __forceinline__ int place(int row, int chunk)
{
    return row * WIDTH + (chunk ^ (row % 8)) * CHUNK;
}

// Copies the tile that begins at row `first`; rows from `rows` on become zeros.
__device__ __forceinline__ void fetch(half *tile, const half *from, int first, int rows)
{
    for (int i = 0; i < TILE * WIDTH / CHUNK / THREADS; i++) {
        const int at = threadIdx.x + i * THREADS, row = at / (WIDTH / CHUNK), chunk = at % (WIDTH / CHUNK);
        cp_async_16_or_zero(&tile[place(row, chunk)], from + (first + row) * WIDTH + chunk * CHUNK, first + row < rows);
    }
    cp_async_commit();
}

__device__ __forceinline__ unsigned pack(float low, float high)
{
    const half2 pair = __floats2half2_rn(low, high);
    return reinterpret_cast<const unsigned &>(pair);
}

// Over the four lanes that share a row of an accumulator.
__device__ __forceinline__ float row_max(float value)
{
    value = fmaxf(value, __shfl_xor_sync(~0u, value, 1));
    return fmaxf(value, __shfl_xor_sync(~0u, value, 2));
}
__device__ __forceinline__ float row_sum(float value)
{
    value += __shfl_xor_sync(~0u, value, 1);
    return value + __shfl_xor_sync(~0u, value, 2);
}

// Query i sees all keys, or, if `causal`, keys up to i + keys - queries (so queries <= keys). `scale` includes log2 e.
extern "C" __global__ void __launch_bounds__(THREADS, 3)
flash_attention(const half *q, const half *k, const half *v, half *o, int queries, int keys, int causal, float scale)
{
    __shared__ __align__(128) half tile_q[TILE * WIDTH], tile_k[TILE * WIDTH], tile_v[TILE * WIDTH];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, head = blockIdx.y, first = blockIdx.x * TILE;
    q += head * queries * WIDTH;
    k += head * keys * WIDTH;
    v += head * keys * WIDTH;
    o += head * queries * WIDTH;
    const int ahead = keys - queries; // keys that the first query sees before its own, if causal
    const int visible = causal ? min(keys, first + TILE + ahead) : keys;

    fetch(tile_q, q, first, queries);
    fetch(tile_k, k, 0, keys);
    cp_async_wait<1>();
    __syncthreads();
    unsigned of_q[4][4]; // stay in registers
    for (int step = 0; step < 4; step++)
        ldmatrix_x4(of_q[step], &tile_q[place(warp * 16 + lane % 16, step * 2 + lane / 16)]);

    // An accumulator of 16x8 holds, in each lane, two columns of row lane / 4 and the same of that row + 8.
    const int row = first + warp * 16 + lane / 4;
    float out[8][4] = {}, greatest[2] = {MASKED, MASKED}, sum[2] = {};
    for (int base = 0; base < visible; base += TILE) {
        fetch(tile_v, v, base, keys);
        cp_async_wait<1>();
        __syncthreads();
        float score[8][4] = {};
        #pragma unroll
        for (int step = 0; step < 4; step++)
            for (int j = 0; j < 8; j += 2) {
                unsigned pair[4]; // 16 keys
                ldmatrix_x4(pair, &tile_k[place(j * 8 + lane / 16 * 8 + lane % 8, step * 2 + lane / 8 % 2)]);
                const unsigned even[2] = {pair[0], pair[1]}, odd[2] = {pair[2], pair[3]};
                mma_m16n8k16(score[j], of_q[step], even);
                mma_m16n8k16(score[j + 1], of_q[step], odd);
            }
        __syncthreads();
        if (base + TILE < visible)
            fetch(tile_k, k, base + TILE, keys); // overlaps with all that follows
        else
            cp_async_commit();

        if (base + TILE > keys || (causal && base + TILE > first + ahead))
            for (int j = 0; j < 8; j++)
                for (int e = 0; e < 4; e++) {
                    const int key = base + j * 8 + lane % 4 * 2 + e % 2;
                    if (key >= keys || (causal && key > row + e / 2 * 8 + ahead))
                        score[j][e] = MASKED;
                }
        for (int part = 0; part < 2; part++) { // row lane / 4, then row lane / 4 + 8
            const int e = part * 2;
            float top = greatest[part];
            for (int j = 0; j < 8; j++)
                top = fmaxf(top, fmaxf(score[j][e], score[j][e + 1]));
            top = row_max(top);
            const float shrink = exp2f((greatest[part] - top) * scale), shift = top * scale;
            greatest[part] = top;
            sum[part] *= shrink;
            for (int j = 0; j < 8; j++) {
                score[j][e] = exp2f(score[j][e] * scale - shift);
                score[j][e + 1] = exp2f(score[j][e + 1] * scale - shift);
                sum[part] += score[j][e] + score[j][e + 1];
                out[j][e] *= shrink;
                out[j][e + 1] *= shrink;
            }
        }

        cp_async_wait<1>();
        __syncthreads();
        #pragma unroll
        for (int step = 0; step < 4; step++) {
            const float(&left)[4] = score[step * 2], (&right)[4] = score[step * 2 + 1];
            const unsigned of_p[4] = {pack(left[0], left[1]), pack(left[2], left[3]), pack(right[0], right[1]),
                                      pack(right[2], right[3])};
            for (int j = 0; j < 8; j += 2) {
                unsigned pair[4]; // 16 columns
                ldmatrix_x4_trans(pair, &tile_v[place(step * 16 + lane % 16, j + lane / 16)]);
                const unsigned even[2] = {pair[0], pair[1]}, odd[2] = {pair[2], pair[3]};
                mma_m16n8k16(out[j], of_p, even);
                mma_m16n8k16(out[j + 1], of_p, odd);
            }
        }
        __syncthreads();
    }

    for (int part = 0; part < 2; part++) {
        const float norm = __fdividef(1.0f, row_sum(sum[part]));
        const int query = row + part * 8, e = part * 2;
        if (query < queries)
            for (int j = 0; j < 8; j++)
                *reinterpret_cast<half2 *>(&o[query * WIDTH + j * 8 + lane % 4 * 2]) =
                    __floats2half2_rn(out[j][e] * norm, out[j][e + 1] * norm);
    }
}
