"""The board's clocks, power, temperature and energy counter, through libnvidia-ml.so.1 by ctypes; only reads.

Names and numbers are those of the NVML API reference. What a board or a container does not give comes back as None.
"""

import ctypes
from typing import Any

from validation.hardware.device import State

_MEMORY_CLOCK, _GPU_TEMPERATURE = 2, 0
#: Reasons for lower clocks that are not "idle" (bit 0) or "application clocks" (bit 1): power, thermal, brake.
_THROTTLE = 0x4 | 0x8 | 0x20 | 0x40 | 0x80


class Nvml:
    """One board."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p) -> None:
        self._library, self._handle = library, handle

    @classmethod
    def open(cls, bus_id: str) -> "Nvml | None":
        """The board at a PCI address such as 0000:0a:00.0, or None where NVML is not to be had."""
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
            handle = ctypes.c_void_p()
            if library.nvmlInit_v2():
                return None
            by_bus = library.nvmlDeviceGetHandleByPciBusId_v2
            if by_bus(bus_id.encode(), ctypes.byref(handle)):
                return None
        except (OSError, AttributeError):
            return None
        return cls(library, handle)

    def _read(self, name: str, cell: Any, *arguments: Any) -> Any:
        try:
            status = getattr(self._library, name)(self._handle, *arguments, ctypes.byref(cell))
        except AttributeError:
            return None
        return None if status else cell.value

    def driver_version(self) -> str:
        """Such as 580.159.03."""
        text = ctypes.create_string_buffer(96)
        return "unknown" if self._library.nvmlSystemGetDriverVersion(text, 96) else text.value.decode()

    def state(self) -> State:
        """See Device."""
        power = self._read("nvmlDeviceGetPowerUsage", ctypes.c_uint())  # milliwatts
        reasons = None
        for name in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
            if reasons is None:  # the newer name, then the older one
                reasons = self._read(name, ctypes.c_ulonglong())
        return State(
            memory_clock_mhz=self._read("nvmlDeviceGetClockInfo", ctypes.c_uint(), _MEMORY_CLOCK),
            temperature_c=self._read("nvmlDeviceGetTemperature", ctypes.c_uint(), _GPU_TEMPERATURE),
            power_w=None if power is None else power / 1e3,
            throttled=bool((reasons or 0) & _THROTTLE),
        )

    def energy_joules(self) -> float | None:
        """Since the driver was loaded; the counter is in millijoules."""
        millijoules = self._read("nvmlDeviceGetTotalEnergyConsumption", ctypes.c_ulonglong())
        return None if millijoules is None else millijoules / 1e3
