"""What of each kernel is simulated when a run is sampled: its first CTAs, or its waves until they repeat.

A wave is as many CTAs as the chip holds at once (SMs x CTAs per SM); samples are whole waves. The stop by stability is
that of Principal Kernel Analysis (Baddouh et al., MICRO'21), which watches the IPC in windows of cycles; here the
window is a number of waves, because a wave's end does not depend on how the simulator divides time.
"""

from dataclasses import dataclass

from sim.errors import BadInput

#: Stability is a standard deviation: of fewer waves than these it says nothing.
LEAST_WAVES = 3


@dataclass(frozen=True)
class Sampling:
    """How much of each kernel is simulated; the first limit that is met ends it. Raises BadInput for bad values."""

    #: So many first CTAs, rounded up to whole waves.
    ctas: int | None = None
    #: This part of the CTAs, above 0 and below 1, rounded up to whole waves.
    share: float | None = None
    #: Stop when the cycles of the last `waves` waves, the first wave of the kernel not among them, have a standard
    #: deviation of at most this part of their mean; None: do not.
    stable: float | None = None
    waves: int = LEAST_WAVES

    def __post_init__(self) -> None:
        """Check the values."""
        if self.ctas is None and self.share is None and self.stable is None:
            raise BadInput("sampling: give a number of CTAs, a share of them, or a stability to stop at")
        if self.ctas is not None and self.share is not None:
            raise BadInput("sampling: give a number of CTAs or a share of them, not both")
        if self.ctas is not None and self.ctas < 1:
            raise BadInput(f"sampling: {self.ctas} CTAs: give 1 or more")
        if self.share is not None and not 0 < self.share < 1:
            raise BadInput(f"sampling: {self.share:.6g} of the CTAs: give a share above 0 and below 1 (100 %)")
        if self.stable is not None and not 0 < self.stable < 1:
            raise BadInput(f"sampling: a stability of {self.stable:.6g}: give a share above 0 and below 1 (100 %)")
        if self.waves < LEAST_WAVES:
            raise BadInput(f"sampling: stability over {self.waves} waves: give {LEAST_WAVES} or more")
