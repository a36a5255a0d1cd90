// validation/kernels/include/ptx/mma.cuh on the CPU: fragments as the PTX ISA lays them out.
#pragma once
#include <cuda_fp16.h>

inline void mma_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    uint32_t offer[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    cpu::Lane &lane = cpu::collect(~0u, offer, sizeof offer);
    auto half_of = [](uint32_t word, int high) {
        __half h;
        const uint16_t bits = uint16_t(high ? word >> 16 : word);
        std::memcpy(&h, &bits, 2);
        return float(h);
    };
    // A: register i holds rows +8 for odd i, columns +8 for i >= 2. B: register i holds rows +8 for i = 1.
    auto at_a = [&](int row, int k) {
        const int holder = row % 8 * 4 + k % 8 / 2, reg = (row >= 8) + 2 * (k >= 8);
        return half_of(lane.seen[holder][reg], k & 1);
    };
    auto at_b = [&](int k, int column) {
        const int holder = column * 4 + k % 8 / 2, reg = k >= 8;
        return half_of(lane.seen[holder][4 + reg], k & 1);
    };
    const int me = cpu::lane_id();
    for (int i = 0; i < 4; i++) {
        const int row = me / 4 + 8 * (i >= 2), column = me % 4 * 2 + (i & 1);
        float sum = d[i];
        for (int k = 0; k < 16; k++)
            sum += at_a(row, k) * at_b(k, column);
        d[i] = sum;
    }
}
