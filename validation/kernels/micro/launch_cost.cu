// A kernel that does nothing: what remains is the launch, the start of its blocks and their end.
extern "C" __global__ void nothing()
{
}
