// validation/kernels/include/ptx/clock.cuh on the CPU: time goes on by one with each reading, CTAs alternate between SMs.
#pragma once
#include <cuda_on_cpu.h>

namespace cpu {
inline long long clock_readings;
}
inline long long clock_now() { return ++cpu::clock_readings; }
inline long long nanoseconds_now() { return ++cpu::clock_readings; }
inline int sm_number() { return int(blockIdx.x % 3); }
