// y = A x in float32, A in compressed rows, one warp a row: the lanes load neighbouring values and columns (coalesced),
// gather x, and add up their sums with shuffles.
extern "C" __global__ void spmv_vector(const int *row_start, const int *column, const float *value, const float *x,
                                       float *y, int rows)
{
    const int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows)
        return;
    const int end = row_start[row + 1];
    float sum = 0.0f;
    for (int i = row_start[row] + lane; i < end; i += 32)
        sum += value[i] * x[column[i]];
    for (int distance = 16; distance > 0; distance /= 2)
        sum += __shfl_down_sync(0xffffffffu, sum, distance);
    if (lane == 0)
        y[row] = sum;
}
