"""The progress line on a terminal: kernel, share done, rate, remaining time."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from sim.run import Progress


class ProgressLine:
    """A context manager whose value is called with each `Progress`."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %  cycle {task.fields[cycles]:,}  {task.fields[rate]:,.0f} instr/s "),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("", total=None, cycles=0, rate=0.0)
        self._number = 0
        self._started = time.perf_counter()

    def __enter__(self) -> "ProgressLine":
        """Show the line from the first report on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the line."""
        self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Bring the line up to date."""
        if progress.number != self._number:
            self._number = progress.number
            name = progress.name if len(progress.name) <= 24 else progress.name[:23] + "…"
            self._bars.reset(self._task, description=f"kernel {progress.number}/{progress.count} {name}")
            self._started = time.perf_counter()
            self._bars.start()
        seconds = time.perf_counter() - self._started
        self._bars.update(
            self._task,
            total=progress.total,
            completed=progress.done,
            cycles=progress.cycles,
            rate=progress.done / seconds if seconds else 0.0,
        )
