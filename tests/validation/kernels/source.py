"""What a kernel's source says, read without a compiler."""

import re

from validation.kernels import Kernel


def constants(kernel: Kernel) -> dict[str, int]:
    """Its `constexpr int NAME = NUMBER`, several in a declaration or one."""
    text = kernel.source.read_text(encoding="utf-8")
    listed = ", ".join(re.findall(r"constexpr int ([A-Z_]+ = [^;]+);", text))
    return {name: int(value) for name, value in re.findall(r"([A-Z_]+) = (\d+)\b", listed)}
