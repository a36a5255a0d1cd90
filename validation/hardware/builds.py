"""Machine code of the run: every kernel compiled for the GPU at hand and kept beside the table."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from validation.hardware.record import RecordError
from validation.kernels import Kernel
from validation.kernels.build import BuildError, Compiler
from validation.kernels.cubin import CubinError, functions, sass_hash

SUPPORT = Path(__file__).with_name("support.cu")


@dataclass(frozen=True)
class Built:
    """A kernel's machine code, or why there is none."""

    path: Path | None = None
    sass: str | None = None
    compiler: str | None = None
    reason: str | None = None
    absent: bool = False  # the architecture lacks the kernel's instructions: no failure


class Builder:
    """Compiles for one architecture into the folder `cubins`; may be used by several threads."""

    def __init__(self, compiler: Compiler | None, no_compiler: str, architecture: int, out: Path) -> None:
        """`no_compiler` is the reason where `compiler` is None."""
        self.compiler, self.no_compiler = compiler, no_compiler
        self._architecture = architecture
        self._folder = (out / "cubins").resolve()  # the worker has another working directory

    def _written(self, name: str, sass: str, cubin: bytes) -> Path:
        path = self._folder / f"{name}.sm_{self._architecture}.{sass[:8]}.cubin"
        if path.exists() and path.read_bytes() == cubin:
            return path
        beside = path.with_name(path.name + ".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(cubin)
            os.replace(beside, path)
        except OSError as error:
            raise RecordError(f"{path}: {error.strerror or error}") from error
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return path

    def support(self) -> Path:
        """The kit's own kernels; raises BuildError where they cannot be had."""
        if self.compiler is None:
            raise BuildError(self.no_compiler)
        cubin = self.compiler.compile(SUPPORT, (), self._architecture).cubin
        return self._written("support", sass_hash(*functions(cubin).values()), cubin)

    def kernel(self, kernel: Kernel) -> Built:
        """One kernel; raises RecordError where the cubin cannot be written."""
        if self._architecture < kernel.first_architecture:
            return Built(reason=f"its instructions exist from sm_{kernel.first_architecture} on", absent=True)
        if self.compiler is None:
            return Built(reason=self.no_compiler)
        try:
            build = self.compiler.compile(kernel.source, kernel.flags, self._architecture)
            texts = functions(build.cubin)
        except (BuildError, CubinError) as error:
            return Built(reason=str(error))
        sass = sass_hash(*(texts[name] for name in sorted(texts)))
        return Built(self._written(kernel.name, sass, build.cubin), sass, build.compiler)
