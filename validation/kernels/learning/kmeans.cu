// The assignment step of k-means: each thread finds the nearest of the centroids for one point. Features are stored
// feature by feature, so the lanes of a warp read neighbours; a centroid's feature is one address for all lanes.
extern "C" __global__ void kmeans(float *features, float *centroids, int *membership, int points, int clusters,
                                  int dimensions)
{
    const int point = blockIdx.x * blockDim.x + threadIdx.x;
    if (point >= points)
        return;
    int nearest = 0;
    float least = 3.402823466e38f;
    for (int cluster = 0; cluster < clusters; cluster++) {
        float squares = 0.0f;
        for (int i = 0; i < dimensions; i++) {
            const float distance = features[i * points + point] - centroids[cluster * dimensions + i];
            squares += distance * distance;
        }
        if (squares < least) {
            least = squares;
            nearest = cluster;
        }
    }
    membership[point] = nearest;
}
