"""Every value has a source, and no source says more than it knows."""

import pytest

from sim.arch import InvalidConfiguration, load_arch
from sim.errors import ArchError

from .conftest import MEMORY, Write

HEAD = "extends: rtx_a6000\nname: Mine\n"


def test_the_nearest_source_counts(write: Write) -> None:
    text = HEAD + "sm: {l1d: {mshrs: 4, ways: 32}, max_ctas: 8}\nsources: {sm: far, sm.l1d: near, sm.l1d.ways: own}\n"
    arch = load_arch(write(text))
    assert arch.source_of("sm.l1d.ways") == "own"
    assert arch.source_of("sm.l1d.mshrs") == "near"
    assert arch.source_of("sm.max_ctas") == "far"


def test_a_group_source_does_not_cover_what_a_parent_gave(write: Write) -> None:
    arch = load_arch(write(HEAD + "sm: {max_ctas: 8}\nsources: {sm: my idea}\n"))
    assert arch.source_of("sm.count") == load_arch("rtx_a6000").source_of("sm.count")


def test_a_child_can_cite_a_parent_value_anew(write: Write) -> None:
    arch = load_arch(write(HEAD + "sources: {sm.count: counted under the microscope}\n"))
    assert arch.source_of("sm.count") == "counted under the microscope"


def test_a_changed_value_does_not_keep_the_evidence_for_the_old_one(write: Write) -> None:
    arch = load_arch(write(HEAD + "sm:\n  count: 3\n"))
    before = load_arch("rtx_a6000").source_of("sm.count")
    assert arch.source_of("sm.count") == f"changed in mine.yaml:4 without a source; before: {before}"


def test_an_override_is_its_own_source() -> None:
    before = load_arch("rtx_a6000").source_of("sm.count")
    arch = load_arch("rtx_a6000", {"sm.count": "3", "sm.issue.port_cycles.FFMA": "2"})
    assert arch.source_of("sm.count") == f"set by --set sm.count=3; configured: {before}"
    assert arch.source_of("sm.issue.port_cycles.FFMA") == "set by --set sm.issue.port_cycles.FFMA=2"


def test_inherited_qualifies_what_parents_gave_and_nothing_else(write: Write) -> None:
    text = HEAD + "sm: {max_ctas: 8}\nsources: {inherited: 'assumption: as A6000', sm.max_ctas: own, sm.count: anew}\n"
    arch = load_arch(write(text))
    parent = load_arch("rtx_a6000")
    assert arch.source_of("sm.clock") == f"assumption: as A6000; there: {parent.source_of('sm.clock')}"
    assert arch.source_of("sm.max_ctas") == "own"
    assert arch.source_of("sm.count") == "anew"


def test_a_value_without_source_is_an_error(write: Write) -> None:
    sources = "sources: {sm.clock: test, l2: test, dram: test}\n"
    path = write("extends: ampere\nname: Mine\nsm:\n  count: 1\n  clock: 1 GHz" + MEMORY + sources)
    with pytest.raises(InvalidConfiguration) as error:
        load_arch(path)
    assert error.value.problems == (
        "mine.yaml:4: sm.count: no source; say under 'sources:' where the value comes from",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sources:\n  sm.cont: x", "mine.yaml:4: sources: sm.cont: no such key; did you mean sm.count?"),
        ("fudge:\n  sm.cont: x", "mine.yaml:4: fudge: sm.cont: no such key; did you mean sm.count?"),
        ("fudge: {inherited: x}", "mine.yaml:3: fudge: inherited: no such key"),
        ("sources: {sm.count: 5}", "mine.yaml:3: sources: sm.count: needs a sentence, not '5'"),
        ("sources: {sm.count: ''}", "mine.yaml:3: sources: sm.count: needs a sentence, not ''"),
        ("sources: [a]", "mine.yaml:3: sources: needs a group of keys"),
    ],
)
def test_notes_must_name_keys_that_exist(write: Write, text: str, expected: str) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        load_arch(write(HEAD + text + "\n"))
    assert str(error.value).startswith(expected)


def test_empty_notes_are_fine(write: Write) -> None:
    assert load_arch(write(HEAD + "sources:\nfudge: {}\n")).name == "Mine"


def test_fudge_is_inherited_and_added_to(write: Write) -> None:
    write(HEAD + "fudge: {sm.l1d.hit_latency: stands for a queue, l2.latency: old}\n", "parent.yaml")
    arch = load_arch(write("extends: ./parent.yaml\nfudge: {l2.latency: new, dram.channels: halved}\n"))
    assert arch.fudge == {"sm.l1d.hit_latency": "stands for a queue", "l2.latency": "new", "dram.channels": "halved"}


def test_a_group_has_all_the_sources_of_its_values() -> None:
    arch = load_arch("rtx_a6000")
    assert arch.source_of("sm.frontend.l1").count("; ") >= 1
    with pytest.raises(ArchError, match=r"^sm\.cont: no such key; did you mean sm\.count\?$"):
        arch.source_of("sm.cont")
