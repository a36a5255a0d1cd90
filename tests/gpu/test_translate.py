"""Translation between SMs and slices: exact cycles, books that balance, and the same result however it runs."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.arch import Arch, load_arch
from sim.arch.schema_base import keys, part_of
from sim.arch.schema_tlb import Translation
from sim.errors import ArchError
from sim.gpu import simulate, state
from sim.gpu.counters import EVENT_COUNT, KernelCounters
from sim.gpu.memory_side import MemorySide, chip_config
from sim.gpu.translate import run_translation
from sim.gpu.translate_state import TranslationUnit
from sim.memory.cache import TRANSLATIONS
from sim.memory.misses import MISSES
from tests.gpu.conftest import SCARCE, Chip, OneSm, Run
from tests.gpu.test_laws import LIMIT, examples, facts, kernel_of, listings, run
from tests.memory.chips import BITS, ENTRY

#: Everything overflows: pages of 4 KiB, few entries, one walker that keeps few requests in mind.
TINY: dict[str, Any] = {
    "enabled": True,
    "page": "4 KiB",
    "l1": {"entries": 2, "ways": 2, "latency": "3 cycles", "sharers": 2},
    "l2": {"entries": 4, "ways": 2, "latency": "7 cycles", "sharers": 2},
    "l3": {"entries": 8, "ways": 2, "latency": "11 cycles", "sharers": 4},
    "table": {"smallest_page": "4 KiB", "bits": [9, 9, 9, 9], "entry": ["8 B"] * 4, "reserved": "16 MiB"},
    "walkers": {"count": 1, "pages": 2, "requests": 2},
    "walk_cache": {"entries": [1, 1, 2, 0], "ways": 2, "latency": "4 cycles", "miss_latency": "1 cycle"},
}
NO_CACHE = {"entries": [0, 0, 0, 0, 0]}
ABSENT = {"entries": 0}


def overridden(changes: dict[str, Any], base: dict[str, Any]) -> str:
    """The keys of a translation as an override; `changes` replace groups in part."""
    values = {key: {**base[key], **value} if isinstance(value, dict) else value for key, value in changes.items()}
    return json.dumps({**base, **values})


def tiny(chip: dict[str, str] | None = None, **changes: Any) -> Arch:
    """Three SMs, the last of which has TLBs of its own, before two channels with few of everything."""
    few = {
        "sm.count": "3", "sm.max_ctas": "2", "l2.slices": "4", "dram.channels": "2", "l2.size": "64 KiB",
        "sm.l1d.mshrs": "32", "noc.credits": "4", "l2.mshrs": "4",
    }  # fmt: skip
    return load_arch("rtx_a6000", {**few, **(chip or {}), "translation": overridden(changes, TINY)})


def nvidia(page: str = "64 KiB", **changes: Any) -> dict[str, str]:
    """NVIDIA's page table with one large TLB per SM and nothing else, as the override of a chip."""
    base = {
        **TINY,
        "page": page,
        "l1": {"entries": 64, "ways": 64, "latency": "3 cycles", "sharers": 1},
        "l2": {**TINY["l2"], **ABSENT},
        "l3": {**TINY["l3"], **ABSENT},
        "table": {"smallest_page": "64 KiB", "bits": BITS, "entry": ENTRY, "reserved": "64 MiB"},
        "walkers": {"count": 4, "pages": 16, "requests": 64},
        "walk_cache": {**TINY["walk_cache"], **NO_CACHE},
    }
    return {"translation": overridden(changes, base)}


GATHER = """
    .block 32 .grid 7
    [B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x100000 + 5120*lane + 99968*cta}
    [B0-----:R-:W1:-:S02] LDG.E R3, [R2.64] {0x800000 + 1056*lane + 1664*cta}
    [B-1----:R-:W-:-:S02] RED.E.ADD.STRONG.GPU [R2.64], R4 {0x2000 + 256*lane}
    [B------:R2:W-:-:S02] STG.E [R10.64], R8 {0x1100000 + 512*lane + 1024*cta}
    [B012---:R-:W-:-:S05] EXIT
"""  # fmt: skip


