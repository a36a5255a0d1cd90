"""Rules that tie keys together: values that are right one by one and cannot be true of one chip."""

from collections.abc import Callable, Iterator

from sim.arch.dram import load_dram
from sim.arch.dram_address import pieces_of
from sim.arch.schema import GpuConfig
from sim.arch.schema_dram import DramDevice
from sim.arch.schema_frontend import InstructionCacheL0, InstructionCacheL1
from sim.arch.schema_memory import L1D, ConstantCacheLevel
from sim.arch.units import SIZE
from sim.errors import ArchError

#: The key to correct, and what is wrong with it.
Finding = tuple[str, str]
#: Threads of a warp: part of the programming model, not of a chip.
_WARP = 32


def _occupancy(chip: GpuConfig) -> Iterator[Finding]:
    sm = chip.sm
    if sm.max_warps % sm.sub_cores:
        yield "sm.max_warps", f"{sm.max_warps} warps do not divide evenly among {sm.sub_cores} sub-cores"
    if sm.max_threads > sm.max_warps * _WARP:
        yield "sm.max_threads", f"{sm.max_threads} threads do not fit into {sm.max_warps} warps of {_WARP}"
    if sm.registers % (sm.sub_cores * _WARP):
        yield "sm.registers", f"{sm.registers} registers are no whole warp registers for {sm.sub_cores} sub-cores"
    if sm.register_allocation_unit % _WARP:
        yield "sm.register_allocation_unit", f"must be a multiple of {_WARP}: each lane gets the same registers"
    if not 0 < sm.issue.two_level_active <= sm.max_warps:
        yield "sm.issue.two_level_active", f"must not exceed sm.max_warps ({sm.max_warps})"


def _caches(chip: GpuConfig) -> Iterator[Finding]:
    sm = chip.sm
    caches: dict[str, InstructionCacheL0 | InstructionCacheL1 | ConstantCacheLevel | L1D] = {
        "sm.frontend.l0": sm.frontend.l0,
        "sm.frontend.l1": sm.frontend.l1,
        "sm.constant.l0": sm.constant.l0,
        "sm.constant.l1": sm.constant.l1,
        "sm.l1d": sm.l1d,
    }
    for key, cache in caches.items():
        if cache.line & (cache.line - 1):
            yield f"{key}.line", f"{SIZE.format(cache.line)} is no power of two"
        elif cache.size % (cache.line * cache.ways):
            set_size = SIZE.format(cache.line * cache.ways)
            yield f"{key}.size", f"{SIZE.format(cache.size)} is no multiple of line x ways ({set_size})"
    if sm.frontend.l0.line != sm.frontend.l1.line:
        yield "sm.frontend.l0.line", "must equal sm.frontend.l1.line: a line moves as a whole"
    if sm.l1d.line % sm.l1d.sector:
        yield "sm.l1d.sector", f"{SIZE.format(sm.l1d.sector)} does not divide the line ({SIZE.format(sm.l1d.line)})"


def _shared_memory(chip: GpuConfig) -> Iterator[Finding]:
    shared, array = chip.sm.shared_memory, chip.sm.l1d.size
    if shared.carve_outs != sorted(set(shared.carve_outs)):
        yield "sm.shared_memory.carve_outs", "must ascend, each size once"
    elif shared.carve_outs[-1] != shared.capacity:
        yield "sm.shared_memory.carve_outs", f"the largest must be the capacity ({SIZE.format(shared.capacity)})"
    if shared.capacity > array:
        yield "sm.shared_memory.capacity", f"does not fit into sm.l1d.size ({SIZE.format(array)}), which holds both"
    if shared.max_per_cta + shared.reserved_per_cta > shared.capacity:
        yield "sm.shared_memory.max_per_cta", "with reserved_per_cta it exceeds the capacity"
    if shared.banks & (shared.banks - 1):
        yield "sm.shared_memory.banks", f"{shared.banks} is no power of two"


def _pipeline(chip: GpuConfig) -> Iterator[Finding]:
    sm = chip.sm
    if sm.register_file.wide_read_window < sm.register_file.read_window:
        yield "sm.register_file.wide_read_window", "must not be shorter than read_window"
    for name in ("int", "fp32", "half", "branch", "uniform", "misc"):
        unit = getattr(sm.units, name)
        if unit.initiation > unit.latency:
            yield f"sm.units.{name}.initiation", f"exceeds the latency ({unit.latency} cycles) that contains it"
    if not -sm.memory.short_address_cycles < sm.memory.stage_offset:
        yield "sm.memory.stage_offset", "leaves less than one cycle for the first stage"
    if sm.memory.short_address_cycles > sm.memory.address_cycles:
        yield "sm.memory.short_address_cycles", "must not exceed address_cycles"


