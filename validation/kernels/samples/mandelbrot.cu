// Steps of z = z^2 + c until |z| > 2, a pixel a thread: lanes leave the loop at different times. Additions and products
// are kept apart (no fused multiply-add), so that the counts are the same wherever floats are IEEE 754.
extern "C" __global__ void mandelbrot(int *counts, int width, int height, int limit, float left, float top, float step)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= width || row >= height)
        return;
    const float cx = __fadd_rn(left, __fmul_rn(step, float(column)));
    const float cy = __fadd_rn(top, __fmul_rn(step, float(row)));
    float x = 0.0f, y = 0.0f, xx = 0.0f, yy = 0.0f;
    int count = 0;
    while (count < limit && __fadd_rn(xx, yy) <= 4.0f) {
        y = __fadd_rn(__fmul_rn(__fadd_rn(x, x), y), cy);
        x = __fadd_rn(__fsub_rn(xx, yy), cx);
        xx = __fmul_rn(x, x);
        yy = __fmul_rn(y, y);
        count++;
    }
    counts[row * width + column] = count;
}