def loads(*addresses: int) -> str:
    """A warp that loads one word at each address, one load after the other."""
    lines = [f"[B0-----:R-:W0:-:S02] LDG.E.STRONG.GPU R2, [R4.64] {{{address}}}" for address in addresses]
    return "\n".join([*lines, "[B0-----:R-:W-:-:S05] FADD R8, R2, R2"])


def waits(run: Run) -> list[int]:
    """Cycles from each load to the next instruction, which waits for it."""
    issued = [*run.issues("LDG"), run.issued("FADD")]
    return [after - before for before, after in pairwise(issued)]


def read_cycles(sm: OneSm) -> int:
    """A read of a page-table entry that L2 has: as a load behind L1D, without the SM's ports."""
    config = sm.arch.config
    return config.noc.request_latency + config.l2.latency + config.noc.reply_latency + sm.reply_cycles() - 1


# --- exact cycles ----------------------------------------------------------------------------------------------------


def test_a_hit_adds_exactly_the_latencies_of_the_levels_that_were_asked(chip: Chip) -> None:
    """Two pages take turns in a first level of one entry; the levels behind it have both after their first walks."""
    one, two = 0x100000, 0x200000
    base = waits(chip().from_l2(loads(one, two, one, two)))
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 3),
        ({"l1": {"entries": 1, "ways": 1}, "l2": {"entries": 8}}, 3 + 7),
        ({"l1": ABSENT, "l2": {"entries": 8}}, 7),
        ({"l1": {"entries": 1, "ways": 1}, "l2": {"entries": 1, "ways": 1}, "l3": {"entries": 8}}, 3 + 7 + 11),
        ({"l1": ABSENT, "l3": {"entries": 8}}, 11),
    ]
    for changes, extra in cases:
        run = chip(overrides=nvidia(**changes)).from_l2(loads(one, two, one, two))
        assert waits(run) == [cycles + extra for cycles in base], changes
        assert run.counters.events["walker.walks"] == 0
        assert run.counters.events["memory.stage.translation"] == 4 * extra


@pytest.mark.parametrize(("page", "levels"), [("64 KiB", 5), ("2 MiB", 4)])
def test_a_walk_takes_its_reads_one_after_the_other(chip: Chip, page: str, levels: int) -> None:
    """Two pages take turns in the only TLB, which has one entry: each load walks, and L2 has all that a walk reads."""
    one, two = 0x100000, 0x800000
    base = waits(chip().from_l2(loads(one, two, one, two)))
    sm = chip(overrides=nvidia(page, l1={"entries": 1, "ways": 1}))
    run = sm.from_l2(loads(one, two, one, two))
    assert waits(run) == [cycles + 3 + levels * read_cycles(sm) for cycles in base]
    events = run.counters.events
    assert (events["walker.walks"], events["walker.reads"]) == (4, 4 * levels)
    assert events["walker.cycles"] == 4 * levels * read_cycles(sm)


def test_walk_caches_take_the_place_of_reads(chip: Chip) -> None:
    one, two = 0x100000, 0x110000
    base = waits(chip().from_l2(loads(one, two)))
    sm = chip(overrides=nvidia(l1={"entries": 1, "ways": 1}, walk_cache={"entries": [2, 2, 2, 2, 0]}))
    assert waits(sm.from_l2(loads(one, two))) == [cycles + 3 + 4 * 4 + read_cycles(sm) for cycles in base]


def test_a_second_walk_finds_the_page_table_in_l2(chip: Chip) -> None:
    """The entries of neighbouring pages lie in one sector; the first walk reads every level from DRAM."""
    sm = chip(overrides=nvidia())
    counters = sm.listing(loads(0x100000)).counters
    cold = counters.events["walker.cycles"]
    both = sm.listing(loads(0x100000, 0x110000)).counters.events["walker.cycles"]
    assert both - cold == 5 * read_cycles(sm)
    assert cold > 5 * (read_cycles(sm) + 100)


def test_entries_of_the_page_table_are_lines_of_translations() -> None:
    arch = tiny({"l2.size": "1 MiB"})
    memory = MemorySide(arch)
    events = run(kernel_of(GATHER), arch, memory=memory).events
    kinds = memory.lines["kind"][memory.lines["tag"] != 0]
    assert 0 < np.count_nonzero(kinds == TRANSLATIONS) <= events["walker.reads"]


