// One layer of a neural network, n inputs (a multiple of 16) to 16 hidden units: the forward kernel multiplies a 16x16
// tile of weights with its inputs in shared memory and adds it up along the inputs in a tree (ever fewer rows of
// threads take part); the other adjusts the weights. Unit 0 of either side is the bias: rows of weights are 17 words.
constexpr int HIDDEN = 16, TILE = 16;

// The tile of partial sums is stored too, as Rodinia does it (there over the weights).
extern "C" __global__ void backprop_forward(float *input, float *weights, float *sums, float *partial)
{
    __shared__ float unit[TILE];
    __shared__ float tile[TILE][HIDDEN];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int i = blockIdx.y * TILE + ty + 1, at = i * (HIDDEN + 1) + tx + 1;
    if (tx == 0)
        unit[ty] = input[i];
    tile[ty][tx] = weights[at];
    __syncthreads();
    tile[ty][tx] *= unit[ty];
    for (int half = 1; half < TILE; half *= 2) {
        __syncthreads();
        if (ty % (2 * half) == 0)
            tile[ty][tx] += tile[ty + half][tx];
    }
    sums[at] = tile[ty][tx];
    if (ty == 0)
        partial[blockIdx.y * HIDDEN + tx] = tile[0][tx];
}

// Gradient descent with momentum.
extern "C" __global__ void backprop_adjust(float *delta, float *input, float *weights, float *change, float rate,
                                           float momentum)
{
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int i = blockIdx.y * TILE + ty + 1, at = i * (HIDDEN + 1) + tx + 1;
    const float step = rate * delta[tx + 1] * input[i] + momentum * change[at];
    weights[at] += step;
    change[at] = step;
    if (ty == 0 && blockIdx.y == 0) {
        const float bias = rate * delta[tx + 1] + momentum * change[tx + 1];
        weights[tx + 1] += bias;
        change[tx + 1] = bias;
    }
}
