"""Seventy to thirty, by configuration."""

from hypothesis import given
from hypothesis import strategies as st

from validation.hardware.split import split_of
from validation.kernels import case_id, catalogue


def test_about_three_tenths_are_held_out() -> None:
    count = sum(split_of("s", "k", f"n={n}") == "validate" for n in range(20_000))
    assert 0.29 < count / 20_000 < 0.31


@given(st.text(max_size=20), st.text(max_size=40))
def test_the_split_depends_on_kernel_and_case_alone(kernel: str, case: str) -> None:
    side = split_of("a", kernel, case)
    assert side in ("develop", "validate")
    assert split_of("b", kernel, case) == side


def test_what_gives_the_model_its_parameters_is_not_held_out() -> None:
    assert {split_of("micro", "clock_rate", f"n={n}") for n in range(100)} == {"develop"}


def test_published_rows_do_not_change_sides() -> None:
    """A change of the rule would let what was held out be fitted to."""
    assert split_of("basics", "vectoradd", "n=16384 block=256") == "validate"
    assert split_of("polybench", "gemm_memory", "n=96 block=8") == "develop"
    assert split_of("chains", "ffma_chain", "blocks=1 threads=32 iters=10") == "develop"


def test_both_sides_have_many_configurations_of_the_catalogue() -> None:
    kernels = [kernel for kernel in catalogue().values() if not kernel.is_micro]
    sides = [split_of(kernel.suite, kernel.name, case_id(case)) for kernel in kernels for case in kernel.cases]
    assert 0.2 < sides.count("validate") / len(sides) < 0.4
