// validation/kernels/include/ptx/cp_async.cuh on the CPU: a thread's copies are done when that thread waits for them, not
// before, so that a missing wait, or a missing barrier after it, gives a wrong result.
#pragma once
#include <cuda_on_cpu.h>

inline void cp_async_16_or_zero(void *to, const void *from, bool inside)
{
    cpu::current->open_copies.push_back({static_cast<char *>(to), inside ? static_cast<const char *>(from) : nullptr});
}
inline void cp_async_16(void *to, const void *from) { cp_async_16_or_zero(to, from, true); }
inline void cp_async_commit()
{
    cpu::current->groups.push_back(std::move(cpu::current->open_copies));
    cpu::current->open_copies.clear();
}
template <int PENDING>
void cp_async_wait()
{
    auto &groups = cpu::current->groups;
    while (groups.size() > PENDING) {
        for (const cpu::Copy &copy : groups.front())
            copy.from ? std::memcpy(copy.to, copy.from, 16) : std::memset(copy.to, 0, 16);
        groups.pop_front();
    }
}
