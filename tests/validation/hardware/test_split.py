"""Seventy to thirty, by configuration."""

from hypothesis import given
from hypothesis import strategies as st

from validation.hardware.split import split_of
from validation.kernels import case_id, catalogue


def test_about_three_tenths_are_held_out() -> None:
    count = sum(split_of("k", f"n={n}") == "validate" for n in range(20_000))
    assert 0.29 < count / 20_000 < 0.31


@given(st.text(max_size=20), st.text(max_size=40))
def test_the_split_depends_on_kernel_and_case_alone(kernel: str, case: str) -> None:
    assert split_of(kernel, case) == split_of(kernel, case)
    assert split_of(kernel, case) in ("develop", "validate")


def test_published_rows_do_not_change_sides() -> None:
    """A change of the rule would let what was held out be fitted to."""
    assert split_of("vectoradd", "n=16384 block=256") == "validate"
    assert split_of("gemm_memory", "n=96 block=8") == "develop"
    assert split_of("ffma_chain", "blocks=1 threads=32 iters=10") == "develop"


def test_both_sides_have_many_configurations_of_the_catalogue() -> None:
    sides = [split_of(name, case_id(case)) for name, kernel in catalogue().items() for case in kernel.cases]
    assert 0.2 < sides.count("validate") / len(sides) < 0.4
