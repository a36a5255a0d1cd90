// Gaussian elimination without pivoting, two launches a column: multipliers below the diagonal, then the pivot row is
// subtracted from every row below, 4x4 threads a CTA with x counting rows, so that neighbouring lanes are a whole row
// apart. All grids cover the whole matrix, however little of it is left.
extern "C" __global__ void gaussian_multipliers(float *multiplier, float *a, int n, int column)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n - 1 - column)
        return;
    const int row = column + 1 + i;
    multiplier[row * n + column] = a[row * n + column] / a[column * n + column];
}

extern "C" __global__ void gaussian_subtract(float *multiplier, float *a, float *b, int n, int column)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= n - 1 - column || j >= n - column)
        return;
    const int row = column + 1 + i;
    a[row * n + column + j] -= multiplier[row * n + column] * a[column * n + column + j];
    if (j == 0)
        b[row] -= multiplier[row * n + column] * b[column];
}
