// When and where blocks start: thread 0 of each block writes both clocks and the number of its SM; the block then stays
// for `hold` cycles, so that short blocks show the rate of dispatch and long ones how the first wave is spread.
#include <ptx/clock.cuh>

extern "C" __global__ void dispatch(long long *nanoseconds, long long *cycles, int *sm, int hold)
{
    if (threadIdx.x != 0)
        return;
    const long long start = clock_now();
    nanoseconds[blockIdx.x] = nanoseconds_now();
    cycles[blockIdx.x] = start;
    sm[blockIdx.x] = sm_number();
    while (clock_now() - start < hold)
        ;
}
