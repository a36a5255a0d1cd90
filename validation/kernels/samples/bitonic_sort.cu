// Bitonic sorting networks over keys with values, many arrays at once: compare-exchange steps at distances that halve.
// A block does all steps within 1024 elements in shared memory; longer arrays go on with a launch for each wider
// distance and one for all the rest. `length` is a power of two from 2; n is a multiple of it.
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
// The first of the two elements that comparator `i` of a step compares.
__device__ unsigned first_of(unsigned i, unsigned distance)
{
    return 2 * i - (i & (distance - 1));
}
// Runs are sorted up and down by turns, so that two neighbours are bitonic; the last run, the whole array, goes the
// wanted way.
__device__ bool upwards(unsigned i, unsigned length, unsigned run, int ascending)
{
    return (ascending != 0) != ((i & (length / 2 - 1) & run / 2) != 0);
}

// Sorts each array, or each chunk of a longer array.
extern "C" __global__ void bitonic_chunks(const unsigned *keys, const unsigned *values, unsigned *sorted_keys,
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
        const bool up = upwards(blockIdx.x * THREADS + thread, length, run, ascending);
        for (unsigned distance = run / 2; distance > 0; distance /= 2) {
            __syncthreads();
            const unsigned a = first_of(thread, distance), b = a + distance;
            exchange(key[a], value[a], key[b], value[b], up);
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

// One step of merging into runs of `run`, at a distance of at least CHUNK.
extern "C" __global__ void bitonic_merge_step(unsigned *keys, unsigned *values, unsigned length, unsigned run,
                                              unsigned distance, int ascending)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x, a = first_of(i, distance), b = a + distance;
    unsigned key_a = keys[a], value_a = values[a], key_b = keys[b], value_b = values[b];
    exchange(key_a, value_a, key_b, value_b, upwards(i, length, run, ascending));
    keys[a] = key_a;
    values[a] = value_a;
    keys[b] = key_b;
    values[b] = value_b;
}

// The remaining steps of that merge, all within a chunk.
extern "C" __global__ void bitonic_merge_chunks(unsigned *keys, unsigned *values, unsigned length, unsigned run,
                                                int ascending)
{
    __shared__ unsigned key[CHUNK], value[CHUNK];
    const unsigned thread = threadIdx.x, first = blockIdx.x * CHUNK + thread, second = first + THREADS;
    key[thread] = keys[first];
    value[thread] = values[first];
    key[thread + THREADS] = keys[second];
    value[thread + THREADS] = values[second];
    const bool up = upwards(blockIdx.x * THREADS + thread, length, run, ascending);
    for (unsigned distance = CHUNK / 2; distance > 0; distance /= 2) {
        __syncthreads();
        const unsigned a = first_of(thread, distance), b = a + distance;
        exchange(key[a], value[a], key[b], value[b], up);
    }
    __syncthreads();
    keys[first] = key[thread];
    values[first] = value[thread];
    keys[second] = key[thread + THREADS];
    values[second] = value[thread + THREADS];
}
