// The kit's own kernels, launched around those that are measured.

__device__ __forceinline__ unsigned long long nanoseconds_now()
{
    unsigned long long now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)::"memory");
    return now;
}

// Holds the stream while the host submits what follows, and reads the SM's clock against the nanosecond timer meanwhile.
// One thread; out[0] = SM cycles, out[1] = nanoseconds.
extern "C" __global__ void spin(unsigned long long nanoseconds, unsigned long long *out)
{
    // From one tick of the timer to another: it may count in steps of a microsecond.
    const unsigned long long before = nanoseconds_now();
    unsigned long long start, now;
    do
        start = nanoseconds_now();
    while (start == before);
    const long long cycles = clock64();
    do
        now = nanoseconds_now();
    while (now - start < nanoseconds);
    out[0] = clock64() - cycles;
    out[1] = now - start;
}

// Reads other memory until nothing else is left in the caches; reads, so that no dirty line waits to be written back.
extern "C" __global__ void sweep(const uint4 *memory, unsigned long long count, unsigned long long *out)
{
    unsigned sum = 0;
    const unsigned long long threads = (unsigned long long)gridDim.x * blockDim.x;
    for (unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
        const uint4 four = memory[i];
        sum += four.x ^ four.y ^ four.z ^ four.w;
    }
    if (sum == 0x5eed5eed) // so that the loads are needed
        out[1] = sum;
}
