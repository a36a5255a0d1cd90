// validation/kernels/include/ptx/cp_async.cuh on the CPU: a copy is done when it is asked for.
#pragma once
#include <cuda_on_cpu.h>

inline void cp_async_16(void *to, const void *from) { std::memcpy(to, from, 16); }
inline void cp_async_16_or_zero(void *to, const void *from, bool inside)
{
    if (inside)
        std::memcpy(to, from, 16);
    else
        std::memset(to, 0, 16);
}
inline void cp_async_commit() {}
template <int PENDING>
void cp_async_wait()
{
}
