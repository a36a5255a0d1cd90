"""The hash is of the chip, not of its spelling."""

from typing import Any

import pytest

from sim.arch import Arch, load_arch
from sim.arch.load import hash_of
from sim.arch.schema import GpuConfig

from .conftest import Write

A6000 = load_arch("rtx_a6000")
LEAVES = [key for key in A6000.values if key != "name"]


def edited(arch: Arch, path: str, value: object) -> GpuConfig:
    """The chip with one value replaced, unchecked."""
    raw: dict[str, Any] = arch.config.model_dump()
    *groups, name = path.split(".")
    inner = raw
    for group in groups:
        inner = inner[group]
    inner[name] = value

    class Edited:
        def model_dump(self, exclude: set[str]) -> dict[str, Any]:
            return {key: item for key, item in raw.items() if key not in exclude}

    return Edited()  # type: ignore[return-value]


@pytest.mark.parametrize("path", LEAVES)
def test_every_value_counts(path: str) -> None:
    old = A6000.values[path]
    new = (
        (not old)
        if isinstance(old, bool)
        else old + "x"
        if isinstance(old, str)
        else [1]
        if isinstance(old, list)
        else old + 1
    )
    assert hash_of(edited(A6000, path, old)) == A6000.hash
    assert hash_of(edited(A6000, path, new)) != A6000.hash


def test_units_order_chain_name_and_notes_do_not_count(write: Write) -> None:
    write("extends: ampere\nsm: {clock: 1800000 kHz}\nsources: {sm: hearsay}\n", "parent.yaml")
    text = """
    # another spelling of the same chip
    sources: {sm.count: I said so, l2: and so, dram: and so}
    sm:
      shared_memory: {carve_outs: [0 B, 8192 B, 16 KiB, 32 KiB, 65536 B, 100 KiB], bank_width: 4B}
      units: {tensor: {sparse_rate: 2}, int: {latency: 4cycles}}
      count: 84
    l2: {clock: 1.8 GHz, slices: 48, size: 6144 KiB}
    dram: {kind: gddr6, channels: 24, data_rate: 16000 Mbps}
    name: somebody's card
    extends: parent.yaml
    fudge: {sm.count: none really}
    """
    other = load_arch(write(text))
    assert other.name != A6000.name
    assert other.hash == A6000.hash


def test_the_hash_is_the_same_in_every_process() -> None:
    assert load_arch("rtx_a6000").hash == A6000.hash
    assert len(A6000.hash) == 64
