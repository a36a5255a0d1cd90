// How far each SM is from each of some lines in L2: one thread an SM reads a line again and again past L1, while all
// others wait. The first CTA on an SM draws a ticket and waits for its turn; later ones find the SM taken and leave.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

struct Order
{
    int tickets, turn;
};

// Each line's first word becomes its own address; no SM has been seen.
extern "C" __global__ void prepare(char *memory, const unsigned *lines, int count, Order *order, int *seen, int sms)
{
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        *reinterpret_cast<char **>(memory + size_t(lines[i]) * 128) = memory + size_t(lines[i]) * 128;
    for (int sm = threadIdx.x; sm < sms; sm += blockDim.x)
        seen[sm] = 0;
    if (threadIdx.x == 0)
        *order = Order{0, 0};
}

// cycles[sm][line] is what 8 loads take: 12 loads less 4, so that the clock reads cancel.
extern "C" __global__ void visit(const char *memory, const unsigned *lines, int count, Order *order, int *seen, int sms,
                                 long long *cycles, int *wrong)
{
    if (threadIdx.x != 0)
        return;
    const int sm = sm_number();
    if (sm >= sms || atomicExch(&seen[sm], 1) != 0)
        return;
    const int ticket = atomicAdd(&order->tickets, 1);
    while (*static_cast<volatile int *>(&order->turn) != ticket)
        __nanosleep(1000);
    int astray = 0;
#pragma unroll 1
    for (int i = 0; i < count; i++) {
        const unsigned long long line = reinterpret_cast<unsigned long long>(memory + size_t(lines[i]) * 128);
        unsigned long long p = follow<ThroughL2, 1>(line);
        arrived(p);
        const long long start = clock_now();
        p = follow<ThroughL2, 4>(p);
        arrived(p);
        const long long middle = clock_now();
        p = follow<ThroughL2, 12>(p);
        arrived(p);
        const long long stop = clock_now();
        cycles[size_t(sm) * count + i] = (stop - middle) - (middle - start);
        astray += p != line;
    }
    atomicAdd(wrong, astray);
    __threadfence();
    *static_cast<volatile int *>(&order->turn) = ticket + 1;
}
