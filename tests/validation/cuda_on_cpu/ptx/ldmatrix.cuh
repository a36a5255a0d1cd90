// validation/kernels/include/ptx/ldmatrix.cuh on the CPU.
#pragma once
#include <cuda_on_cpu.h>

namespace cpu {
template <int N>
void load_matrices(unsigned (&r)[N], const void *row, bool transposed)
{
    const Lane &lane = collect(~0u, &row, sizeof row);
    const int me = lane_id();
    for (int i = 0; i < N; i++) {
        uint16_t pair[2];
        for (int e = 0; e < 2; e++) {
            const int r_ = transposed ? me % 4 * 2 + e : me / 4, c = transposed ? me / 4 : me % 4 * 2 + e;
            const char *from;
            std::memcpy(&from, lane.seen[i * 8 + r_], sizeof from);
            std::memcpy(&pair[e], from + c * 2, 2);
        }
        r[i] = pair[0] | unsigned(pair[1]) << 16;
    }
}
}  // namespace cpu

inline void ldmatrix_x4(unsigned (&r)[4], const void *row) { cpu::load_matrices(r, row, false); }
inline void ldmatrix_x2(unsigned (&r)[2], const void *row) { cpu::load_matrices(r, row, false); }
inline void ldmatrix_x2_trans(unsigned (&r)[2], const void *row) { cpu::load_matrices(r, row, true); }
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void *row) { cpu::load_matrices(r, row, true); }
