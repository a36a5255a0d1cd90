"""Random kernels for the tests of traces, made through the listing form's own builder."""

from hypothesis import strategies as st

from sim.isa.instruction import parse_sass
from sim.isa.memory import MemorySpace, memory_space, reference_count
from sim.trace.addresses import NO_ADDRESS, Descriptor, describe, lanes_of
from sim.trace.builder import KernelBuilder
from sim.trace.model import KernelHeader, KernelTrace, StaticRow

SHARED_BASE, LOCAL_BASE = 0x7F00_0000_0000, 0x7F00_0200_0000
CODE = (
    "FADD R1, R2, R3",
    "LDG.E R4, [R2.64]",
    "LDG.E.U8 R4, [R2.64]",
    "LDG.E.128 R4, [R2.64]",
    "STG.E.64 [R2.64], R4",
    "STG.E.U8 [R2.64], R4",
    "STG.E.U16 [R2.64], R4",
    "STG.E [R2.64], R4",
    "STG.E.128 [R2.64], R4",
    "LDS R4, [R2]",
    "LDS.64 R4, [R2]",
    "STS.128 [R2], R4",
    "LDSM.16.M88.2 R4, [R2]",
    "ATOMS.ADD RZ, [R2], R4",
    "ATOMG.E.ADD PT, R4, [R2.64], R6",
    "RED.E.ADD.64.STRONG.GPU [R2.64], R4",
    "LDL.64 R4, [R2]",
    "STL.64 [R2], R4",
    "LD.E R4, [R2.64]",
    "ST.E.64 [R2.64], R4",
    "LDGSTS.E.128 [R2], [R4.64]",
)

masks = st.one_of(
    st.sampled_from([0xFFFFFFFF, 0x0000FFFF, 0x1, 0x80000000, 0]),
    st.integers(0, 0xFFFFFFFF),
)


@st.composite
def address_lists(draw: st.DrawFn, mask: int, low: int, high: int) -> list[int]:
    """One address per active lane: uniform, affine, in two segments, or at random."""
    lanes = lanes_of(mask)
    base = draw(st.integers(low, high - 4096))
    form = draw(st.sampled_from(["uniform", "affine", "segments", "random", "near"]))
    stride = draw(st.sampled_from([4, 8, 16, 1, 12, 128, -4]))
    if form == "uniform":
        return [base] * len(lanes)
    if form == "affine":
        return [max(low, base + 128 + stride * (lane - lanes[0])) for lane in lanes]
    if form == "segments":
        second = draw(st.integers(low, high - 4096))
        return [base + 128 + 4 * (lane - lanes[0]) if lane < 16 else second + 128 + 4 * (lane - 16) for lane in lanes]
    reach = high - low if form == "random" else 512
    return [min(high - 16, base + draw(st.integers(0, reach - 1))) for _ in lanes]


@st.composite
def kernels(draw: st.DrawFn, ctas: int = 2, repeats: int = 1) -> KernelTrace:
    """A small kernel: CTAs of up to two warps, random instructions, masks and addresses, all of it `repeats` times."""
    warps = draw(st.integers(1, 2))
    header = KernelHeader(
        name="random",
        grid=(ctas, 1, 1),
        block=(32 * warps, 1, 1),
        shared_base=SHARED_BASE,
        local_base=LOCAL_BASE,
        has_control_bits=False,
    )
    static = [StaticRow(16 * i, text, parse_sass(text), None) for i, text in enumerate(CODE)]
    builder = KernelBuilder()
    for warp in range(ctas * warps):
        if draw(st.integers(0, 9)) == 0:
            continue
        rows, active, found = [], [], list[Descriptor]()
        for _ in range(draw(st.integers(0, 6))):
            row, mask = draw(st.integers(0, len(CODE) - 1)), draw(masks)
            rows.append(row)
            active.append(mask)
            if not mask:
                continue
            for side in range(reference_count(static[row].instruction)):
                space = memory_space(static[row].instruction)
                low, high = 1 << 20, 1 << 40
                if space is MemorySpace.SHARED or side == 1:
                    low, high = SHARED_BASE, SHARED_BASE + 8192
                elif space is MemorySpace.LOCAL:
                    low, high = draw(st.sampled_from([(0, 8192), (LOCAL_BASE, LOCAL_BASE + 8192)]))
                elif space is MemorySpace.GENERIC:
                    low = draw(st.sampled_from([1 << 20, SHARED_BASE, LOCAL_BASE]))
                    high = low + (1 << 16)
                unknown = draw(st.integers(0, 19)) == 0
                found.append(NO_ADDRESS if unknown else describe(draw(address_lists(mask, low, high)), mask))
        builder.set_warp(warp, builder.add_path(rows * repeats, active * repeats), found * repeats)
    return builder.finish(header, static)
