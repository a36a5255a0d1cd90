"""The CUDA driver's C interface (libcuda.so.1) by ctypes: nothing else has to be installed.

Names and numbers are those of the CUDA driver API reference; `tests/validation/hardware/fake_gpu` holds them against
the real cuda.h.
"""

import ctypes
from typing import Any

from validation.hardware.device import DeviceError

#: After any other error the context may be lost (CUresult: invalid value, out of memory, invalid image, no binary for
#: this GPU, invalid PTX, not found, launch out of resources).
_HARMLESS = {1, 2, 200, 209, 218, 500, 701}


class Driver:
    """The driver's functions, each checked."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise DeviceError(f"no NVIDIA driver here: {error}", fatal=True) from error
        self.call("cuInit", 0)

    def call(self, name: str, *arguments: Any) -> None:
        """Calls and raises DeviceError unless it returns 0."""
        status = getattr(self.library, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.library.cuGetErrorName(status, ctypes.byref(text))
            said = text.value.decode() if text.value else str(status)
            raise DeviceError(f"{name}: {said} ({status})", fatal=status not in _HARMLESS)

    def launch(self, *arguments: Any) -> None:
        """cuLaunchKernel, without the detour of `call`: the host must be quick here."""
        status = self.library.cuLaunchKernel(*arguments)
        if status:
            raise DeviceError(f"cuLaunchKernel: error {status}", fatal=status not in _HARMLESS)

    def attribute(self, device: ctypes.c_int, number: int) -> int:
        """A device attribute."""
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value
