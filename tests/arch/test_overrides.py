"""`--set key=value`."""

import pytest

from sim.arch import load_arch, parse_overrides
from sim.errors import ArchError

from .conftest import MEMORY, Write


def test_an_override_replaces_one_value() -> None:
    base, changed = load_arch("rtx_a6000"), load_arch("rtx_a6000", {"sm.issue.policy": "gto"})
    assert changed.config.sm.issue.policy == "gto"
    assert {key for key in base.values if base.values[key] != changed.values[key]} == {"sm.issue.policy"}
    assert base.hash != changed.hash
    assert changed.warnings == ()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("sm.count", "2", 2),
        ("sm.clock", "1.5 GHz", 1_500_000_000),
        ("sm.frontend.perfect", "true", True),
        ("sm.units.tensor.sparse_rate", "1.5", 1.5),
        ("sm.issue.port_cycles.IMAD", "2", 2),
        ("sm.shared_memory.carve_outs", "[0 KiB, 100 KiB]", [0, 102400]),
        ("dram.mapping.order", "[column:2,group,column,bank]", ["column:2", "group", "column", "bank"]),
        ("name", "Other", "Other"),
        ("name", "3080", "3080"),
        ("energy.table", "true", "true"),
    ],
)
def test_values_are_written_as_in_a_file(key: str, text: str, value: object) -> None:
    arch = load_arch("rtx_a6000", {key: text})
    assert arch.values[key] == value
    assert arch.warnings == ()


def test_a_group_can_be_overridden_as_a_whole() -> None:
    arch = load_arch("rtx_a6000", {"sm.register_file.cache": "{enabled: false}"})
    assert not arch.config.sm.register_file.cache.enabled
    assert arch.config.sm.register_file.cache.slots == 3


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (
            "sm.issue.polcy",
            "gto",
            "--set sm.issue.polcy=gto: sm.issue.polcy: no such key; did you mean sm.issue.policy?",
        ),
        ("sm.count.x", "1", "--set sm.count.x=1: sm.count.x: no such key"),
        ("sm..count", "1", "--set sm..count=1: sm..count: no such key"),
        ("sources", "{}", "--set sources={}: sources: no such key"),
        ("extends", "x", "--set extends=x: extends: no such key"),
        ("sm.", "1", "--set sm.=1: an empty key"),
        ("sm.count", "x", "--set sm.count=x: sm.count: needs a whole number without unit, not 'x'"),
        ("sm.count", "", "--set sm.count=: sm.count: needs a whole number without unit, not nothing"),
        (
            "sm.clock",
            "5",
            "--set sm.clock=5: sm.clock: needs a unit: write a frequency such as '1.8 GHz', not a bare 5",
        ),
        ("sm.l1d", "5", "--set sm.l1d=5: sm.l1d: needs a group of keys, not '5'"),
        ("sm.count", "'a\n\nb'", "--set sm.count='a b': sm.count: needs a whole number without unit, not 'a b'"),
        ("sm.l1d", "[", "--set sm.l1d=[: not valid YAML: "),
        ("sm.max_warps", "50", "--set sm.max_warps=50: sm.max_warps: 50 warps do not divide evenly"),
    ],
)
def test_a_wrong_override_is_named(key: str, text: str, expected: str) -> None:
    with pytest.raises(ArchError) as error:
        load_arch("rtx_a6000", {key: text})
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize("text", ["84", " 84 ", "+84"])
def test_an_override_without_effect_is_reported(text: str) -> None:
    arch = load_arch("rtx_a6000", {"sm.count": text, "sm.max_ctas": "8"})
    assert arch.warnings == (f"--set sm.count={text} changes nothing: the configuration says so already",)
    assert arch.config.sm.max_ctas == 8


def test_another_spelling_of_the_same_value_has_no_effect() -> None:
    arch = load_arch("rtx_a6000", {"sm.clock": "1800 MHz"})
    assert len(arch.warnings) == 1
    assert arch.hash == load_arch("rtx_a6000").hash


def test_an_override_can_complete_a_configuration(write: Write) -> None:
    sources = "sources: {sm: test, l2: test, dram: test}\n"
    path = write("extends: ampere\nname: Mine\nsm: {clock: 1 GHz}" + MEMORY + sources)
    arch = load_arch(path, {"sm.count": "1"})
    assert arch.config.sm.count == 1
    assert arch.warnings == ()


def test_options_of_the_command_line_are_split_at_the_first_equals_sign() -> None:
    assert parse_overrides(["sm.count=1", "name = a=b"]) == {"sm.count": "1", "name": "a=b"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["sm.count"], "--set sm.count: write key=value, such as --set sm.issue.policy=gto"),
        (["=1"], "--set =1: write key=value"),
        (["sm.count=1", "sm.count=2"], "--set sm.count=2: sm.count is set twice"),
    ],
)
def test_what_is_no_override_is_refused(options: list[str], expected: str) -> None:
    with pytest.raises(ArchError) as error:
        parse_overrides(options)
    assert str(error.value).startswith(expected)
