// Heat flow on a chip: a CTA of 16x16 threads loads its tile of temperatures into shared memory and computes `steps`
// time steps there. In each step the cells that still have all their neighbours move one cell inwards, so tiles of
// neighbouring CTAs overlap by 2 * steps cells. At the border of the chip a missing neighbour is as warm as the cell.
constexpr int TILE = 16;

extern "C" __global__ void hotspot(const float *power, const float *from, float *to, int rows, int columns, int steps,
                                   float per_capacity, float across, float down, float up, float ambient)
{
    __shared__ float tile[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int x = blockIdx.x * (TILE - 2 * steps) - steps + tx, y = blockIdx.y * (TILE - 2 * steps) - steps + ty;
    const bool inside = x >= 0 && x < columns && y >= 0 && y < rows;
    float here = 0.0f, heat = 0.0f;
    if (inside) {
        here = from[y * columns + x];
        heat = power[y * columns + x];
    }
    tile[ty][tx] = here;
    __syncthreads();
    bool complete = inside;
    for (int step = 1; step <= steps; step++) {
        complete = inside && min(tx, ty) >= step && max(tx, ty) < TILE - step;
        if (complete) {
            const float north = y > 0 ? tile[ty - 1][tx] : here, south = y + 1 < rows ? tile[ty + 1][tx] : here;
            const float west = x > 0 ? tile[ty][tx - 1] : here, east = x + 1 < columns ? tile[ty][tx + 1] : here;
            here += per_capacity * (heat + (north + south - 2.0f * here) * down + (west + east - 2.0f * here) * across
                                    + (ambient - here) * up);
        }
        __syncthreads();  // everyone has read
        tile[ty][tx] = here;
        __syncthreads();
    }
    if (complete)
        to[y * columns + x] = here;
}