def test_requests_of_one_page_share_a_walk(chip: Chip) -> None:
    """Within a first level they wait for its answer; two first levels meet at the walkers."""
    text = ".block 64 .grid 2\n[B------:R-:W0:-:S02] LDG.E R2, [R4.64] {0x100000 + 128*lane + 4096*warp + 8192*cta}\n"
    for sharers, walks in ((1, (1, 126, 1)), (2, (1, 127, 0))):
        overrides = nvidia(l1={"sharers": sharers}) | {"sm.count": "2", "sm.max_ctas": "1"}
        events = run(kernel_of(text), chip(overrides=overrides).arch).events
        assert (events["walker.walks"], events["translation.merged"], events["walker.merged"]) == walks
        assert events["translation.requests"] == 128 == events["tlb.l1.misses"]


def test_hits_pass_requests_that_wait_for_a_walk(chip: Chip) -> None:
    text = """
        .block 64
        .warp 0
        [B------:R-:W0:-:S02] LDG.E.STRONG.GPU R2, [R4.64] {0x100000}
        [B0-----:R-:W0:-:S02] LDG.E.STRONG.GPU R2, [R4.64] {0x900000}
        [B0-----:R-:W-:-:S05] FADD R8, R2, R2
        .warp 1
        [B------:R-:W0:-:S02] LDG.E.STRONG.GPU R2, [R4.64] {0x100000}
        [B0-----:R-:W0:-:S02] LDG.E.STRONG.GPU R2, [R4.64] {0x100040}
        [B0-----:R-:W-:-:S05] FMUL R8, R2, R2
    """  # fmt: skip
    run = chip(overrides=nvidia()).listing(text)
    assert run.issued("FMUL", warp=1) + 1000 < run.issued("FADD")


def test_larger_pages_walk_less_often_and_less_far() -> None:
    small, large = (
        run(kernel_of(GATHER), load_arch("rtx_a6000", {"sm.count": "2", **nvidia(page)})).events
        for page in ("64 KiB", "2 MiB")
    )
    assert small["walker.reads"] == 5 * small["walker.walks"]
    assert large["walker.reads"] == 4 * large["walker.walks"]
    assert large["walker.walks"] * 4 < small["walker.walks"]


# --- from kernel to kernel -------------------------------------------------------------------------------------------


def test_tlbs_keep_their_content_and_its_order_of_use_from_kernel_to_kernel(chip: Chip) -> None:
    """Two entries hold the first and the second page; a third one drives out the first, a fourth one the second."""
    pages = [0x100000 + (n << 16) for n in range(4)]
    sm = chip(overrides=nvidia(l1={"entries": 2, "ways": 2}))
    memory = MemorySide(sm.arch)
    run(kernel_of(loads(pages[0], pages[1])), sm.arch, memory=memory)
    events = run(kernel_of(loads(pages[2], pages[3], pages[2])), sm.arch, memory=memory).events
    assert (events["tlb.l1.misses"], events["tlb.l1.hits"]) == (2, 1)
    again = run(kernel_of(loads(pages[2], pages[3])), sm.arch, memory=memory).events
    assert (again["tlb.l1.misses"], again["walker.reads"], again["memory.stage.translation"]) == (0, 0, 2 * 3)


def test_tlbs_forget_with_l2(chip: Chip) -> None:
    arch = chip(overrides=nvidia() | {"l2.keep_between_kernels": "false"}).arch
    memory = MemorySide(arch)
    first, second = (facts(run(kernel_of(GATHER), arch, memory=memory)) for _ in range(2))
    assert first == second


# --- laws ------------------------------------------------------------------------------------------------------------


