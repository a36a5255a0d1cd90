// Exclusive prefix sums of unsigned integers, many short arrays at once: a thread adds its four numbers (16 bytes),
// then the threads of an array scan their totals in shared memory by distances that double, two barriers a step.
// `length` is a power of two from 4 to 1024; n is a multiple of it.
constexpr int THREADS = 256;

// The sum of `mine` over the threads of the same group that come before. Each group has zeros in front, so that no
// lane asks whether its neighbour exists. `volatile`: like the followed kernel, a thread reads its own sum back in each
// step.
__device__ unsigned sum_before(unsigned mine, unsigned group)
{
    __shared__ volatile unsigned sums[2 * THREADS];
    const unsigned in_group = threadIdx.x & (group - 1), zeros = 2 * threadIdx.x - in_group, at = zeros + group;
    sums[zeros] = 0;
    sums[at] = mine;
    for (unsigned distance = 1; distance < group; distance *= 2) {
        __syncthreads();
        const unsigned sum = sums[at] + sums[at - distance];
        __syncthreads();
        sums[at] = sum;
    }
    return sums[at] - mine;
}

extern "C" __global__ void scan(const uint4 *values, uint4 *sums, int n, int length)
{
    const int i = blockIdx.x * THREADS + threadIdx.x;
    const bool inside = i < n / 4;
    uint4 v = inside ? values[i] : make_uint4(0, 0, 0, 0);
    const unsigned two = v.x + v.y, three = two + v.z;
    const unsigned before = sum_before(three + v.w, length / 4);
    if (inside)
        sums[i] = make_uint4(before, before + v.x, before + two, before + three);
}
