// Dyadic convolution by Walsh-Hadamard transforms: out[i] = sum over k of data[i xor k] * kernel[k]. Sequences longer
// than 2048 take radix-4 steps through global memory, each a launch, until their parts fit into shared memory; the
// transform is its own inverse but for the length. Lengths are powers of two from 4.
constexpr int LIMIT = 2048;

// The transform of four numbers, two radix-2 steps at once.
__device__ void butterfly(float &a, float &b, float &c, float &d)
{
    const float ac = a + c, bd = b + d, a_c = a - c, b_d = b - d;
    a = ac + bd;
    b = ac - bd;
    c = a_c + b_d;
    d = a_c - b_d;
}

// One step of sequences of 4 * quarter numbers, one in each row of blocks; quarter is a multiple of the block.
extern "C" __global__ void walsh_global(float *data, int quarter)
{
    float *at = data + blockIdx.y * 4 * quarter + blockIdx.x * blockDim.x + threadIdx.x;
    float a = at[0], b = at[quarter], c = at[2 * quarter], d = at[3 * quarter];
    butterfly(a, b, c, d);
    at[0] = a;
    at[quarter] = b;
    at[2 * quarter] = c;
    at[3 * quarter] = d;
}

// All steps of a sequence a block, which has a quarter as many threads as the sequence has numbers.
extern "C" __global__ void walsh_shared(float *data, int log2_length)
{
    __shared__ float s[LIMIT];
    const int length = 1 << log2_length, thread = threadIdx.x;
    float *sequence = data + blockIdx.x * length;
    for (int i = thread; i < length; i += blockDim.x)
        s[i] = sequence[i];
    for (int stride = length >> 2; stride > 0; stride >>= 2) {
        const int low = thread & (stride - 1), at = 4 * (thread - low) + low;
        __syncthreads();
        butterfly(s[at], s[at + stride], s[at + 2 * stride], s[at + 3 * stride]);
    }
    if (log2_length & 1) {  // an odd number of steps: the last one has radix 2
        __syncthreads();
        for (int pair = thread; pair < length / 2; pair += blockDim.x) {
            const float a = s[2 * pair], b = s[2 * pair + 1];
            s[2 * pair] = a + b;
            s[2 * pair + 1] = a - b;
        }
    }
    __syncthreads();
    for (int i = thread; i < length; i += blockDim.x)
        sequence[i] = s[i];
}

// data *= kernel * scale.
extern "C" __global__ void modulate(float *data, const float *kernel, int n, float scale)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        data[i] *= kernel[i] * scale;
}
