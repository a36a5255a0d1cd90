// Breadth-first search, two kernels a level and one thread a node: the first walks through the edges of the nodes on
// the frontier (divergent, scattered byte and word accesses), the second makes what it found the next frontier.
struct Node {
    int first, count;  // its edges: `count` targets from `first` on
};

extern "C" __global__ void bfs_expand(const Node *nodes, const int *edges, unsigned char *frontier,
                                      unsigned char *found, unsigned char *visited, int *cost, int n)
{
    const int node = blockIdx.x * blockDim.x + threadIdx.x;
    if (node >= n || !frontier[node])
        return;
    frontier[node] = 0;
    for (int i = nodes[node].first; i < nodes[node].first + nodes[node].count; i++) {
        const int target = edges[i];
        if (!visited[target]) {
            cost[target] = cost[node] + 1;  // every thread that reaches it in this level writes the same
            found[target] = 1;
        }
    }
}

extern "C" __global__ void bfs_advance(unsigned char *frontier, unsigned char *found, unsigned char *visited,
                                       unsigned char *over, int n)
{
    const int node = blockIdx.x * blockDim.x + threadIdx.x;
    if (node >= n || !found[node])
        return;
    frontier[node] = 1;
    visited[node] = 1;
    *over = 1;
    found[node] = 0;
}
