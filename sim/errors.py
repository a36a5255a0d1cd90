"""Every error that Tickwise shows a user: one line that says where, what and what to do."""


class TickwiseError(Exception):
    """Base of all errors of this package; the text is one helpful line."""

    exit_code = 1


class BadInput(TickwiseError):
    """Something that the user gave is wrong: a file, a key, an argument (exit code 2)."""

    exit_code = 2


class ArchError(BadInput):
    """A configuration or an override cannot be used."""


class TraceError(BadInput):
    """A trace cannot be read or does not fit the chip."""


class RunFailed(TickwiseError):
    """A simulation started and could not finish (exit code 1)."""


class Deadlock(RunFailed):
    """Nothing can move any more; the text holds the wait-for graph."""


class CycleLimit(RunFailed):
    """`--max-cycles` was reached before the kernel ended."""
