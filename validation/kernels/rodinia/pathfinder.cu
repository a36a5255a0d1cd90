// The cheapest way down a wall (each step straight or one aside), by dynamic programming: a CTA of 256 threads keeps a
// stretch of the costs in shared memory and adds `count` rows a launch. In each row the valid part shrinks by a cell on
// either side, so stretches overlap by 2 * count cells.
constexpr int WIDTH = 256;

extern "C" __global__ void pathfinder(int *wall, int *from, int *to, int columns, int first, int count)
{
    __shared__ int cost[WIDTH];
    const int t = threadIdx.x;
    const int x = blockIdx.x * (WIDTH - 2 * count) - count + t;
    const bool inside = x >= 0 && x < columns;
    int here = inside ? from[x] : 0;
    cost[t] = here;
    __syncthreads();
    bool complete = inside;
    for (int row = 1; row <= count; row++) {
        complete = inside && t >= row && t < WIDTH - row;
        if (complete) {
            const int left = x > 0 ? cost[t - 1] : here, right = x + 1 < columns ? cost[t + 1] : here;
            here = min(here, min(left, right)) + wall[(first + row - 1) * columns + x];
        }
        __syncthreads();  // everyone has read
        cost[t] = here;
        __syncthreads();
    }
    if (complete)
        to[x] = here;
}
