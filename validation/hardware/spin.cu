// Holds the stream while the host submits what follows, and reads the SM's clock against the nanosecond timer meanwhile.
// Launched with one thread; out[0] = SM cycles, out[1] = nanoseconds.
extern "C" __global__ void spin(unsigned long long nanoseconds, unsigned long long *out)
{
    unsigned long long start, now;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start)::"memory");
    const long long cycles = clock64();
    do {
        asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)::"memory");
    } while (now - start < nanoseconds);
    out[0] = clock64() - cycles;
    out[1] = now - start;
}
