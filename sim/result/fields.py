"""The fields of the result object, declared once: name, unit, meaning.

Counters and stall reasons are declared in `sim/gpu/counters.py` and energy components in `sim/energy/components.py`;
here stand the fields that are made from them.
"""

from typing import NamedTuple


class Field(NamedTuple):
    """One field of the JSON object; `name` is its path without indices."""

    name: str
    unit: str
    meaning: str


FIELDS: tuple[Field, ...] = (
    Field("kernels.trace", "index", "which entry of `traces` the kernel comes from, from 0"),
    Field("kernels.index", "number", "the kernel's place in its trace, from 1; what `--kernels` selects by"),
    Field("kernels.time_us", "microseconds", "cycles / SM clock, without launch_cycles"),
    Field("kernels.ipc", "warp instructions/cycle", "warp_instructions / cycles, of the whole chip"),
    Field("kernels.occupancy.theoretical", "fraction", "warps that fit on an SM / its warp slots"),
    Field("kernels.occupancy.achieved", "fraction", "mean warps there were on SMs with a CTA / their warp slots"),
    Field("kernels.occupancy.limiter", "resource", "what keeps one more CTA from fitting on an SM"),
    Field("kernels.occupancy.limits", "CTAs", "CTAs of an SM that each resource alone would allow"),
    Field("kernels.issue_slots.total", "sub-core cycles", "cycles x sub-cores of the chip = issued + sum of stalls"),
    Field("kernels.issue_slots.issued", "sub-core cycles", "cycles in which a sub-core issued an instruction"),
    Field("kernels.issue_slots.stalls", "sub-core cycles", "cycles without issue, each under its one reason"),
    Field("kernels.warp_states", "warp cycles", "what warps did in each cycle of their lives; sums to warp_lifetime"),
    Field("kernels.warp_lifetime", "warp cycles", "sum over warps of the cycles from start to exit"),
    Field("kernels.counters", "see each", "every counted event; `tickwise explain NAME` for one of them"),
    Field("kernels.memory.l1_hit_rate", "fraction", "L1D sectors read that hit / sectors read; null if none was read"),
    Field("kernels.memory.l1_read_bytes", "bytes", "sectors read from L1D x bytes of a sector"),
    Field("kernels.memory.l1_write_bytes", "bytes", "sectors written through L1D x bytes of a sector"),
    Field("kernels.memory.noc_read_bytes", "bytes", "from L2 slices to SMs, headers and acknowledgements included"),
    Field("kernels.memory.noc_write_bytes", "bytes", "from SMs to L2 slices, headers and read requests included"),
    Field(
        "kernels.memory.l2_hit_rate",
        "fraction",
        "L2 sectors read that were there, not on their way / sectors read; null if none",
    ),
    Field("kernels.memory.l2_read_bytes", "bytes", "sectors read from L2, code and constants too, x bytes of a sector"),
    Field("kernels.memory.l2_write_bytes", "bytes", "sectors that stores wrote, in part or whole, x bytes of a sector"),
    Field("kernels.memory.dram_read_bytes", "bytes", "read bursts x bytes of a burst"),
    Field("kernels.memory.dram_write_bytes", "bytes", "write bursts x bytes of a burst: lines that L2 wrote back"),
    Field("kernels.memory.dram_row_hit_rate", "fraction", "bursts that found their row open / bursts; null if none"),
    Field(
        "kernels.memory.dram_bandwidth_use",
        "fraction",
        "bytes of all bursts / (time x peak of all channels); bursts that end behind the kernel count",
    ),
    Field("kernels.memory.latency.mean", "cycles", "memory.latency / memory.answers; null if nothing was answered"),
    Field("kernels.memory.latency.stages", "cycles", "memory.stage.* / memory.answers: what the mean is spent on"),
    Field("kernels.energy_j", "joules", "energy of the kernel by component; total = sum of the components"),
    Field("kernels.power_w", "watts", "energy / time: the mean power of the chip and its memory"),
    Field("kernels.estimate", "object", "of a sampled kernel: totals of the whole launch; null: all was simulated"),
    Field("kernels.estimate.cycles", "cycles", "those simulated + waves left out x mean cycles of a typical wave"),
    Field("kernels.estimate.low", "cycles", "lower 95 % bound; null: fewer than 4 waves were simulated"),
    Field("kernels.estimate.high", "cycles", "upper 95 % bound; neither covers what no simulated wave has shown"),
    Field("kernels.estimate.warp_instructions", "warp instructions", "of the whole launch, as the trace tells"),
    Field("kernels.estimate.thread_instructions", "thread instructions", "of the whole launch, as the trace tells"),
    Field("kernels.estimate.dram_read_bytes", "bytes", "those of the sample, scaled by warp instructions"),
    Field("kernels.estimate.dram_write_bytes", "bytes", "those of the sample, scaled by warp instructions"),
    Field("kernels.estimate.energy_j", "joules", "events of the sample, scaled; static power over the estimated time"),
    Field("kernels.hotspots", "list", "per instruction: issues, and what its next issue waited for (`--hot N`)"),
    Field("kernels.follow", "list", "what happened to the followed warp, cycle by cycle (`--follow`)"),
    Field("total.cycles", "cycles", "sum over kernels, in order"),
    Field("total.time_us", "microseconds", "sum over kernels, in order"),
    Field("total.warp_instructions", "warp instructions", "sum over kernels"),
    Field("total.energy_j", "joules", "sum of the kernels' totals"),
    Field("traces.hash", "SHA-256", "of the trace's content: equal for equal tables, whatever the file format"),
    Field("traces.source", "name", "how the trace was made: accel-sim, listing, tickwise, ..."),
    Field("total.estimate", "object", "sums if every sampled kernel's launch were whole; null: none was sampled"),
    Field("traces.sampled", "object", "what was left out of the trace; null: nothing"),
    Field("traces.sampled.kernels", "numbers", "places, from 1, of the kernels that were simulated"),
    Field("traces.sampled.launches", "list", "the sampled kernels (--cta-sample, --stop-when-stable), how and how far"),
    Field("traces.sampled.launches.ctas", "CTAs", "how many of the launch's `of_ctas` were simulated, whole waves"),
    Field("traces.sampled.launches.wave_ctas", "CTAs", "CTAs of a wave: as many as the chip holds at once"),
    Field("traces.sampled.launches.wave_cycles", "cycles", "from the end of each wave to that of the next"),
    Field(
        "traces.sampled.launches.wave_ipc",
        "warp instructions/cycle",
        "of each wave, at the launch's mean of instructions per CTA; the last wave is the drain",
    ),
    Field("traces.sampled.launches.typical_waves", "numbers", "first and last of the waves that the estimate rests on"),
    Field("arch.hash", "SHA-256", "of all resolved values in base units, overrides included"),
    Field("fudge", "reasons", "values of the configuration that stand for something not modelled, with the reason"),
    Field("simulation.import_s", "seconds", "loading the program's modules, without compile_s"),
    Field("simulation.compile_s", "seconds", "compiling the core, or loading compiled code from the cache"),
    Field("simulation.simulate_s", "seconds", "reading the traces and simulating them"),
    Field("simulation.wall_s", "seconds", "from the start of the command to the result"),
    Field("simulation.warp_instructions_per_s", "1/second", "warp instructions / simulate_s"),
    Field("simulation.peak_rss_mb", "MB", "largest resident memory of the process, 10^6 bytes"),
    Field("simulation.threads", "number", "threads that simulated"),
)
