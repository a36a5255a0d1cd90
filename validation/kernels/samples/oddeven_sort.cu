// Batcher's odd-even merge sort over keys with values, many arrays at once: all comparators point the same way, but
// after the first step of a merge some of them rest. A block sorts 1024 elements in shared memory; longer arrays take a
// launch for each further step. `length` is a power of two from 2; n is a multiple of it.
constexpr unsigned CHUNK = 1024, THREADS = CHUNK / 2;  // a thread compares two elements a step

__device__ void exchange(unsigned &key_a, unsigned &value_a, unsigned &key_b, unsigned &value_b, bool ascending)
{
    if ((key_a > key_b) == ascending) {
        const unsigned key = key_a, value = value_a;
        key_a = key_b;
        value_a = value_b;
        key_b = key;
        value_b = value;
    }
}
// The first of the two elements that comparator `i` compares in the first step of a merge.
__device__ unsigned first_of(unsigned i, unsigned distance)
{
    return 2 * i - (i & (distance - 1));
}

// Sorts each array, or each chunk of a longer array.
extern "C" __global__ void oddeven_chunks(const unsigned *keys, const unsigned *values, unsigned *sorted_keys,
                                          unsigned *sorted_values, int n, unsigned length, int ascending)
{
    __shared__ unsigned key[CHUNK], value[CHUNK];
    const unsigned thread = threadIdx.x, first = blockIdx.x * CHUNK + thread, second = first + THREADS;
    if (first < n) {
        key[thread] = keys[first];
        value[thread] = values[first];
    }
    if (second < n) {  // what is beyond n is left undefined: it meets only its like
        key[thread + THREADS] = keys[second];
        value[thread + THREADS] = values[second];
    }
    for (unsigned run = 2; run <= min(length, CHUNK); run *= 2) {
        unsigned distance = run / 2;
        const unsigned in_run = thread & (distance - 1);
        __syncthreads();
        unsigned a = first_of(thread, distance);
        exchange(key[a], value[a], key[a + distance], value[a + distance], ascending != 0);
        for (distance /= 2; distance > 0; distance /= 2) {
            __syncthreads();
            if (in_run >= distance) {
                a = first_of(thread, distance) - distance;
                exchange(key[a], value[a], key[a + distance], value[a + distance], ascending != 0);
            }
        }
    }
    __syncthreads();
    if (first < n) {
        sorted_keys[first] = key[thread];
        sorted_values[first] = value[thread];
    }
    if (second < n) {
        sorted_keys[second] = key[thread + THREADS];
        sorted_values[second] = value[thread + THREADS];
    }
}

// One step of merging into runs of `run`.
extern "C" __global__ void oddeven_merge_step(unsigned *keys, unsigned *values, unsigned run, unsigned distance,
                                              int ascending)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned a = first_of(i, distance);
    if (distance < run / 2) {  // not the first step
        if ((i & (run / 2 - 1)) < distance)
            return;
        a -= distance;
    }
    const unsigned b = a + distance;
    unsigned key_a = keys[a], value_a = values[a], key_b = keys[b], value_b = values[b];
    exchange(key_a, value_a, key_b, value_b, ascending != 0);
    keys[a] = key_a;
    values[a] = value_a;
    keys[b] = key_b;
    values[b] = value_b;
}
