"""The part of a kernel's YAML below `resources:`: registers, shared memory and SASS of every architecture.

`stale` says whether it still belongs to the source; `renew` compiles and writes it. Opcode counts need nvdisasm (extra
`cuda`); without it they are left out.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from validation.kernels.build import Compiler, Usage, source_hash
from validation.kernels.cubin import functions, instructions, sass_hash
from validation.kernels.kernel import Kernel

#: Opcodes of a function that the report counts: enough to see what a loop is made of.
SHOWN_OPCODES = 5
HEADER = "# Written by `python -m validation.kernels`; do not edit below this line."
_OPCODE = re.compile(r"^\s*/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)")


def stale(kernel: Kernel) -> str | None:
    """Why the report does not belong to the source, or None."""
    if not kernel.resources:
        return f"{kernel.yaml}: no `resources`: run `python -m validation.kernels {kernel.name}`"
    if kernel.resources.get("source") != source_hash(kernel):
        return f"{kernel.yaml}: the source changed since `resources` was written: run `python -m validation.kernels`"
    missing = [arch for arch in kernel.architectures if f"sm_{arch}" not in kernel.resources]
    if missing:
        return f"{kernel.yaml}: no report for {', '.join(f'sm_{arch}' for arch in missing)}"
    return None


def find_nvdisasm() -> str | None:
    """The disassembler of the wheel `nvidia-cuda-nvdisasm`, or None."""
    for entry in sys.path:
        for path in Path(entry).glob("nvidia/cu*/bin/nvdisasm"):
            return str(path)
    return None


def opcode_counts(nvdisasm: str, cubin: bytes) -> dict[str, dict[str, int]]:
    """How often the most frequent base opcodes stand in each function, NOP left out."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        done = subprocess.run([nvdisasm, "-c", file.name], capture_output=True, text=True, check=True)
    counts: dict[str, Counter[str]] = {}
    function = ""
    for line in done.stdout.splitlines():
        if line.startswith(".text."):
            function = line[6:].rstrip(":")
            counts[function] = Counter()
        elif (found := _OPCODE.match(line)) and function and found[1] != "NOP":
            counts[function][found[1]] += 1
    return {name: dict(count.most_common(SHOWN_OPCODES)) for name, count in counts.items()}


def report(kernel: Kernel, compiler: Compiler, architecture: int, nvdisasm: str | None) -> dict[str, Any]:
    """One architecture: function -> what it uses, its length and its SASS hash; raises BuildError."""
    build = compiler.compile(kernel.source, kernel.flags, architecture)
    opcodes = opcode_counts(nvdisasm, build.cubin) if nvdisasm else {}
    texts = functions(build.cubin)
    return {
        name: {
            **_said(usage),
            "instructions": instructions(texts[name]),
            "sass": sass_hash(texts[name]),
            **({"opcodes": opcodes[name]} if name in opcodes else {}),
        }
        for name, usage in sorted(build.usage.items())
    }


def _said(usage: Usage) -> dict[str, int]:
    """Registers and shared memory always, the rest where there is any."""
    return {key: value for key, value in vars(usage).items() if value or key in ("registers", "shared")}


def renew(kernel: Kernel, compiler: Compiler, nvdisasm: str | None) -> int:
    """Compiles for every architecture and rewrites the part below `resources:`.

    Without nvdisasm opcode counts are kept where the machine code is the same. Returns for how many functions they are
    lost; raises BuildError, and OSError where the file cannot be written, which is then as it was.
    """
    source = source_hash(kernel)  # before: a change during the compilation leaves the report stale
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reports = list(pool.map(lambda arch: report(kernel, compiler, arch, nvdisasm), kernel.architectures))
    resources: dict[str, Any] = {"compiler": compiler.name, "source": source}
    for arch, functions_ in zip(kernel.architectures, reports, strict=True):
        resources[f"sm_{arch}"] = functions_
    lost = 0 if nvdisasm else _keep_opcodes(kernel.resources, resources)
    text = kernel.yaml.read_text(encoding="utf-8").split(HEADER)[0].rstrip()
    beside = kernel.yaml.with_name(kernel.yaml.name + ".new")
    try:
        beside.write_text(f"{text}\n{HEADER}\n{_as_yaml(resources)}", encoding="utf-8")
        os.replace(beside, kernel.yaml)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return lost


def _keep_opcodes(before: dict[str, Any], now: dict[str, Any]) -> int:
    """Carries opcode counts over to functions whose machine code did not change; how many had some and lose them."""
    lost = 0
    for arch, functions_ in now.items():
        for name, usage in functions_.items() if isinstance(functions_, dict) else ():
            old = before.get(arch, {}).get(name, {})
            if "opcodes" in old and old["sass"] == usage["sass"]:
                usage["opcodes"] = old["opcodes"]
            elif "opcodes" in old:
                lost += 1
    return lost


def _as_yaml(resources: dict[str, Any]) -> str:
    """A line a function."""
    lines = ["resources:"]
    for key, value in resources.items():
        if isinstance(value, str):
            lines.append(f"  {key}: '{value}'")
            continue
        lines.append(f"  {key}:")
        for name, usage in value.items():
            flow = yaml.safe_dump(usage, sort_keys=False, width=1 << 20, default_flow_style=True).strip()
            lines.append(f"    {name}: {flow}")
    return "\n".join(lines) + "\n"
