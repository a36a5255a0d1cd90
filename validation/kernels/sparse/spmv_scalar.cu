// y = A x in float64, A in compressed rows, one thread a row: the lanes of a warp walk through rows of different
// lengths, so loads of values and columns do not coalesce, and a warp runs as long as its longest row.
extern "C" __global__ void spmv_scalar(const int *row_start, const int *column, const double *value, const double *x,
                                       double *y, int rows)
{
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows)
        return;
    const int end = row_start[row + 1];
    double sum = 0.0;
    for (int i = row_start[row]; i < end; i++)
        sum += value[i] * x[column[i]];
    y[row] = sum;
}
