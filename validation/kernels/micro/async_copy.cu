// Asynchronous copies from global to shared memory (cp.async): the time of one that is waited for, and the bytes an SM
// copies with two groups under way. The source is small, so it lies in L1 (ca) or L2 (cg, which bypasses L1). sm_80 on.
#include <ptx/cp_async.cuh>
#include <ptx/steps.cuh>

constexpr int LATENCY_STEPS = 8;
constexpr int THROUGHPUT_STEPS = 4;
constexpr int GROUP = 8;
constexpr int THREADS = 256;

// `slot` and `source` are this thread's first piece; the pieces of a group lie THREADS apart.
template <typename Copy>
struct Alone
{
    char *slot;
    const char *source;
    __device__ void advance(int)
    {
        Copy::piece(slot, source);
        cp_async_commit();
        cp_async_wait<0>();
    }
};
template <typename Copy>
struct Streaming
{
    char *slot;
    const char *source;
    __device__ void advance(int)
    {
#pragma unroll
        for (int i = 0; i < GROUP; i++)
            Copy::piece(slot + i * THREADS * Copy::bytes, source + i * THREADS * Copy::bytes);
        cp_async_commit();
        cp_async_wait<1>();
    }
};

template <typename Copy, template <typename> typename How, int STEPS>
__device__ void measure_copies(Interval *clocks, const char *source, int *sink, int rounds)
{
    __shared__ __align__(16) char slots[GROUP * THREADS * Copy::bytes];
    const int mine = threadIdx.x * Copy::bytes;
    How<Copy> steps = {slots + mine, source + mine};
    measure<STEPS>(steps, clocks, rounds);
    cp_async_wait<0>();
    sink[threadIdx.x] = *reinterpret_cast<const int *>(slots + mine);
}

// Blocks of at most THREADS threads.
#define ASYNC_COPY(CACHE, BYTES)                                                                                       \
    struct copy_##CACHE##_##BYTES                                                                                      \
    {                                                                                                                  \
        static constexpr int bytes = BYTES;                                                                            \
        __device__ static void piece(void *to, const void *from)                                                       \
        {                                                                                                              \
            asm volatile("cp.async." #CACHE ".shared.global [%0], [%1], " #BYTES ";" ::"r"(                            \
                             static_cast<unsigned>(__cvta_generic_to_shared(to))),                                     \
                         "l"(from) : "memory");                                                                        \
        }                                                                                                              \
    };                                                                                                                 \
    extern "C" __global__ void latency_##CACHE##_##BYTES(Interval *clocks, const char *source, int *sink, int rounds)  \
    {                                                                                                                  \
        measure_copies<copy_##CACHE##_##BYTES, Alone, LATENCY_STEPS>(clocks, source, sink, rounds);                    \
    }                                                                                                                  \
    extern "C" __global__ void throughput_##CACHE##_##BYTES(Interval *clocks, const char *source, int *sink,           \
                                                            int rounds)                                                \
    {                                                                                                                  \
        measure_copies<copy_##CACHE##_##BYTES, Streaming, THROUGHPUT_STEPS>(clocks, source, sink, rounds);             \
    }

ASYNC_COPY(ca, 4)
ASYNC_COPY(ca, 8)
ASYNC_COPY(ca, 16)
ASYNC_COPY(cg, 16)