def check_books(arch: Arch, result: KernelCounters, memory: MemorySide) -> None:
    """Everybody was translated once, stages add up, and at the end everything is free again."""
    e = result.events
    assert sum(count for name, count in e.items() if name.startswith("memory.stage.")) == e["memory.latency"]
    config = arch.config.translation
    assert config is not None
    asked = e["translation.requests"]
    merged = e["translation.merged"]
    for name, level in (("l1", config.l1), ("l2", config.l2), ("l3", config.l3)):
        lookups = e[f"tlb.{name}.hits"] + e[f"tlb.{name}.misses"]
        assert lookups == (asked if level.entries else 0)
        if level.entries:
            asked = e[f"tlb.{name}.misses"] - merged
            merged = 0  # only the first level that the chip has lets requests wait for one another
    assert asked - merged == e["walker.walks"] + e["walker.merged"]
    assert e["walker.refused"] <= e["walker.walks"] + e["walker.merged"]
    assert e["walker.reads"] + e["walker.cached"] == len(config.table.bits) * e["walker.walks"]
    assert e["walker.queue_cycles"] <= e["walker.cycles"]
    assert e["translation.requests"] + e["walker.reads"] <= e["noc.requests"] <= e["noc.replies"]
    unit = memory.translation
    assert int(unit.unit[0]["events"]) == 0 and int(unit.unit[0]["head"]) == -1
    assert not any(array["taken"].any() for array in unit.arguments() if array.dtype == MISSES)


#: Chips without one level or without all, with and without walk caches, and with room for everybody.
SHAPES: list[dict[str, Any]] = [
    {},
    {"l1": ABSENT, "l3": ABSENT},
    {"l1": ABSENT, "l2": ABSENT, "l3": ABSENT, "walkers": {"count": 2}},
    {"l2": ABSENT, "walk_cache": {"entries": [0, 0, 0, 0]}, "walkers": {"pages": 1, "requests": 1}},
    {"l1": {"sharers": 1}, "walkers": {"count": 8, "pages": 512, "requests": 512}},
]


@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_books_balance_on_a_gather_and_nothing_stops_for_want_of_room(shape: int) -> None:
    arch = tiny({"sm.frontend.perfect": "true"}, **SHAPES[shape])
    memory = MemorySide(arch)
    result = run(kernel_of(GATHER), arch, memory=memory)
    check_books(arch, result, memory)
    e = result.events
    assert e["noc.requests"] == e["translation.requests"] + e["walker.reads"]
    assert e["walker.walks"] > 100
    assert (e["walker.refused"] > 0) == (shape < 4)
    assert e["memory.stage.translation"] > 0


@examples(20)
@given(listings(), st.sampled_from(SHAPES), st.sampled_from(({}, SCARCE)))
def test_random_listings_end_with_balanced_books(text: str, shape: dict[str, Any], scarce: dict[str, str]) -> None:
    arch = tiny({"sm.count": "2", **scarce}, **shape)
    memory = MemorySide(arch)
    check_books(arch, run(kernel_of(text), arch, memory=memory), memory)


def test_a_translation_that_costs_nothing_changes_only_its_own_counters() -> None:
    """Lookups of no latency in TLBs that hold every page after a first run."""
    free: dict[str, Any] = {name: {"entries": 4096, "ways": 16, "latency": "0 cycles"} for name in ("l1", "l2", "l3")}
    found = []
    for arch in (tiny(**free), tiny(enabled=False)):
        memory = MemorySide(arch)
        run(kernel_of(GATHER), arch, memory=memory)
        memory.lines["tag"] = 0  # an empty L2 again: the first runs have left different lines
        found.append(facts(run(kernel_of(GATHER), arch, memory=memory)))
    for result in found:
        result["events"] = {k: v for k, v in result["events"].items() if not k.startswith(("tlb", "translation"))}
    assert found[0] == found[1]


def test_switched_off_left_out_and_null_are_the_same() -> None:
    kernel = kernel_of(GATHER)
    same = {"sm.count": "3", "l2.latency": "88 cycles"}
    plain = load_arch("rtx_a6000", same)
    null = load_arch("rtx_a6000_tlb", {**same, "translation": "null"})
    off = load_arch("rtx_a6000_tlb", {**same, "translation.enabled": "false"})
    assert plain.hash == null.hash != off.hash
    expected = facts(run(kernel, plain))
    assert facts(run(kernel, null)) == facts(run(kernel, off)) == expected
    assert not any(count for name, count in expected["events"].items() if name.startswith(("tlb", "transl", "walker")))


# --- exactness -------------------------------------------------------------------------------------------------------

WAYS: list[dict[str, Any]] = [
    {"quantum": 1},
    {"quantum": 2},
    {"quantum": 7},
    {"skip_idle": False},
    {"threads": 2},
    {"threads": 2, "quantum": 13},
]


