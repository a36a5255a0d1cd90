"""Compiles a kernel to a cubin, with nvcc or with NVRTC (which needs no host compiler), and reads ptxas' report.

Both get the same options; the code can still differ, so every build names its compiler and measured rows its SASS hash.
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from validation.kernels.kernel import INCLUDE, Kernel

OPTIONS = ("--std=c++17", "-lineinfo")
#: Where the toolkit is usually installed.
TOOLKIT = Path("/usr/local/cuda")
_TIMEOUT_S = 300


class BuildError(Exception):
    """The compiler refused the source, or there is no compiler; the text is one line."""


@dataclass(frozen=True)
class Usage:
    """What ptxas says that one function uses (bytes, or a count)."""

    registers: int
    shared: int
    stack: int
    spill_stores: int
    spill_loads: int
    barriers: int


@dataclass(frozen=True)
class Build:
    """A compiled kernel."""

    cubin: bytes
    compiler: str
    usage: dict[str, Usage]
    warnings: tuple[str, ...]


class Compiler(Protocol):
    """Either of the two."""

    @property
    def name(self) -> str:
        """Name and version, as measured rows hold it."""

    def compile(self, source: Path, flags: Sequence[str], architecture: int) -> Build:
        """A source for one compute capability (86 = 8.6); raises BuildError."""


def source_hash(kernel: Kernel) -> str:
    """16 digits that change when anything does that the compiler reads of ours."""
    digest = hashlib.sha256(repr((kernel.flags, OPTIONS)).encode())
    pending, seen = [kernel.source], set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_bytes()
        digest.update(text)
        for name in re.findall(rb'#include\s+[<"](ptx/[^>"]+)[>"]', text):
            pending.append(INCLUDE / name.decode())
    return digest.hexdigest()[:16]


_ENTRY = re.compile(r"Compiling entry function '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers(.*)")


def parse_usage(log: str) -> dict[str, Usage]:
    """The report of `ptxas -v`, by function."""
    found: dict[str, Usage] = {}
    function, stack = "", (0, 0, 0)
    for line in log.splitlines():
        if entry := _ENTRY.search(line):
            function, stack = entry[1], (0, 0, 0)
        elif frame := _STACK.search(line):
            stack = (int(frame[1]), int(frame[2]), int(frame[3]))
        elif (used := _USED.search(line)) and function:
            shared = re.search(r"(\d+)(?:\+\d+)? bytes smem", used[2])
            barriers = re.search(r"used (\d+) barriers", used[2])
            found[function] = Usage(
                registers=int(used[1]),
                shared=int(shared[1]) if shared else 0,
                stack=stack[0],
                spill_stores=stack[1],
                spill_loads=stack[2],
                barriers=int(barriers[1]) if barriers else 0,
            )
            function = ""
    return found


def _first_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["the compiler said nothing"])[0][:400]


def _warnings(log: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in log.splitlines() if "warning" in line.lower())


class Nvcc:
    """The CUDA toolkit's compiler driver."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"{path}: {error}") from error
        version = re.search(r"\bV(\d+\.\d+\.\d+)", done.stdout)
        if done.returncode or not version:
            raise BuildError(f"{path} --version: {_first_error(done.stderr or done.stdout)}")
        self.name = f"nvcc {version[1]}"
        with tempfile.TemporaryDirectory(prefix="tickwise-build-") as folder:
            probe = Path(folder) / "probe.cu"
            probe.write_text("__global__ void probe() {}\n", encoding="utf-8")
            try:
                self.compile(probe, (), 90)
            except BuildError as error:
                raise BuildError(f"{path} does not compile ({error}): it needs a host compiler such as g++") from error

    def compile(self, source: Path, flags: Sequence[str], architecture: int) -> Build:
        """See Compiler."""
        with tempfile.TemporaryDirectory(prefix="tickwise-build-") as folder:
            cubin = Path(folder) / "k.cubin"
            command = [self.path, "-cubin", f"-arch=sm_{architecture}", *OPTIONS, "-Xptxas", "-v", f"-I{INCLUDE}"]
            command += [*flags, "-o", str(cubin), str(source)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise BuildError(f"{self.path}: {error}") from error
            log = done.stdout + done.stderr
            if done.returncode:
                raise BuildError(_first_error(log))
            return Build(cubin.read_bytes(), self.name, parse_usage(log), _warnings(log))


class Nvrtc:
    """The runtime compiler's library, from the toolkit or from the wheel `nvidia-cuda-nvrtc`."""

    def __init__(self, library: str) -> None:
        try:
            self._nvrtc = ctypes.CDLL(library)
            major, minor = ctypes.c_int(), ctypes.c_int()
            self._check(self._nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        except (OSError, AttributeError) as error:
            raise BuildError(f"{library}: {error}") from error
        self.name = f"nvrtc {major.value}.{minor.value}"
        self._bundled: tempfile.TemporaryDirectory[str] | None = None
        self._headers = self._unpacked_headers() or list(_header_folders(library))

    def _check(self, status: int) -> None:
        if status:
            text = self._nvrtc.nvrtcGetErrorString
            text.restype = ctypes.c_char_p
            raise BuildError(f"NVRTC: {text(status).decode()}")

    def _unpacked_headers(self) -> list[Path]:
        """Newer libraries (13.5 does) carry the CUDA headers and can write them to a folder."""
        install = getattr(self._nvrtc, "nvrtcInstallBundledHeaders", None)
        if install is None:
            return []
        self._bundled = tempfile.TemporaryDirectory(prefix="tickwise-cuda-headers-")
        log = ctypes.c_char_p()
        self._check(install(self._bundled.name.encode(), 0, ctypes.byref(log)))
        return [Path(self._bundled.name), Path(self._bundled.name) / "cccl"]

    def _text(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._nvrtc, f"nvrtcGet{what}")(program, buffer))
        return buffer.raw

    def compile(self, source: Path, flags: Sequence[str], architecture: int) -> Build:
        """See Compiler."""
        options = [f"--gpu-architecture=sm_{architecture}", *OPTIONS, "--ptxas-options=-v", *flags]
        options += [f"-I{folder}" for folder in (INCLUDE, *self._headers)]
        array = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
        program = ctypes.c_void_p()
        text, name = source.read_bytes(), str(source).encode()
        create, compile_ = self._nvrtc.nvrtcCreateProgram, self._nvrtc.nvrtcCompileProgram
        self._check(create(ctypes.byref(program), text, name, 0, None, None))
        try:
            status = compile_(program, len(options), array)
            log = self._text(program, "ProgramLog").rstrip(b"\0").decode(errors="replace")
            if status:
                raise BuildError(_first_error(log))
            return Build(self._text(program, "CUBIN"), self.name, parse_usage(log), _warnings(log))
        finally:
            self._nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _site_folders() -> Iterator[Path]:
    for entry in sys.path:
        folder = Path(entry) / "nvidia"
        if folder.is_dir():
            yield folder


def _header_folders(library: str) -> Iterator[Path]:
    near = Path(library).resolve().parent.parent / "include"
    homes = [Path(os.environ[key]) / "include" for key in ("CUDA_HOME", "CUDA_PATH") if key in os.environ]
    homes += [folder / package / "include" for folder in _site_folders() for package in ("cu13", "cuda_runtime")]
    for folder in (near, *homes, TOOLKIT / "include"):
        if (folder / "cuda_fp16.h").is_file() and (folder / "mma.h").is_file():
            yield folder
            return


def _nvrtc_libraries() -> Iterator[str]:
    for folder in _site_folders():
        yield from (str(path) for path in sorted(folder.glob("cu*/lib/libnvrtc.so.*")) if "builtins" not in path.name)
        yield from (str(path) for path in sorted(folder.glob("cuda_nvrtc/lib/libnvrtc.so.*")))
    homes = [os.environ[key] for key in ("CUDA_HOME", "CUDA_PATH") if key in os.environ]
    for home in (*homes, str(TOOLKIT)):
        yield from (str(path) for path in sorted(Path(home).glob("lib64/libnvrtc.so.[0-9][0-9]")))
    yield from ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")


def find_compiler(wanted: str = "auto") -> Compiler:
    """nvcc if it is there, or NVRTC; `wanted` may be `nvcc` or `nvrtc`. Raises BuildError with what to install."""
    reasons: list[str] = []
    if wanted in ("auto", "nvcc"):
        homes = [os.environ[key] for key in ("CUDA_HOME", "CUDA_PATH") if key in os.environ]
        for path in (shutil.which("nvcc"), *(f"{home}/bin/nvcc" for home in (*homes, str(TOOLKIT)))):
            if path and Path(path).exists():
                try:
                    return Nvcc(path)
                except BuildError as error:
                    reasons.append(str(error))
    if wanted in ("auto", "nvrtc"):
        for library in _nvrtc_libraries():
            try:
                return Nvrtc(library)
            except BuildError:
                continue
    said = f" ({'; '.join(reasons)})" if reasons else ""
    raise BuildError(f"no CUDA compiler{said}: put nvcc on PATH or `pip install nvidia-cuda-nvrtc`")
