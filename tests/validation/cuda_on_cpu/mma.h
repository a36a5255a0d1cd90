// nvcuda::wmma for cuda_on_cpu.h, 16x16x16 with half operands and float sums. The layout of a fragment is opaque to a
// kernel, so here every lane holds eight elements of the tile in row-major order.
#pragma once
#include "cuda_fp16.h"

namespace nvcuda::wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };

template <class Use, int M, int N, int K, class T, class Layout = void>
struct fragment {
    static constexpr int num_elements = 8;
    T x[num_elements];
};

template <class F>
void fill_fragment(F &f, float value)
{
    for (auto &x : f.x)
        x = value;
}

template <class Layout>
constexpr bool is_column = std::is_same_v<Layout, col_major>;

template <class Use, class T, class Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout> &f, const T *from, unsigned stride)
{
    __syncwarp();
    for (int e = 0; e < 8; e++) {
        const int at = cpu::lane_id() * 8 + e, row = at / 16, column = at % 16;
        f.x[e] = is_column<Layout> ? from[column * stride + row] : from[row * stride + column];
    }
}
inline void load_matrix_sync(fragment<accumulator, 16, 16, 16, float> &f, const float *from, unsigned stride, layout_t layout)
{
    __syncwarp();
    for (int e = 0; e < 8; e++) {
        const int at = cpu::lane_id() * 8 + e, row = at / 16, column = at % 16;
        f.x[e] = layout == mem_col_major ? from[column * stride + row] : from[row * stride + column];
    }
}
inline void store_matrix_sync(float *to, const fragment<accumulator, 16, 16, 16, float> &f, unsigned stride, layout_t layout)
{
    for (int e = 0; e < 8; e++) {
        const int at = cpu::lane_id() * 8 + e, row = at / 16, column = at % 16;
        to[layout == mem_col_major ? column * stride + row : row * stride + column] = f.x[e];
    }
    __syncwarp();
}

template <class LA, class LB>
void mma_sync(fragment<accumulator, 16, 16, 16, float> &d, const fragment<matrix_a, 16, 16, 16, __half, LA> &a,
              const fragment<matrix_b, 16, 16, 16, __half, LB> &b, const fragment<accumulator, 16, 16, 16, float> &c)
{
    __half offer[16];
    std::memcpy(offer, a.x, 16);
    std::memcpy(offer + 8, b.x, 16);
    cpu::Lane &lane = cpu::collect(~0u, offer, sizeof offer);
    auto element = [&](int which, int row, int column) {
        const int at = row * 16 + column;
        __half h;
        std::memcpy(&h, reinterpret_cast<const char *>(lane.seen[at / 8]) + which * 16 + at % 8 * 2, 2);
        return float(h);
    };
    for (int e = 0; e < 8; e++) {
        const int at = cpu::lane_id() * 8 + e, row = at / 16, column = at % 16;
        float sum = c.x[e];
        for (int k = 0; k < 16; k++)
            sum += element(0, row, k) * element(1, k, column);
        d.x[e] = sum;
    }
}

}  // namespace nvcuda::wmma
