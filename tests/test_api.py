"""The Python interface."""

from pathlib import Path

import pytest

import sim

LISTING = "[B------:R-:W-:-:S04] FADD R8, R9, R10\n[B------:R-:W-:-:S05] FFMA R12, R8, R8, R8\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "two.sass"
    path.write_text(LISTING)
    return path


def test_a_path_and_a_name_are_enough(trace: Path) -> None:
    result = sim.simulate(trace, "rtx_a6000", sm__count=1)
    assert isinstance(result, sim.Result)
    assert result.total["warp_instructions"] == 3
    assert result.to_dict()["total"] == result.total
    assert result.energy["total"] > 0
    slots = result.kernels[0].counters.issue_slots
    assert sum(result.stalls.values()) == slots.total - slots.issued
    assert len(result.to_pandas()) == 1


def test_opened_traces_and_loaded_chips_do_as_well(trace: Path, tmp_path: Path) -> None:
    chip = sim.load_arch("rtx_a6000", {"sm.count": "1"})
    opened = sim.open_trace(trace)
    first = sim.simulate(opened, chip)
    assert first.kernels[0].counters.cycles == sim.simulate(str(trace), "rtx_a6000", sm__count=1).total["cycles"]
    assert first.traces[0].hash == opened.hash
    assert sim.simulate([opened, trace], chip).total["cycles"] == 2 * first.total["cycles"]
    assert (first.save(tmp_path / "run") / "result.json").is_file()


def test_overrides_have_both_spellings(trace: Path) -> None:
    dotted = sim.simulate(trace, "rtx_a6000", **{"sm.count": 1, "sm.register_file.ideal": True})
    underscored = sim.simulate(trace, "rtx_a6000", sm__count=1, sm__register_file__ideal=True)
    assert dotted.arch_hash == underscored.arch_hash


def test_mistakes_are_tickwise_errors(trace: Path) -> None:
    chip = sim.load_arch("rtx_a6000")
    with pytest.raises(sim.TickwiseError, match=r"absent\.twt"):
        sim.simulate("absent.twt", chip)
    with pytest.raises(sim.TickwiseError, match="absent"):
        sim.simulate(trace, "absent")
    with pytest.raises(sim.TickwiseError, match="load_arch"):
        sim.simulate(trace, chip, sm__count=1)
    with pytest.raises(sim.TickwiseError, match="NoneType"):
        sim.simulate(trace, "rtx_a6000", sm__count=None)
    with pytest.raises(sim.TickwiseError, match="no trace"):
        sim.simulate([], chip)
