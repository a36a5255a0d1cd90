"""Real SASS: every shared kernel on its chip, and the sums that must hold for each (architecture, rule 7)."""

from functools import cache
from pathlib import Path

import pytest

from sim.arch import load_arch
from sim.energy import Activity, energy_of, load_table
from sim.gpu.counters import KernelCounters
from sim.gpu.simulate import simulate_kernel
from sim.trace.model import KernelTrace
from sim.trace.open import open_trace
from sim.trace.repeat import repeat_ctas

SHARED = Path(__file__).resolve().parents[3] / "shared"
CHIPS = {"sm70": "qv100", "sm80": "a100_sxm_80", "sm86": "rtx_a6000"}
KERNELS = (
    "vecadd_65536", "sgemm_256x256x64", "hgemm_256x256x128", "reduce_65536", "ffmachain_16", "gather_16384",
    "chase_512",
)  # fmt: skip

pytestmark = pytest.mark.shared


@cache
def kernel(sm: str, name: str) -> KernelTrace:
    return open_trace(str(SHARED / "traces" / "sass" / sm / name / "kernelslist.g")).kernels[0]


@cache
def run(sm: str, name: str, times: int = 1, sms: int = 0) -> KernelCounters:
    trace = kernel(sm, name)
    if times > 1:
        trace = repeat_ctas(trace, times, 1 << 28)
    return simulate_kernel(trace, load_arch(CHIPS[sm], {"sm.count": str(sms)} if sms else None))


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("sm", CHIPS)
def test_issue_slots_and_warp_states_add_up_exactly(sm: str, name: str) -> None:
    result = run(sm, name)
    slots = result.issue_slots
    assert slots.total == result.cycles * result.sm_count * result.sub_cores
    assert slots.issued + sum(slots.stalls.values()) == slots.total
    assert slots.issued == result.warp_instructions == kernel(sm, name).warp_instructions
    assert result.thread_instructions == kernel(sm, name).thread_instructions
    assert sum(result.warp_states.values()) == result.warp_lifetime
    assert result.warp_states["selected"] == result.warp_instructions
    spots = result.hotspots
    assert int(spots.issued.sum()) == result.warp_instructions
    assert int(spots.warp_states.sum()) == result.warp_lifetime
    inside = sum(v for reason, v in slots.stalls.items() if reason not in ("no_cta", "no_warp"))
    assert int(spots.slot_stalls.sum()) == inside + slots.issued
    assert result.warnings == []


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("sm", CHIPS)
def test_the_memory_side_answers_everything_once_and_its_stages_add_up_exactly(sm: str, name: str) -> None:
    e = run(sm, name).events
    assert sum(count for counter, count in e.items() if counter.startswith("memory.stage.")) == e["memory.latency"]
    assert (e["memory.latency"] > 0) == (name != "ffmachain_16")  # which stores only
    assert e["l2.sector_hits"] + e["l2.sector_misses"] == e["l2.sector_reads"]
    asked = e["sm.l1d.sector_misses"] + 4 * e["sm.l1i.misses"]
    assert e["noc.reply_bytes"] == 8 * e["noc.replies"] + 32 * asked
    assert e["noc.requests"] <= e["noc.replies"] <= e["noc.requests"] + min(e["l2.sector_hits"], e["l2.sector_misses"])
    assert e["l2.sector_writes"] == e["sm.l1d.sector_writes"]
    assert e["dram.reads"] > 0


def joules(result: KernelCounters) -> float:
    arch = load_arch(CHIPS["sm86"])
    activity = Activity(
        result.events, result.cycles, result.sm_count, result.sm_active_cycles, int(arch.config.sm.clock)
    )
    return sum(energy_of(activity, load_table(arch.config.energy.table)).values())


@pytest.mark.parametrize("name", [n for n in KERNELS if n != "chase_512"])
def test_twice_the_work_costs_more_cycles_and_energy(name: str) -> None:
    """On two SMs, so that there are several waves of CTAs: twice the CTAs."""
    waves = max(1, 48 // kernel("sm86", name).cta_count)
    once, twice = run("sm86", name, waves, 2), run("sm86", name, 2 * waves, 2)
    assert twice.warp_instructions == 2 * once.warp_instructions
    assert 1.2 * once.cycles < twice.cycles < 2.2 * once.cycles
    assert joules(twice) > 1.5 * joules(once)


def test_the_ffma_chain_keeps_the_fp32_pipes_busy() -> None:
    """8 independent chains a thread: an sm_86 sub-core issues an FFMA nearly every cycle while it has work."""
    result = run("sm86", "ffmachain_16", 1, 2)
    busy = result.issue_slots.issued / (result.sm_active_cycles * result.sub_cores)
    assert busy > 0.8


def test_a_dependent_chase_waits_for_memory_and_little_else() -> None:
    result = run("sm86", "chase_512")
    assert result.warp_states["long_scoreboard"] > 0.9 * result.warp_lifetime
