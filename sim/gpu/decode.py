"""Static instructions as the core sees them: one record per row of a kernel's static table.

Everything that depends on the instruction and the chip alone is worked out here, once, in plain Python: the unit, its
latency and initiation (§6), what each operand reads (§5), the memory pipeline's stage sums (§7.3), the control word
with the special cases of stall and yield resolved (§1.3-1.4). What an opcode means comes from `sim.isa`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim.arch import Arch
from sim.errors import TraceError
from sim.gpu.counters import INSTRUCTION_CLASSES, LONG_SCOREBOARD, SHORT_SCOREBOARD, SLEEPING, WAIT, YIELD
from sim.gpu.state import MAX_SLOTS
from sim.gpu.tensor import tensor_timing
from sim.isa.instruction import Instruction, address_registers
from sim.isa.memory import MemorySpace, access_bytes, memory_space
from sim.isa.opcodes import OpClass, classify
from sim.isa.operand import TRUE_PREDICATE, ZERO_REGISTER, Operand, OperandKind
from sim.trace.model import StaticRow

# Units with an input latch. FIXED units take their operands through Allocate, the others through a queue.
UNIT_NAMES = (
    "int", "fp32", "uniform", "branch", "misc", "tensor", "fp64", "sfu", "fp64_shared", "misc_queue", "texture",
    "memory",
)  # fmt: skip
(
    U_INT,
    U_FP32,
    U_UNIFORM,
    U_BRANCH,
    U_MISC,
    U_TENSOR,
    U_FP64,
    U_SFU,
    U_FP64_SHARED,
    U_MISC_QUEUE,
    U_TEXTURE,
    U_MEMORY,
) = range(len(UNIT_NAMES))
FIRST_QUEUED = U_SFU  # units from here to U_TEXTURE have a queue of their own and variable latency

# What a memory-unit instruction does once it has left the sub-core.
(
    M_NONE,
    M_LOAD,
    M_STORE,
    M_SHARED_LOAD,
    M_SHARED_STORE,
    M_COPY,  # LDGSTS: global to shared
    M_COPY_FENCE,  # LDGDEPBAR
    M_CONSTANT,  # LDC
    M_MISC,  # SHFL, S2R, MATCH, ...: fixed way through the unit
    M_ATOMIC,  # global atomic that returns a value
    M_REDUCTION,  # global atomic that does not
    M_SHARED_ATOMIC,
) = range(12)

# Control-flow role.
R_NONE, R_BARRIER, R_BARRIER_ARRIVE, R_MEMBAR, R_DEPBAR, R_CLOCK = range(6)

MAX_RANGES = 10
ROW = np.dtype(
    [
        # What the scheduler reads stands first, in one cache line.
        ("pc", np.int32),
        ("constant", np.int32),  # address of the constant operand (bank << 24 | offset), -1 = none
        ("unit", np.int8),
        ("tracked", np.int8),  # variable latency, or fixed with a dependence counter: something waits for its end
        ("on_int", np.int8),  # may run on the INT pipe (§6, GA10x and GB20x)
        ("category", np.int8),  # index into INSTRUCTION_CLASSES
        ("role", np.int8),
        ("stall_reason", np.int8),
        ("raise_write", np.int8),  # dependence counters (§1), -1 = none
        ("raise_read", np.int8),
        ("wait_mask", np.int8),
        ("depbar", np.int8),  # counter of DEPBAR.LE, -1 = none
        ("depbar_limit", np.int8),
        ("depbar_mask", np.int8),
        ("throttle_lg", np.int8),  # full queue counts as lg_throttle
        ("slots", np.int8),  # regular-register operands (§5)
        ("caches", np.int8),  # its class may use the RF cache
        ("target_width", np.int8),
        ("target", np.int16),  # first destination register, -1 = none
        ("stall", np.int16),  # cycles to the warp's next issue
        ("latency", np.int16),  # fixed: issue distance of a dependent; queued: issue to consumer, unqueued
        ("initiation", np.int16),  # cycles that the input latch is taken
        ("window", np.int16),  # read window: 3, or 6 with four registers in an operand
        ("port_cycles", np.int16),  # issue-port occupancy
        ("source", np.int16, (MAX_SLOTS,)),  # first register of each operand slot, -1 = none
        ("width", np.int8, (MAX_SLOTS,)),
        ("reuse", np.int8, (MAX_SLOTS,)),
        # Memory (§7)
        ("memory", np.int8),
        ("late_read", np.int8),  # its sources are free only when its result is there (indexed LDC, Table 2)
        ("bypass", np.int8),  # goes to L2 past L1D (STRONG.GPU and wider, atomics; §7.3)
        ("producer", np.int8),  # reason of those who wait for its result
        ("barrier", np.int8),
        ("invalidates", np.int8),  # empties L1D (memory barriers of device or system scope, §6)
        ("war", np.int32),  # issue -> leaves the sub-core's unit (the WAR latency of Table 2)
        ("address_cycles", np.int32),
        ("after", np.int32),  # leaves the unit -> takes the register link (hit, no conflict)
        ("link", np.int32),  # cycles on the register link
        ("beats", np.int8),  # words of a lane: cycles that shared memory takes without a conflict
        ("release", np.int32),  # LDGSTS: leaves the unit -> its counter falls (hit)
        ("fixed_delay", np.int32),  # membar: cycles; barrier: warps expected (0 = all)
        # Scoreboard: ranges of the 332 entries (§9.4)
        ("read_first", np.int16, (MAX_RANGES,)),
        ("read_count", np.int8, (MAX_RANGES,)),
        ("reads", np.int8),
        ("write_first", np.int16, (MAX_RANGES,)),
        ("write_count", np.int8, (MAX_RANGES,)),
        ("writes", np.int8),
    ],
    align=True,
)

_CATEGORY = {name: i for i, name in enumerate(INSTRUCTION_CLASSES)}
_FIXED = {
    OpClass.INT: (U_INT, "int"),
    OpClass.FP32: (U_FP32, "fp32"),
    OpClass.HALF: (U_FP32, "half"),  # FP16 runs on the FP32 pipe (§6)
    OpClass.UNIFORM: (U_UNIFORM, "uniform"),
    OpClass.BRANCH: (U_BRANCH, "branch"),
    OpClass.CALL: (U_BRANCH, "branch"),
    OpClass.RET: (U_BRANCH, "branch"),
    OpClass.EXIT: (U_BRANCH, "branch"),
    OpClass.PREDICATE: (U_INT, "int"),
    OpClass.MISC: (U_MISC, "misc"),
    OpClass.DEPBAR: (U_MISC, "misc"),
    OpClass.BARRIER: (U_MISC, "misc"),
    OpClass.MEMBAR: (U_MISC, "misc"),
}
#: Classes whose operands may come from the register-file cache (§5).
_CACHED = {OpClass.INT, OpClass.FP32, OpClass.FP64, OpClass.HALF, OpClass.TENSOR, OpClass.PREDICATE}
_MEMORY = {
    OpClass.LOAD, OpClass.STORE, OpClass.ATOMIC, OpClass.MEMORY_MISC, OpClass.LDGDEPBAR, OpClass.SURFACE,
}  # fmt: skip


def decode(
    rows: Sequence[StaticRow], arch: Arch, *, unknown_op: str = "warn", path: str = "trace"
) -> tuple[npt.NDArray[np.void], list[str]]:
    """The `ROW` table of a kernel on a chip, and one warning per unknown opcode.

    Raises TraceError if an opcode is unknown and `unknown_op` is "error".
    """
    table = np.zeros(len(rows), ROW)
    warnings: list[str] = []
    unknown: dict[str, int] = {}
    for row, static in zip(table, rows, strict=True):
        kind = classify(static.instruction.opcode, arch.config.isa)
        if kind is None:
            opcode = static.instruction.opcode
            if unknown_op == "error":
                raise TraceError(
                    f"{path}: pc {static.pc:#06x}: {opcode}: no such opcode on {arch.config.isa}; simulate it as INT"
                    " with --unknown-op warn, or choose the architecture of the recording"
                )
            unknown[opcode] = unknown.get(opcode, 0) + 1
            kind = OpClass.INT
        _decode_row(row, static, kind, arch)
    for opcode, count in sorted(unknown.items()):
        warnings.append(f"unknown opcode {opcode} ({count} static instructions) simulated as class INT")
    return table, warnings


def _decode_row(row: np.void, static: StaticRow, kind: OpClass, arch: Arch) -> None:
    instruction = static.instruction
    row["pc"] = static.pc
    row["port_cycles"] = arch.config.sm.issue.port_cycles.get(instruction.opcode, 1)
    row["constant"] = -1
    row["target"] = -1
    row["barrier"] = -1
    row["source"] = -1
    row["depbar"] = -1
    _control(row, static, arch)
    _unit(row, instruction, kind, arch)
    _registers(row, instruction, kind, arch)
    _role(row, instruction, kind, arch)
    _ranges(row, instruction)
    row["tracked"] = int(row["unit"]) >= FIRST_QUEUED or int(row["raise_read"]) >= 0 or int(row["raise_write"]) >= 0
    if int(row["unit"]) == U_MEMORY:
        _memory(row, instruction, kind, arch)


def _control(row: np.void, static: StaticRow, arch: Arch) -> None:
    """Resolve stall and yield (§1.3-1.4) to one distance and the reason that a waiting warp shows."""
    issue = arch.config.sm.issue
    row["stall"], row["stall_reason"] = 1, WAIT
    row["raise_write"] = row["raise_read"] = -1
    word = static.control
    if word is None:
        return
    if word.stall == 0 and word.yield_requested:
        row["stall"], row["stall_reason"] = issue.stall_zero_yield, SLEEPING
    elif word.stall > issue.long_stall_limit and not word.yield_requested:
        row["stall"] = issue.long_stall_cycles
    else:
        row["stall"] = max(word.stall, 2 if word.yield_requested else 1)
        if word.yield_requested and word.stall < 2:
            row["stall_reason"] = YIELD
    row["wait_mask"] = word.wait_mask
    if word.write_barrier < 6:
        row["raise_write"] = word.write_barrier
    if word.read_barrier < 6:
        row["raise_read"] = word.read_barrier


def _unit(row: np.void, instruction: Instruction, kind: OpClass, arch: Arch) -> None:
    """Unit, latency and initiation by class (§6)."""
    units = arch.config.sm.units
    row["producer"] = SHORT_SCOREBOARD
    if kind in _MEMORY:
        row["unit"], row["category"] = U_MEMORY, _CATEGORY["memory"]
        return
    if kind is OpClass.TENSOR:
        row["unit"], row["category"] = U_TENSOR, _CATEGORY["tensor"]
        row["latency"], row["initiation"] = tensor_timing(instruction, units.tensor)
    elif kind is OpClass.FP64:
        row["unit"] = U_FP64_SHARED if units.fp64.shared else U_FP64
        row["category"] = _CATEGORY["fp64"]
        row["latency"], row["initiation"] = units.fp64.latency, units.fp64.initiation
        if units.fp64.shared:
            row["latency"] = units.fp64.latency + units.fp64.transfer
    elif kind is OpClass.SFU:
        row["unit"], row["category"] = U_SFU, _CATEGORY["sfu"]
        row["latency"], row["initiation"] = units.sfu.latency, units.sfu.initiation
    elif kind is OpClass.MISC_QUEUE:
        row["unit"], row["category"] = U_MISC_QUEUE, _CATEGORY["misc"]
        row["latency"], row["initiation"] = units.misc_queue.latency, units.misc_queue.initiation
    elif kind is OpClass.TEXTURE:
        row["unit"], row["category"] = U_TEXTURE, _CATEGORY["memory"]
        row["latency"], row["initiation"] = units.texture.latency, units.texture.initiation
        row["producer"] = LONG_SCOREBOARD
    else:
        unit, name = _FIXED[kind]
        timing = getattr(units, name)
        row["unit"], row["category"] = unit, _CATEGORY[name]
        row["latency"], row["initiation"] = timing.latency, timing.initiation
        if kind is OpClass.FP32 and instruction.opcode != "IMAD":
            row["on_int"] = units.fp32.also_on_int
        if kind is OpClass.HALF:
            row["on_int"] = units.half.also_on_int
        # A carry beside a register result is as quick as the result; a comparison's predicate takes longer (§6).
        kinds = {o.kind for o in instruction.destinations if o.index not in (TRUE_PREDICATE, ZERO_REGISTER)}
        if kinds == {OperandKind.PREDICATE}:
            row["latency"] = max(int(row["latency"]), units.predicate.latency)


def _registers(row: np.void, instruction: Instruction, kind: OpClass, arch: Arch) -> None:
    """Regular-register sources by slot, the destination, and a constant operand of a fixed-latency instruction."""
    row["caches"] = kind in _CACHED
    slotted = [(o.slot, o) for o in instruction.source_slots if 0 <= o.slot < MAX_SLOTS]
    taken = {slot for slot, _ in slotted}
    free = (slot for slot in range(MAX_SLOTS) if slot not in taken)
    for operand in instruction.operands:
        if operand.kind in (OperandKind.ADDRESS, OperandKind.CONSTANT):
            registers = [o for o in address_registers(operand) if o.kind is OperandKind.REGISTER]
            slotted += [(slot, o) for o, slot in zip(registers, free, strict=False)]
    widest = 1
    for slot, operand in slotted:
        if operand.index == ZERO_REGISTER:
            continue
        row["source"][slot] = operand.index
        row["width"][slot] = operand.width
        row["reuse"][slot] = operand.reuse
        row["slots"] = max(int(row["slots"]), slot + 1)
        widest = max(widest, operand.width)
    file = arch.config.sm.register_file
    row["window"] = file.wide_read_window if widest >= 4 and kind is OpClass.TENSOR else file.read_window
    for operand in instruction.destinations:
        if operand.kind is OperandKind.REGISTER and operand.index != 255:
            row["target"], row["target_width"] = operand.index, operand.width
            break
    for operand in instruction.operands:
        if operand.kind is OperandKind.CONSTANT:
            row["constant"] = operand.bank << 24 | max(operand.offset, 0)
            break


def _role(row: np.void, instruction: Instruction, kind: OpClass, arch: Arch) -> None:
    """What an instruction does to the order of its warp: barriers, fences, DEPBAR, the clock."""
    modifiers = instruction.modifiers
    if kind is OpClass.BARRIER and instruction.opcode == "BAR":
        arrive = "ARV" in modifiers
        row["role"] = R_BARRIER_ARRIVE if arrive else R_BARRIER
        numbers = [o.offset for o in instruction.operands if o.kind is OperandKind.IMMEDIATE]
        row["barrier"] = numbers[0] & 15 if numbers else 0
        row["fixed_delay"] = (numbers[1] + 31) // 32 if len(numbers) > 1 else 0
    elif kind is OpClass.MEMBAR:
        fence = arch.config.sm.membar
        scope = "sys" if "SYS" in modifiers else "cta" if "CTA" in modifiers or "SM" in modifiers else "gpu"
        row["role"], row["fixed_delay"] = R_MEMBAR, getattr(fence, scope)
        row["invalidates"] = scope != "cta"
    elif kind is OpClass.DEPBAR:
        row["role"] = R_DEPBAR
        counters = [o.index for o in instruction.operands if o.kind is OperandKind.DEPENDENCE_COUNTER]
        limits = [o.offset for o in instruction.operands if o.kind is OperandKind.IMMEDIATE]
        if int(row["stall"]) < 2:  # with S01 it does not wait at all (§1.3)
            return
        if counters:
            row["depbar"], row["depbar_limit"] = counters[0], min(limits[0], 63) if limits else 0
        others = set(counters[1:])
        for operand in instruction.operands:
            if operand.kind is OperandKind.SET:
                others |= {bit for bit in range(6) if operand.index >> bit & 1}
        row["depbar_mask"] = sum(1 << bit for bit in others)
    elif instruction.opcode == "CS2R" and any("CLOCK" in o.text for o in instruction.operands if o.text):
        row["role"] = R_CLOCK


def _memory(row: np.void, instruction: Instruction, kind: OpClass, arch: Arch) -> None:
    """Stage sums of the memory pipeline (§7.3): issue to leaving the unit, and from there to the register link."""
    sm = arch.config.sm
    memory = sm.memory
    space = memory_space(instruction)
    shared = space is MemorySpace.SHARED
    uniform = _uniform_address(instruction)
    width = max(1, access_bytes(instruction) // 4)
    if instruction.opcode == "LDSM":
        width = int(row["target_width"])
    row["beats"] = width
    beat = memory.address_cycles
    std = memory.short_address_cycles if shared or uniform else beat
    front = std + memory.stage_offset
    row["memory"] = M_MISC
    row["address_cycles"] = std
    row["throttle_lg"] = space in (MemorySpace.GLOBAL, MemorySpace.LOCAL, MemorySpace.GENERIC)
    if row["throttle_lg"]:
        row["producer"] = LONG_SCOREBOARD
    # Registers cross the link at 64 B a cycle from L1D, 128 B (32-bit accesses: 64 B) from shared memory.
    bytes_per_warp = 128 * width
    row["link"] = max(1, bytes_per_warp // sm.register_file.link)
    if kind is OpClass.STORE and not shared:
        s0 = std if uniform else std // 2
        s1 = 2 if uniform else 0
        s5 = 2 * width + (0 if uniform else 4)
        row["war"] = 1 + s0 + s1 + 1 + s5 - 3 + (std - 2) + 5
        row["memory"] = M_STORE
    elif kind is OpClass.STORE:
        s5 = 2 * width + (0 if uniform else 2)
        row["war"] = 1 + front + 1 + 1 + s5 - 2 + 5
        row["memory"] = M_SHARED_STORE
    elif kind is OpClass.MEMORY_MISC or kind is OpClass.SURFACE:
        row["war"] = memory.short_address_cycles + 7
        row["address_cycles"] = memory.short_address_cycles
        total = sm.s2r.latency if instruction.opcode == "S2R" else sm.shuffle.latency
        row["link"] = 1
        row["after"] = max(1, total - int(row["war"]) - 1)
    elif kind is OpClass.LDGDEPBAR:
        row["memory"], row["war"], row["address_cycles"], row["producer"] = M_COPY_FENCE, 5, 1, LONG_SCOREBOARD
    elif space is MemorySpace.CONSTANT:
        row["memory"], row["producer"] = M_CONSTANT, LONG_SCOREBOARD
        immediate = int(row["constant"]) >= 0 and not any(
            o.kind is OperandKind.CONSTANT and o.base not in (-1, 255) for o in instruction.operands
        )
        row["late_read"] = sm.constant.indexed_reads_late and not immediate
        stages = 6 if immediate else front + std + 1
        row["war"] = 10 if immediate else front + 7
        row["address_cycles"] = 1 if immediate else std
        row["link"] = 1
        row["after"] = stages + sm.constant.latency + memory.load_to_use_overhead - int(row["war"])
    else:
        s4, s5 = std, 1
        row["war"] = front + 7
        if shared:
            row["memory"] = M_SHARED_LOAD
            row["war"] = int(row["war"]) + memory.shared_load_war_offset
            row["link"] = max(2, bytes_per_warp // sm.shared_memory.bandwidth)
            array = sm.shared_memory.latency + (0 if uniform else sm.shared_memory.regular_address_extra)
            if instruction.opcode == "LDSM":
                array += sm.shared_memory.ldsm_extra_per_pair * (width // 2)
            row["after"] = front + s4 + s5 + array + memory.shared_overhead - int(row["war"])
        else:
            row["memory"] = M_LOAD
            s5 += 1 if uniform else 0
            row["after"] = front + s4 + s5 + sm.l1d.hit_latency + memory.load_to_use_overhead - int(row["war"])
        if instruction.opcode == "LDGSTS":
            row["memory"] = M_COPY
            row["war"] = int(row["war"]) + 2
            row["release"] = memory.ldgsts_release - int(row["war"])
        if kind is OpClass.ATOMIC:
            returns = int(row["target"]) >= 0
            if shared:
                row["memory"] = M_SHARED_ATOMIC
                row["after"] = int(row["after"]) + sm.atomic.shared_latency
            else:
                row["memory"] = M_ATOMIC if returns else M_REDUCTION
    strong = "STRONG" in instruction.modifiers and not {"SM", "CTA"} & set(instruction.modifiers)
    row["bypass"] = strong or int(row["memory"]) in (M_ATOMIC, M_REDUCTION)


def _uniform_address(instruction: Instruction) -> bool:
    """True if the address comes from a uniform register or an immediate alone (§7.2)."""
    for operand in instruction.operands:
        if operand.kind is OperandKind.ADDRESS:
            return operand.base in (-1, 255)
    return False


def _entries(operand: Operand) -> list[tuple[int, int]]:
    """Scoreboard entries of an operand: registers 0-254, uniform 255-317, predicates 318-324, uniform 325-331."""
    kind = operand.kind
    ranges: list[tuple[int, int]] = []
    if kind is OperandKind.REGISTER and operand.index < 255:
        ranges.append((operand.index, min(operand.width, 255 - operand.index)))
    elif kind is OperandKind.UNIFORM_REGISTER and operand.index < 63:
        ranges.append((255 + operand.index, min(operand.width, 63 - operand.index)))
    elif kind is OperandKind.PREDICATE and operand.index < 7:
        ranges.append((318 + operand.index, 1))
    elif kind is OperandKind.UNIFORM_PREDICATE and operand.index < 7:
        ranges.append((325 + operand.index, 1))
    elif kind is OperandKind.DESCRIPTOR and 0 <= operand.index < 63:
        ranges.append((255 + operand.index, min(2, 63 - operand.index)))
    if operand.base not in (-1, 255):
        ranges.append((operand.base, min(max(operand.base_width, 1), 255 - operand.base)))
    if operand.uniform_base not in (-1, 63, 255):
        ranges.append((255 + operand.uniform_base, 1))
    return ranges


def _ranges(row: np.void, instruction: Instruction) -> None:
    reads = [r for o in instruction.sources for r in _entries(o)]
    guard = instruction.guard
    if guard is not None and guard.index < 7:
        reads.append(((325 if guard.uniform else 318) + guard.index, 1))
    writes = [r for o in instruction.destinations for r in _entries(o)]
    for name, found in (("read", reads), ("write", writes)):
        distinct = list(dict.fromkeys(found))[:MAX_RANGES]
        for i, (first, count) in enumerate(distinct):
            row[f"{name}_first"][i], row[f"{name}_count"][i] = first, count
        row[f"{name}s"] = len(distinct)
