// Gravity between all pairs of bodies, softened: a block brings one tile of positions after another into shared memory,
// and all its threads read the same one at a time (a broadcast of 16 bytes). w is the mass. Blocks are multiples of 32
// threads, at most 256.
constexpr int MOST = 256, UNROLLED = 8;

extern "C" __global__ void nbody(const float4 *bodies, float4 *accelerations, int n, float softening_squared)
{
    __shared__ float4 tile[MOST];
    const int i = blockIdx.x * blockDim.x + threadIdx.x, width = blockDim.x;
    const float4 nothing = make_float4(0.0f, 0.0f, 0.0f, 0.0f), me = i < n ? bodies[i] : nothing;
    float ax = 0.0f, ay = 0.0f, az = 0.0f;
    for (int first = 0; first < n; first += width) {
        const int j = first + threadIdx.x;
        tile[threadIdx.x] = j < n ? bodies[j] : nothing;  // without mass it pulls nobody
        __syncthreads();
        for (int part = 0; part < width; part += UNROLLED)
#pragma unroll
            for (int k = part; k < part + UNROLLED; k++) {
                const float4 other = tile[k];
                const float x = other.x - me.x, y = other.y - me.y, z = other.z - me.z;
                const float inverse = rsqrtf(x * x + y * y + z * z + softening_squared);
                const float pull = other.w * inverse * inverse * inverse;
                ax += pull * x;
                ay += pull * y;
                az += pull * z;
            }
        __syncthreads();
    }
    if (i < n)
        accelerations[i] = make_float4(ax, ay, az, 0.0f);
}
