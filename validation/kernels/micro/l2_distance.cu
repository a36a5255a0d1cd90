// How far each SM is from each of some lines in L2: one thread an SM reads a line again and again past L1, while all
// others wait. The first CTA on an SM draws a ticket and waits for its turn; later ones find the SM taken and leave.
#include <ptx/clock.cuh>
#include <ptx/load.cuh>

constexpr int SAMPLES = 3;

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

// cycles[sm][line] is what 4 loads take: 6 loads less 2, so that the clock reads cancel; of each the fastest of a few
// samples. The first line is visited once more before, unrecorded, because then instructions are still fetched.
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
    for (int i = -1; i < count; i++) {
        const unsigned number = lines[i < 0 ? 0 : i];
        const unsigned long long line = reinterpret_cast<unsigned long long>(memory + size_t(number) * 128);
        unsigned long long p = follow<ThroughL2, 1>(line);
        long long brief = 1 << 30, lengthy = 1 << 30;
#pragma unroll 1
        for (int sample = 0; sample < SAMPLES; sample++) {
            arrived(p);
            const long long start = clock_now();
            p = follow<ThroughL2, 2>(p);
            arrived(p);
            const long long middle = clock_now();
            p = follow<ThroughL2, 6>(p);
            arrived(p);
            const long long stop = clock_now();
            brief = middle - start < brief ? middle - start : brief;
            lengthy = stop - middle < lengthy ? stop - middle : lengthy;
        }
        if (i >= 0)
            cycles[size_t(sm) * count + i] = lengthy - brief;
        astray += p != line;
    }
    atomicAdd(wrong, astray);
    __threadfence();
    *static_cast<volatile int *>(&order->turn) = ticket + 1;
}