@pytest.mark.parametrize("shape", [0, 2, 4])
def test_every_counter_is_the_same_for_any_quantum_any_threads_and_without_skipping(
    shape: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "INSTRUCTIONS_PER_THREAD", 0)  # threads share even a quantum of one instruction
    spread = {"noc.slice_spread": "9 cycles", "noc.sm_spread": "5 cycles", "l2.clock": "1.1 GHz"}
    kernel, arch = kernel_of(GATHER), tiny(spread, **SHAPES[shape])
    expected = facts(run(kernel, arch))
    for way in WAYS:
        assert facts(run(kernel, arch, **way)) == expected, way


@examples(12)
@given(listings(), st.sampled_from(SHAPES))
def test_random_listings_do_not_depend_on_how_they_are_run(text: str, shape: dict[str, Any]) -> None:
    kernel, arch = kernel_of(text), tiny(**shape)
    expected = facts(run(kernel, arch))
    ways: list[dict[str, Any]] = [{"quantum": 1}, {"quantum": 7, "skip_idle": False}, {"threads": 2}]
    for way in ways:
        assert facts(run(kernel, arch, **way)) == expected, way


class Alone:
    """The translation of four SMs without SMs and slices: requests go in, an L2 of some latency answers the walks."""

    def __init__(self, arch: Arch) -> None:
        self.config, _ = chip_config(arch, arch.config.sm.l1d.size)
        room = int(self.config[0]["outbox"])
        self.sms, self.parts = np.zeros(4, state.SM), np.zeros(1, state.PARTITION)
        self.outbox, self.emitted = np.zeros(4 * room, state.MESSAGE), np.zeros(64, state.REPLY)
        self.room = room
        self.unit = TranslationUnit(arch.config.translation, 4, room, 1 << 61)
        self.unit.restart()

    def run(self, requests: list[tuple[int, int, int]], quantum: int) -> list[tuple[int, int, int]]:
        """(cycle, SM, page) by cycle -> (SM, number of the request within the SM, cycle in which it left)."""
        waiting, left = list(requests), []
        reads: list[tuple[int, int]] = []
        numbers = [0] * 4
        events = np.zeros(EVENT_COUNT, np.int64)
        start, following = 0, 0
        while waiting or reads or following < state.NEVER:
            stop = start + quantum
            while waiting and waiting[0][0] < stop:
                time, s, page = waiting.pop(0)
                place = s * self.room + int(self.sms[s]["sent"])
                kind = (state.K_LOAD, state.K_STORE, state.K_ATOMIC)[page % 3]
                message = {"time": time, "line": page << 5, "sm": s, "sequence": numbers[s], "kind": kind}
                for name, value in message.items():
                    self.outbox[place][name] = value
                self.sms[s]["sent"] += 1
                numbers[s] += 1
            self.parts["emitted"] = 0
            for time, walk in [read for read in reads if read[0] < stop]:
                reads.remove((time, walk))
                reply = self.emitted[int(self.parts[0]["emitted"])]
                reply["time"], reply["owner"], reply["kind"] = time, walk, state.K_WALK
                self.parts["emitted"] += 1
            following = run_translation(
                self.config, self.sms, self.outbox, self.parts, self.emitted, *self.unit.arguments(), events, stop
            )
            for s in range(4):
                for message in self.outbox[s * self.room : s * self.room + int(self.sms[s]["sent"])]:
                    if int(message["kind"]) == state.K_WALK:
                        answered = int(message["time"]) + 64 + 90 + int(message["line"]) % 7
                        reads.append((answered, int(message["owner"])))
                    else:
                        left.append((s, int(message["sequence"]), int(message["time"]) + int(message["translated"])))
                self.sms[s]["sent"] = 0
            start = stop
        return sorted(left)


