// One 3-D 7-point Jacobi step: one thread a column (x, y) marches in z with the cells below, here and above in
// registers, so each plane is loaded once a thread; the four neighbours in the plane come through L1. The cells on the
// border keep their values.
extern "C" __global__ void stencil7(const float *in, float *out, int nx, int ny, int nz, float centre, float side)
{
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= nx || y >= ny)
        return;
    const int plane = nx * ny;
    const bool border = x == 0 || y == 0 || x + 1 == nx || y + 1 == ny;
    int at = y * nx + x;
    float here = in[at];
    out[at] = here;
    if (nz == 1)
        return;
    float below = here;
    here = in[at + plane];
    for (int z = 1; z + 1 < nz; z++) {
        at += plane;
        const float above = in[at + plane];
        float result = here;
        if (!border)
            result = centre * here + side * (below + above + in[at - 1] + in[at + 1] + in[at - nx] + in[at + nx]);
        out[at] = result;
        below = here;
        here = above;
    }
    out[at + plane] = here;
}
