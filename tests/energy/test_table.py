"""Energy tables: every value has a source, and a wrong file is refused with its line."""

from pathlib import Path

import pytest

from sim.arch import config_root, names
from sim.energy import COMPONENTS, load_table
from sim.errors import ArchError

GOOD = """\
name: mine
process: none
power:
  constant: {value: 10 W, source: a guess}
  active_sm: {value: 100 mW, source: a guess}
  idle_sm: {value: 50 mW, source: a guess}
events:
  issue:
    warp_instructions: {energy: 12.5 pJ, source: a guess}
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_every_shipped_table_loads_and_says_where_its_values_come_from() -> None:
    shipped = names("energy")
    assert set(shipped) >= {"volta_12nm", "turing_12nm", "ampere_8nm", "ampere_7nm", "hopper_4nm"}
    for name in shipped:
        table = load_table(name)
        assert table.name == name
        assert set(table.events) <= {part.name for part in COMPONENTS}
        values = [*table.power.values(), *(value for group in table.events.values() for value in group.values())]
        assert len(values) > 20
        assert all(len(value.source) > 10 for value in values)


def test_every_chip_names_a_table_that_exists() -> None:
    from sim.arch import load_arch
    from sim.arch.load import is_family

    chips = [name for name in names() if not is_family(name)]
    assert len(chips) >= 6
    for name in chips:
        assert load_table(load_arch(name).config.energy.table).events


def test_a_scaled_table_keeps_its_parents_sources_and_adds_its_own() -> None:
    parent, child = load_table("volta_12nm"), load_table("ampere_7nm")
    reads, scaled = (table.events["register_file"]["sm.rf.reads"] for table in (parent, child))
    assert scaled.amount == round(reads.amount * 0.571)
    assert scaled.source.startswith(reads.source)
    assert "A100" in scaled.source
    assert child.power["constant"].amount == 30_300  # powers are not scaled


@pytest.mark.parametrize("name", ["qv100", "rtx_2080ti", "rtx_3080", "rtx_a6000", "a100_sxm_80", "h100_pcie"])
def test_energies_of_sectors_and_bursts_are_for_the_sizes_that_the_chip_has(name: str) -> None:
    """The tables give joules for 32 B; a chip with other sectors or bursts needs another table."""
    from sim.arch import load_arch
    from sim.arch.dram import load_dram

    config = load_arch(name).config
    assert config.sm.l1d.sector == load_dram(config.dram.kind).device.atom == 32


def test_values_are_whole_femtojoules_and_milliwatts(tmp_path: Path) -> None:
    table = load_table(write(tmp_path / "mine.yaml", GOOD))
    assert table.events["issue"]["warp_instructions"].amount == 12_500
    assert table.power["constant"].amount == 10_000


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("warp_instructions:", "warp_instruction:", 9, "did you mean warp_instructions"),
        ("  issue:", "  isue:", 8, "did you mean issue"),
        ("12.5 pJ", "12.5", 9, "needs a unit"),
        ("12.5 pJ", "12.5 W", 9, "no unit of an energy"),
        ("12.5 pJ", "-1 pJ", 9, "negative"),
        (", source: a guess}\nevents", "}\nevents", 6, "source: missing"),
        ("  idle_sm: {value: 50 mW, source: a guess}\n", "", 1, "power.idle_sm: missing"),
        ("process: none\n", "process: none\ncolour: red\n", 3, "colour: no such key"),
        ("process: none\n", "process: none\nscale: {factor: 2, source: x}\n", 3, "needs a parent"),
        ("process: none\n", "process: none\nextends: no_such\n", 3, "no_such"),
        ("energy: 12.5 pJ", "energie: 12.5 pJ", 9, "did you mean energy"),
        ("{energy: 12.5 pJ, source: a guess}", "12.5 pJ", 9, "write {energy"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    path = write(tmp_path / "mine.yaml", GOOD.replace(old, new))
    with pytest.raises(ArchError) as error:
        load_table(path)
    assert message in str(error.value)
    assert f"mine.yaml:{line}" in str(error.value)


@pytest.mark.parametrize("factor", ["0", "-1", "1000", "much", "true"])
def test_a_scale_must_be_a_sensible_number(tmp_path: Path, factor: str) -> None:
    text = f"name: x\nprocess: y\nextends: volta_12nm\nscale: {{factor: {factor}, source: z}}\n"
    with pytest.raises(ArchError, match=r"scale\.factor"):
        load_table(write(tmp_path / "mine.yaml", text))


def test_a_circle_of_parents_is_found(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", GOOD + "extends: ./b.yaml\n")
    write(tmp_path / "b.yaml", GOOD + "extends: ./a.yaml\n")
    with pytest.raises(ArchError, match="circle"):
        load_table(tmp_path / "a.yaml")


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(ArchError, match="did you mean ampere_8nm"):
        load_table("ampere_8")
    assert (config_root() / "energy" / "ampere_8nm.yaml").is_file()