def _crossbar(chip: GpuConfig) -> Iterator[Finding]:
    near = min(chip.noc.request_latency, chip.noc.reply_latency)
    if chip.dispatch.cta_latency < near:
        yield (
            "dispatch.cta_latency",
            f"must be at least the shorter of noc.request_latency and noc.reply_latency ({near} cycles): the dispatcher"
            " is not nearer than a slice",
        )


def _l2(chip: GpuConfig) -> Iterator[Finding]:
    l2, line, channels = chip.l2, chip.sm.l1d.line, chip.dram.channels
    if l2.slices % channels:
        yield "l2.slices", f"{l2.slices} slices do not divide evenly among {channels} DRAM channels (dram.channels)"
    if l2.size % (l2.slices * line * l2.ways):
        step = SIZE.format(l2.slices * line * l2.ways)
        yield "l2.size", f"{SIZE.format(l2.size)} is no multiple of slices x line x ways ({step})"
    if l2.interleave % line:
        yield "l2.interleave", f"must be a multiple of sm.l1d.line ({SIZE.format(line)}): a line lies in one slice"
    if l2.partitions > l2.slices:
        yield "l2.partitions", f"{l2.partitions} partitions cannot share {l2.slices} slices"


def _dram(chip: GpuConfig) -> Iterator[Finding]:
    dram = chip.dram
    if dram.write_high > dram.write_queue:
        yield "dram.write_high", f"must not exceed dram.write_queue ({dram.write_queue})"
    if dram.write_low >= dram.write_high:
        yield "dram.write_low", f"must be less than dram.write_high ({dram.write_high})"
    try:
        device = load_dram(dram.kind).device
    except ArchError as error:
        yield "dram.kind", str(error)
        return
    yield from _device(chip, device)


def _device(chip: GpuConfig, device: DramDevice) -> Iterator[Finding]:
    """What the kind of DRAM asks of the chip."""
    dram, sector, line = chip.dram, chip.sm.l1d.sector, chip.sm.l1d.line
    try:
        pieces_of(dram.mapping.order, device)
    except ValueError as error:
        yield "dram.mapping.order", str(error)
    if device.atom % sector or line % device.atom:
        yield (
            "dram.kind",
            f"an access to {device.kind} brings {SIZE.format(device.atom)}: not whole sectors ({SIZE.format(sector)})"
            f" of one line ({SIZE.format(line)})",
        )
        return
    accesses = line // device.atom
    for key, entries in (("read_queue", dram.read_queue), ("write_queue", dram.write_queue)):
        if entries < accesses:
            yield f"dram.{key}", f"{entries} entries do not hold the {accesses} accesses of a line"
    if dram.refresh == "per_bank" and device.refresh.per_bank is None:
        yield "dram.refresh", f"{device.kind} has no refresh of single banks here; choose all_bank or none"


def _translation(chip: GpuConfig) -> Iterator[Finding]:
    translation, l1d = chip.translation, chip.sm.l1d
    if translation is None:
        return
    if translation.page < l1d.line:
        yield "translation.page", f"must hold a line of sm.l1d ({SIZE.format(l1d.line)})"
    if max(translation.table.entry) > l1d.sector:
        yield (
            "translation.table.entry",
            f"an entry must fit into a sector ({SIZE.format(l1d.sector)}): one read brings it",
        )
    sharers = 1
    for name in ("l1", "l2", "l3"):
        level = getattr(translation, name)
        if level.sharers % sharers:
            yield f"translation.{name}.sharers", f"must be a multiple of {sharers}: SMs that share a TLB share the next"
        sharers = level.sharers


def _names(chip: GpuConfig) -> Iterator[Finding]:
    expected = "sm_" + chip.compute_capability.replace(".", "")
    if chip.isa != expected:
        yield "isa", f"compute capability {chip.compute_capability} runs {expected}, not {chip.isa}"


RULES: tuple[Callable[[GpuConfig], Iterator[Finding]], ...] = (
    _names,
    _occupancy,
    _caches,
    _shared_memory,
    _pipeline,
    _crossbar,
    _l2,
    _dram,
    _translation,
)


def findings(chip: GpuConfig) -> list[Finding]:
    """Every broken rule."""
    return [finding for rule in RULES for finding in rule(chip)]
