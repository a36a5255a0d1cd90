"""Grids and blocks of the suite, from a case's `n` and its `block`, the width of a block."""

from validation.kernels.model import Case, ceil_div


def plane(case: Case) -> tuple[tuple[int, int], tuple[int, int]]:
    """A thread an element of n x n, eight rows a block."""
    n, block = case["n"], case["block"]
    return (ceil_div(n, block), ceil_div(n, 8)), (block, 8)


def line(case: Case) -> tuple[int, int]:
    """A thread a row (or a column)."""
    return ceil_div(case["n"], case["block"]), case["block"]
