"""The wait-for graph of a machine in which nothing moves: each live warp, what it waits for, who should release it."""

from typing import TYPE_CHECKING

from sim.gpu.counters import BARRIER, REASON_NAMES
from sim.gpu.state import COUNTERS_PER_WARP, FREE

if TYPE_CHECKING:
    from sim.gpu.simulate import Machine
    from sim.trace.model import KernelTrace
    from sim.trace.stream import KernelStream

_SHOWN = 12


def wait_for_graph(machine: "Machine", kernel: "KernelTrace | KernelStream") -> str:
    """One line: the cycle, then every stuck warp of the first SM that has a CTA: its pc, its SASS and what it lacks."""
    s = int((machine.sms["ctas"] > 0).argmax())
    per_sm = int(machine.cfg[0]["warps_per_sm"])
    per_cta = kernel.header.warps_per_cta
    parts = []
    live = [w for w in range(s * per_sm, (s + 1) * per_sm) if int(machine.warps[w]["life"]) != FREE]
    for w in live[:_SHOWN]:
        warp = machine.warps[w]
        number = int(warp["number"])
        row = kernel.static[int(warp["state_row"])]
        text = f"CTA {number // per_cta} warp {number % per_cta} (pc {row.pc:#06x}, {row.sass})"
        if int(warp["blocked_reason"]) == BARRIER and int(warp["barrier"]) >= 0:
            cta = machine.ctas[int(warp["cta"])]
            barrier = int(warp["barrier"])
            missing = [
                int(machine.warps[o]["number"]) % per_cta
                for o in live
                if int(machine.warps[o]["cta"]) == int(warp["cta"]) and int(machine.warps[o]["barrier"]) != barrier
            ]
            expected = int(cta["expected"][barrier]) or int(cta["unfinished"])
            text += f" waits at barrier {barrier}: {int(cta['arrived'][barrier])} of {expected} warps have arrived"
            if missing:
                text += f", missing warps {missing}"
        else:
            up = [f"SB{i}={int(warp['pending'][i])}" for i in range(COUNTERS_PER_WARP) if int(warp["pending"][i])]
            text += f" is in {REASON_NAMES[int(warp['state'])]}" + (f" with {', '.join(up)}" if up else "")
        parts.append(text)
    if len(live) > _SHOWN:
        parts.append(f"and {len(live) - _SHOWN} more warps")
    return f"kernel {kernel.header.name}: deadlock at cycle {int(machine.sms[s]['clock'])} on SM {s}: " + "; ".join(
        parts
    )
