/* The dynamic shared memory of a CTA: kernels declare `extern __shared__ T dynamic_shared[]`. */
_Thread_local char dynamic_shared[227 * 1024] __attribute__((aligned(128)));
