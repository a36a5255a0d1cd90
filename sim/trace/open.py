"""One door to all trace formats; the suffix decides."""

from pathlib import Path

from sim.errors import TraceError
from sim.trace.model import Trace

#: What each suffix means, for messages.
FORMATS = ".twt (Tickwise), .g (Accel-Sim kernelslist), .traceg or .traceg.xz (Accel-Sim kernel), .sass (listing)"


def open_trace(path: str | Path) -> Trace:
    """The trace in a file; kernels of a list and of a `.twt` are read when asked for. Raises `TraceError`."""
    path = Path(path)
    name = path.name
    if not path.is_file():
        raise TraceError(f"{path}: no such file: give a trace: {FORMATS}")
    if name.endswith(".twt"):
        from sim.trace.container import read_twt

        return read_twt(path)
    if name.endswith(".g"):
        from sim.trace.accelsim import open_list

        return open_list(path)
    if name.endswith((".traceg", ".traceg.xz")):
        from sim.trace.accelsim import open_kernel

        return open_kernel(path)
    if name.endswith(".sass"):
        from sim.trace.listing import parse_listing

        try:
            return parse_listing(path.read_text(encoding="utf-8"), str(path))
        except UnicodeDecodeError:
            raise TraceError(f"{path}: not a text file: a listing is UTF-8 text") from None
    raise TraceError(f"{path}: unknown kind of trace: give one of {FORMATS}")
