// One thread follows `steps` links, each load waiting for the one before: latency of the level that the lines fit into,
// and of the address arithmetic (two instructions) between the loads. A link is the index of the next one; each stands
// in a line of its own.
extern "C" __global__ void pointer_chase(unsigned long long *links, unsigned long long *end, int steps)
{
    unsigned long long at = 0;
    for (int step = 0; step < steps; step++)
        at = links[at];
    *end = at;
}