@examples(30)
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=120),
    st.sampled_from(SHAPES),
)
def test_requests_leave_once_and_those_of_an_sm_and_a_page_in_their_order(
    requests: list[tuple[int, int, int]], shape: dict[str, Any]
) -> None:
    requests = sorted(requests)
    arch = tiny({"sm.count": "4"}, **shape)
    left = Alone(arch).run(requests, 64)
    for s in range(4):
        sent = [(time, page) for time, sm, page in requests if sm == s]
        out = [cycle for sm, _, cycle in left if sm == s]
        assert [number for sm, number, _ in left if sm == s] == list(range(len(sent)))
        for page in range(10):
            times = [out[n] for n in range(len(sent)) if sent[n][1] == page]
            assert times == sorted(times)
        assert all(cycle >= time for cycle, (time, _) in zip(out, sent, strict=True))
    for quantum in (1, 17):
        assert Alone(arch).run(requests, quantum) == left


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"page": "64 B"}, r"translation\.page: must hold a line of sm\.l1d \(128 B\)"),
        ({"page": "8 KiB"}, r"translation\.page: no level of the page table maps 8192 B"),
        ({"table": {"entry": ["8 B"] * 3 + ["64 B"]}}, r"translation\.table\.entry: an entry must fit into a sector"),
        ({"table": {"entry": ["8 B"]}}, r"translation\.table\.entry: 1 sizes for 4 levels"),
        ({"l2": {"sharers": 3}}, r"translation\.l2\.sharers: must be a multiple of 2"),
        ({"l2": {"entries": 5}}, r"translation\.l2: 5 entries are no whole sets of 2 ways"),
        ({"l1": {"entries": 1 << 21, "ways": 1}}, r"translation\.l1\.entries = 2097152: .* takes 0 to 1048576"),
        ({"l1": {"entry": 4}}, r"translation\.l1\.entry: no such key; did you mean translation\.l1\.entries\?"),
        ({"walkers": {"count": 0}}, r"translation\.walkers\.count: must be at least 1, not '0'"),
        ({"walkers": 4}, r"translation\.walkers: needs a group of keys, not '4'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_with_its_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchError, match=message) as caught:
        MemorySide(tiny(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["5", "[]", "page"])
def test_a_translation_is_a_group_of_keys(text: str) -> None:
    with pytest.raises(ArchError, match=r"--set translation=.*: translation: needs a group of keys"):
        load_arch("rtx_a6000", {"translation": text})


def test_single_keys_of_a_translation_can_be_set() -> None:
    arch = load_arch("rtx_a6000_tlb", {"translation.l1.entries": "32", "translation.page": "64 KiB"})
    assert arch.config.translation is not None
    assert (arch.config.translation.l1.entries, arch.config.translation.page) == (32, 65536)
    assert arch.source_of("translation.l1.entries").startswith("set by")
    assert MemorySide(arch).translation.unit[0]["shift"] == 16
    assert "translation" not in load_arch("rtx_a6000").values


def translation_keys() -> list[str]:
    return [key for key, field in keys(Translation, "translation.") if part_of(field) is None]


@pytest.mark.parametrize("key", translation_keys())
def test_no_key_of_the_translation_is_dead(key: str) -> None:
    """Changing a key changes the records that the compiled code works on."""
    other = {
        "enabled": "false", "page": "64 KiB", "l1.entries": "32", "l2.entries": "512", "l3.entries": "512",
        "l1.latency": "5 cycles", "l2.latency": "5 cycles", "l3.latency": "5 cycles", "l3.sharers": "12",
        "table.smallest_page": "2 MiB", "table.bits": "[3, 9, 9, 8, 5]", "table.entry": "[8 B, 8 B, 8 B, 8 B, 8 B]",
        "table.reserved": "32 MiB", "walk_cache.entries": "[4, 16, 64, 32, 0]", "walk_cache.ways": "2",
        "walk_cache.latency": "5 cycles", "walk_cache.miss_latency": "5 cycles",
    }.get(key.removeprefix("translation."), "4")  # fmt: skip
    before, after = (
        [(len(array), array.tobytes()) for array in MemorySide(arch).translation.arguments()]
        for arch in (load_arch("rtx_a6000_tlb"), load_arch("rtx_a6000_tlb", {key: other}))
    )
    assert before != after


def test_a_kernel_that_ends_while_stores_wait_for_walks_lets_them_end() -> None:
    arch = tiny()
    memory = MemorySide(arch)
    text = ".block 64 .grid 4\n[B------:R-:W-:-:S01] STG.E [R10.64], R8 {0x100000 + 8192*lane + 4096*warp + 262144*cta}"
    result = simulate.simulate_kernel(kernel_of(text), arch, memory=memory, max_cycles=LIMIT)
    check_books(arch, result, memory)
    assert result.events["translation.requests"] == result.events["l2.sector_writes"] == 4 * 64
