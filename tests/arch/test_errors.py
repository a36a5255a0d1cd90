"""Every mistake in a configuration is one sentence that names file, line and key."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.arch import InvalidConfiguration, check_file, load_arch
from sim.arch.document import DEEPEST, LARGEST_FILE, MOST_VALUES
from sim.errors import ArchError

from .conftest import Write

HEAD = "extends: rtx_a6000\nname: Mine\n"


def message(path: Path) -> str:
    with pytest.raises(ArchError) as error:
        load_arch(path)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "sm:\n  register_fil: {banks: 2}",
            "mine.yaml:4: sm.register_fil: no such key; did you mean sm.register_file?",
        ),
        ("smm: {count: 1}", "mine.yaml:3: smm: no such key; did you mean sm?"),
        ("sm:\n  clok: 1 GHz", "mine.yaml:4: sm.clok: no such key; did you mean sm.clock?"),
        ("sm:\n  prefetch_lines: 4", "4: sm.prefetch_lines: no such key; did you mean sm.frontend.prefetch_lines?"),
        ("sm:\n  xyzzy: 4", "mine.yaml:4: sm.xyzzy: no such key"),
        ("sm.count: 4", "mine.yaml:3: sm.count: no such key; write nested keys, 'a: {b: ...}' for a.b"),
        ("sm:\n\n  count: 4 SMs", "mine.yaml:5: sm.count: needs a whole number without unit, not '4 SMs'"),
        ("sm: {count: 0}", "mine.yaml:3: sm.count: must be at least 1, not '0'"),
        ("sm: {count: 1.5}", "mine.yaml:3: sm.count: needs a whole number without unit, not '1.5'"),
        ("sm: {count: 99999999999}", "mine.yaml:3: sm.count: must be at most 2147483647, not '99999999999'"),
        ("sm:\n  clock: 1800", "mine.yaml:4: sm.clock: needs a unit: write a frequency such as '1.8 GHz', not a bare"),
        ("sm:\n  l1d:\n    size: 128 KB", "mine.yaml:5: sm.l1d.size: 'KB' is no unit of a size"),
        ("sm: {barrier: {latency: -2 cycles}}", "mine.yaml:3: sm.barrier.latency: must be at least 0, not '-2 cycles'"),
        ("sm: {issue: {policy: gtoo}}", "needs one of cggty, gto, lrr, two_level, not 'gtoo'; did you mean gto?"),
        ("sm: {issue: {policy: 3}}", "sm.issue.policy: needs one of cggty, gto, lrr, two_level, not '3'"),
        (
            "sm: {issue: {port_cycles: {IMAD: x}}}",
            "sm.issue.port_cycles.IMAD: needs a whole number without unit, not 'x'",
        ),
        ("sm: {issue: {port_cycles: {imad: 1}}}", "sm.issue.port_cycles.imad: 'imad' does not look right"),
        ("sm: {frontend: {perfect: yes}}", "sm.frontend.perfect: needs true or false, not 'yes'"),
        ("compute_capability: 8.6", "mine.yaml:3: compute_capability: needs text: put 8.6 in quotes"),
        ('compute_capability: "86"', "compute_capability: '86' does not look right"),
        ("sm: 5", "mine.yaml:3: sm: needs a group of keys, not '5'"),
        ("sm:", "mine.yaml:3: sm: needs a group of keys, not nothing"),
        ("sm: {issue: {port_cycles: 5}}", "sm.issue.port_cycles: needs a group of keys, not '5'"),
        ("sm: {count: {a: 5}}", "sm.count: needs a whole number without unit, not a group of keys"),
        (
            "sm: {shared_memory: {carve_outs: 5 KiB}}",
            "sm.shared_memory.carve_outs: needs a list such as [0 KiB, 8 KiB]",
        ),
        ("sm: {shared_memory: {carve_outs: []}}", "sm.shared_memory.carve_outs: needs at least one value, not a list"),
        ("sm: {shared_memory: {carve_outs: [1 KiB, 5]}}", "sm.shared_memory.carve_outs[1]: needs a unit"),
        ("sm: {units: {tensor: {sparse_rate: 0}}}", "sm.units.tensor.sparse_rate: must be more than 0, not '0'"),
        (
            "sm: {units: {tensor: {sparse_rate: 1e999}}}",
            "sm.units.tensor.sparse_rate: needs a finite number, not 'inf'",
        ),
        ("sm: {units: {tensor: {sparse_rate: 2 x}}}", "sparse_rate: needs a number without unit, not '2 x'"),
        ("energy: {table: ''}", "mine.yaml:3: energy.table: needs text, not ''"),
        ("energy: {table: [1]}", "mine.yaml:3: energy.table: needs text, not a list"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(write: Write, text: str, expected: str) -> None:
    assert expected in message(write(HEAD + text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("isa: sm_80", "mine.yaml:3: isa: compute capability 8.6 runs sm_86, not sm_80"),
        ("sm: {max_warps: 50}", "mine.yaml:3: sm.max_warps: 50 warps do not divide evenly among 4 sub-cores"),
        ("sm: {max_threads: 2048}", "sm.max_threads: 2048 threads do not fit into 48 warps of 32"),
        ("sm: {registers: 65537}", "sm.registers: 65537 registers are no whole warp registers"),
        ("sm: {register_allocation_unit: 100}", "sm.register_allocation_unit: must be a multiple of 32"),
        ("sm: {issue: {two_level_active: 49}}", "sm.issue.two_level_active: must not exceed sm.max_warps (48)"),
        ("sm: {l1d: {line: 96 B}}", "sm.l1d.line: 96 B is no power of two"),
        ("sm: {frontend: {l0: {size: 5 KiB}}}", "sm.frontend.l0.size: 5 KiB is no multiple of line x ways (4 KiB)"),
        ("sm: {frontend: {l0: {line: 64 B}}}", "sm.frontend.l0.line: must equal sm.frontend.l1.line"),
        ("sm: {l1d: {sector: 48 B}}", "sm.l1d.sector: 48 B does not divide the line (128 B)"),
        (
            "sm: {shared_memory: {carve_outs: [100 KiB, 0 B]}}",
            "sm.shared_memory.carve_outs: must ascend, each size once",
        ),
        ("sm: {shared_memory: {carve_outs: [8 KiB]}}", "the largest must be the capacity (100 KiB)"),
        ("sm: {l1d: {size: 96 KiB}}", "sm.shared_memory.capacity: does not fit into sm.l1d.size (96 KiB)"),
        (
            "sm: {shared_memory: {max_per_cta: 100 KiB}}",
            "sm.shared_memory.max_per_cta: with reserved_per_cta it exceeds",
        ),
        ("sm: {shared_memory: {banks: 31}}", "sm.shared_memory.banks: 31 is no power of two"),
        ("sm: {register_file: {wide_read_window: 2 cycles}}", "sm.register_file.wide_read_window: must not be shorter"),
        ("sm: {units: {int: {initiation: 5 cycles}}}", "sm.units.int.initiation: exceeds the latency (4 cycles)"),
        ("sm: {memory: {stage_offset: -2 cycles}}", "sm.memory.stage_offset: leaves less than one cycle"),
        ("sm: {memory: {short_address_cycles: 5 cycles}}", "sm.memory.short_address_cycles: must not exceed"),
        (
            "dispatch: {cta_latency: 63 cycles}",
            "mine.yaml:3: dispatch.cta_latency: must be at least the shorter of noc.request_latency and"
            " noc.reply_latency (64 cycles): the dispatcher is not nearer than a slice",
        ),
        (
            "noc: {request_latency: 70 cycles, reply_latency: 80 cycles}",
            "must be at least the shorter of noc.request_latency and noc.reply_latency (70 cycles)",
        ),
        ("l2: {slices: 49}", "l2.slices: 49 slices do not divide evenly among 24 DRAM channels (dram.channels)"),
        ("dram: {channels: 20}", "l2.slices: 48 slices do not divide evenly among 20 DRAM channels (dram.channels)"),
        ("l2: {size: 6145 KiB}", "l2.size: 6145 KiB is no multiple of slices x line x ways (96 KiB)"),
        ("l2: {ways: 15}", "l2.size: 6 MiB is no multiple of slices x line x ways (90 KiB)"),
        (
            "l2: {interleave: 192 B}",
            "l2.interleave: must be a multiple of sm.l1d.line (128 B): a line lies in one slice",
        ),
        ("l2: {partitions: 49}", "l2.partitions: 49 partitions cannot share 48 slices"),
        ("dram: {write_high: 225}", "dram.write_high: must not exceed dram.write_queue (224)"),
        ("dram: {write_low: 168}", "dram.write_low: must be less than dram.write_high (168)"),
        ("dram: {read_queue: 3}", "dram.read_queue: 3 entries do not hold the 4 accesses of a line"),
        (
            "dram: {write_queue: 3, write_high: 2, write_low: 1}",
            "dram.write_queue: 3 entries do not hold the 4 accesses of a line",
        ),
        (
            "dram: {mapping: {order: [group, group, bank]}}",
            "dram.mapping.order: needs each of group, column and bank; column is missing",
        ),
        (
            "dram: {mapping: {order: [group, column, bank, group]}}",
            "dram.mapping.order: group stands 2 times without a number of bits; one takes all that are left",
        ),
        (
            "dram: {mapping: {order: [column:2, group, column:3, bank]}}",
            "dram.mapping.order: column has 6 bits in gddr6; its pieces hold 5",
        ),
        (
            "dram: {mapping: {order: [column:4, group, column:3, bank, column]}}",
            "dram.mapping.order: column has 6 bits in gddr6; its pieces hold 7",
        ),
        (
            "dram: {mapping: {order: [column:0, column, group, bank]}}",
            "dram.mapping.order[0]: 'column:0' does not look right; it must match",
        ),
        (
            "dram: {mapping: {order: [column:1, column:1, column:1, column, group:1, group, bank:1, bank, bank:1]}}",
            "dram.mapping.order: list should have at most 8 items",
        ),
        ("dram: {kind: gddr5, refresh: per_bank}", "dram.refresh: gddr5 has no refresh of single banks here"),
        (
            "sm: {l1d: {sector: 64 B}}",
            "dram.kind: an access to gddr6 brings 32 B: not whole sectors (64 B) of one line (128 B)",
        ),
        (
            "sm: {l1d: {line: 32 B}}\ndram: {kind: ddr4}",
            "dram.kind: an access to ddr4 brings 64 B: not whole sectors (32 B) of one line (32 B)",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(write: Write, text: str, expected: str) -> None:
    assert expected in message(write(HEAD + text))


@pytest.mark.parametrize(
    "text",
    [
        "dispatch: {cta_latency: 64 cycles}\nnoc: {request_latency: 64 cycles, reply_latency: 90 cycles}",
        "l2: {size: 96 KiB}",
        "l2: {size: 4704 KiB}",  # 49 sets: their number is no power of two
        "l2: {interleave: 384 B}",
        "l2: {partitions: 48, slices: 48}",
        "dram: {write_queue: 168, write_low: 167}",
        "dram: {read_queue: 4, write_queue: 4, write_high: 1, write_low: 0}",
        "dram: {kind: hbm2e, refresh: per_bank}",
        "dram: {kind: ddr4}",  # two sectors an access
        "dram: {mapping: {order: [column:6, bank:2, group:2]}}",
        "dram: {mapping: {order: [column:1, column:1, column:1, column, group:1, group, bank:1, bank]}}",
    ],
)
def test_values_at_the_border_of_a_rule_are_taken(write: Write, text: str) -> None:
    arch = load_arch(write(HEAD + text + "\nsources: {l2: test, dram: test}\n"))
    assert arch.hash != load_arch(write(HEAD + "sm: {count: 2}\n")).hash  # and they are what the chip is made of


def test_a_broken_dram_device_is_named_where_it_stands(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from sim.arch import config_root, registry

    folder = tmp_path / "site" / "arch_configs"
    shutil.copytree(config_root(), folder)
    device = folder / "dram" / "gddr6.yaml"
    device.write_text(device.read_text().replace("atom: 32 B", "atom: 48 B"))
    monkeypatch.setattr(registry, "_PACKAGE", tmp_path / "site" / "sim")
    text = message(write(HEAD + "sm: {count: 2}\n"))
    assert "dram.kind: " in text
    assert "gddr6.yaml:8: atom: 16 pins x 16 bits are 32 B" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "name: A\nsm:\n  count: 1\n  count: 2\n",
            "mine.yaml:4: count: this key stands here twice (first: mine.yaml:3)",
        ),
        ("name: A\nsources: {a: x, a: y}\n", "mine.yaml:2: a: this key stands here twice"),
        ("name: [\n", "mine.yaml:2: not valid YAML: "),
        ("name: a: b\n", "mine.yaml:1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "mine.yaml:2: not valid YAML: "),
        ("a: *x\n", "mine.yaml:1: not valid YAML: found undefined alias"),
        ("name: \x07\n", "mine.yaml: not valid YAML: "),
        ("- a\n", "mine.yaml:1: a configuration is a group of keys such as 'name: ...'"),
        ("just text\n", "mine.yaml:1: a configuration is a group of keys"),
        ('"a b": 1\n', "mine.yaml:1: a key must be a word"),
        ('"a\\nb": 1\n', "mine.yaml:1: a key must be a word"),
        ('extends: "a\\nb"\n', "mine.yaml:1: extends: a b: no such configuration"),
        (f"extends: {'x/' * 3000}\n", "mine.yaml:1: extends: x/x/"),
        ("? [a]\n: 1\n", "mine.yaml:1: a key must be a word"),
        ("name: !!python/object/apply:os.system [x]\n", "mine.yaml:1: the tag tag:yaml.org,2002:python/object"),
        ("name: !mine x\n", "mine.yaml:1: the tag !mine is not allowed"),
        ("name: !!python/name:os.system ''\n", "mine.yaml:1: the tag tag:yaml.org,2002:python/name:os.system is not"),
        ("name: !mine {a: x}\n", "mine.yaml:1: the tag !mine is not allowed"),
        ("a: &a [*a]\n", f"nested deeper than {DEEPEST} levels"),
        ("a: &a {b: *a}\n", f"nested deeper than {DEEPEST} levels"),
        ("a: " + "[" * 5000 + "\n", "mine.yaml: nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60 + "\n", f"mine.yaml:1: nested deeper than {DEEPEST} levels"),
        ("# " + "x" * LARGEST_FILE + "\n", "mine.yaml: larger than 256 KiB: this is no configuration"),
        ("", "mine.yaml:1: name: missing; give it a value here or in a parent ('extends:')"),
        ("# nothing\n", "name: missing"),
    ],
)
def test_what_is_no_configuration_is_refused(write: Write, text: str, expected: str) -> None:
    assert expected in message(write(text))


def test_an_alias_bomb_is_refused_before_it_expands(write: Write) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert f"more than {MOST_VALUES:,} values, aliases expanded" in message(write("\n".join(lines)))


def test_harmless_aliases_are_allowed(write: Write) -> None:
    text = HEAD + "sm:\n  frontend:\n    l0: &l0 {size: 64 KiB}\n    l1: *l0\nsources: {sm: test}\n"
    config = load_arch(write(text)).config
    assert config.sm.frontend.l1.size == config.sm.frontend.l0.size == 65536


def test_only_true_and_false_are_booleans_and_no_number_is_octal(write: Write) -> None:
    text = HEAD + "sm: {issue: {port_cycles: {ON: 1, NO: 010}}}\n"
    assert load_arch(write(text)).config.sm.issue.port_cycles == {"IMAD": 1, "ON": 1, "NO": 10}


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"name: x\nsm: \xff\xfe\n")
    assert message(path).endswith("mine.yaml:2: not UTF-8 text; save the file as UTF-8")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "dir.yaml").mkdir()
    assert "dir.yaml: no such file" in message(tmp_path / "dir.yaml")
    assert "no such file" in message(Path("nowhere/mine.yaml"))


def test_a_wrong_name_suggests_the_nearest() -> None:
    with pytest.raises(ArchError, match=r"^rtx_a600: no such configuration; did you mean rtx_a6000\?$"):
        load_arch("rtx_a600")
    with pytest.raises(ArchError, match=r"^zzz: no such configuration; see `tickwise arch list`"):
        load_arch("zzz")
    with pytest.raises(ArchError, match=r"^an empty name: "):
        load_arch("")


def test_a_parent_is_no_chip() -> None:
    with pytest.raises(ArchError, match=r"ampere\.yaml:\d+: name: missing; .* \(and 8 more"):
        load_arch("ampere")


def test_all_mistakes_are_collected_unknown_keys_first(write: Write) -> None:
    path = write(HEAD + "sm:\n  count: x\n  clok: 1 GHz\n  clock: 5\n")
    with pytest.raises(InvalidConfiguration) as error:
        load_arch(path)
    assert [line.split(":")[1] for line in error.value.problems] == ["5", "4", "6"]
    assert str(error.value) == error.value.problems[0] + " (and 2 more: see `tickwise arch check`)"
    assert check_file(path) == list(error.value.problems)


def test_a_mistake_in_a_parent_is_reported_where_it_stands(write: Write) -> None:
    write("extends: rtx_a6000\n\nsm: {clok: 1 GHz}\n", "parent.yaml")
    assert message(write("extends: ./parent.yaml\nname: X\n")).startswith("parent.yaml:3: sm.clok: no such key")


def test_a_family_may_lack_keys_but_what_it_has_must_be_right(write: Write) -> None:
    good = write("kind: gpu\nsm: {count: 3}\nsources: {sm: test}\n")
    assert check_file(good) == []
    bad = write("kind: gpu\nsm: {count: x}\nsources: {sm: test}\n")
    assert check_file(bad) == ["mine.yaml:2: sm.count: needs a whole number without unit, not 'x'"]
    assert check_file("nowhere.yaml") == [
        "nowhere.yaml: no such file; names of shipped configurations: `tickwise arch list`"
    ]


_WORDS = [
    "sm",
    "count",
    "l1d",
    "size",
    "extends",
    "sources",
    "name",
    "1",
    "84",
    "4 cycles",
    "x",
    "- ",
    ": ",
    "\n",
    "  ",
]
_WORDS += [
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a ",
    "!t ",
    "'",
    '"',
    "|",
    "#",
    "? ",
    "---\n",
    "~",
    "true",
    "1e9",
    "\t",
    "%",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_WORDS) | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_is_refused_in_one_line_or_loaded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: rtx_a6000\n" + text, encoding="utf-8", errors="replace")
    try:
        load_arch(path)
    except ArchError as error:
        assert "\n" not in str(error)
        assert "mine.yaml" in str(error)
