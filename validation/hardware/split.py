"""Which rows may be used to develop the model, and which only to test it."""

import hashlib

from validation.kernels.kernel import MICRO

#: Share of the configurations that nothing may be fitted to.
HELD_OUT = 0.3


def split_of(suite: str, kernel: str, case: str) -> str:
    """`develop` or `validate`, by a hash of kernel and case: the same on every GPU, for every method and metric.

    Micro-benchmarks are all in `develop`: a clock rate or a latency that nothing may use would be of no use.
    """
    if suite == MICRO:
        return "develop"
    digest = hashlib.sha256(f"{kernel} {case}".encode()).digest()
    return "validate" if int.from_bytes(digest[:8], "big") < HELD_OUT * 2**64 else "develop"
