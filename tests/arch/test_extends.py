"""`extends` and merging."""

from pathlib import Path

import pytest

from sim.arch import load_arch
from sim.errors import ArchError

from .conftest import Write


def test_a_child_changes_what_it_names_and_keeps_the_rest(write: Write) -> None:
    path = write("extends: rtx_a6000\nname: Mine\nsm: {frontend: {l0: {mshrs: 8}}}\n")
    mine, parent = load_arch(path), load_arch("rtx_a6000")
    assert mine.name == "Mine"
    changed = {key for key in parent.values if parent.values[key] != mine.values[key]}
    assert changed == {"name", "sm.frontend.l0.mshrs"}
    assert mine.config.sm.frontend.l0.mshrs == 8


def test_the_nearest_file_of_a_chain_wins(write: Write) -> None:
    write("extends: rtx_a6000\nsm: {count: 1, max_ctas: 2}\n", "a.yaml")
    write("extends: ./a.yaml\nsm: {count: 3}\n", "b.yaml")
    config = load_arch(write("extends: b.yaml\nsm: {l1d: {mshrs: 4}}\n")).config
    assert (config.sm.count, config.sm.max_ctas, config.sm.l1d.mshrs) == (3, 2, 4)
    assert config.name == "RTX A6000"


def test_lists_are_replaced_and_maps_are_merged(write: Write) -> None:
    text = "extends: rtx_a6000\nsm:\n  issue: {port_cycles: {FFMA: 2}}\n  shared_memory: {carve_outs: [0 B, 100 KiB]}\n"
    config = load_arch(write(text)).config
    assert config.sm.issue.port_cycles == {"IMAD": 1, "FFMA": 2}
    assert config.sm.shared_memory.carve_outs == [0, 102400]


def test_a_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "child.yaml").write_text("extends: ../parent.yaml\n")
    (tmp_path / "parent.yaml").write_text("extends: rtx_a6000\nsm: {count: 7}\n")
    assert load_arch(tmp_path / "deep" / "child.yaml").config.sm.count == 7


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"mine": "extends: ./mine.yaml"}, "mine.yaml:1: extends: goes round in a circle: mine -> mine"),
        (
            {"mine": "\nextends: b.yaml", "b": "name: x\nextends: c.yaml", "c": "extends: b.yaml"},
            "c.yaml:1: extends: goes round in a circle: b -> c -> b",
        ),
        ({"mine": "\nextends: ampre"}, "mine.yaml:2: extends: ampre: no such configuration; did you mean ampere?"),
        ({"mine": "extends: gone.yaml"}, "mine.yaml:1: extends: gone.yaml: no such file"),
        (
            {"mine": "extends: [ampere, hopper]"},
            "mine.yaml:1: extends: needs the name or the path of one configuration",
        ),
        ({"mine": "extends:"}, "mine.yaml:1: extends: needs the name or the path of one configuration"),
    ],
)
def test_a_broken_chain_is_explained(write: Write, files: dict[str, str], expected: str) -> None:
    for name, text in files.items():
        write(text + "\n", f"{name}.yaml")
    with pytest.raises(ArchError) as error:
        load_arch("mine.yaml")
    assert str(error.value).startswith(expected)
