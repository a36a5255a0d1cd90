// One 2-D 5-point Jacobi step: a CTA loads its 32x8 tile and a halo of one cell into shared memory, and each thread
// then reads its five cells from there. The cells on the border of the grid keep their values.
constexpr int WIDTH = 32, HEIGHT = 8;

extern "C" __global__ void stencil5(const float *in, float *out, int rows, int columns, float centre, float side)
{
    __shared__ float tile[HEIGHT + 2][WIDTH + 2];
    const int x = blockIdx.x * WIDTH + threadIdx.x, y = blockIdx.y * HEIGHT + threadIdx.y;
    const int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    const int at = y * columns + x;
    const bool inside = x < columns && y < rows;
    if (inside) {
        tile[ty][tx] = in[at];
        if (tx == 1 && x > 0)
            tile[ty][0] = in[at - 1];
        if (tx == WIDTH && x + 1 < columns)
            tile[ty][WIDTH + 1] = in[at + 1];
        if (ty == 1 && y > 0)
            tile[0][tx] = in[at - columns];
        if (ty == HEIGHT && y + 1 < rows)
            tile[HEIGHT + 1][tx] = in[at + columns];
    }
    __syncthreads();
    if (!inside)
        return;
    float result = tile[ty][tx];
    if (x > 0 && y > 0 && x + 1 < columns && y + 1 < rows)
        result = centre * result + side * (tile[ty - 1][tx] + tile[ty + 1][tx] + tile[ty][tx - 1] + tile[ty][tx + 1]);
    out[at] = result;
}
