// out = transpose of in, one element a thread: reads are coalesced, writes are `rows` floats apart.
extern "C" __global__ void transpose_naive(const float *in, float *out, int rows, int columns)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < rows && column < columns)
        out[column * rows + row] = in[row * columns + column];
}
