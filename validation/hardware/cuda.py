"""The GPU: what it is, its one stream, its events, the kit's own kernels, and NVML beside it."""

import ctypes

from validation.hardware.device import DeviceError, Facts, Program, State
from validation.hardware.driver import Driver
from validation.hardware.nvml import Nvml
from validation.hardware.session import CudaSession

#: CUdevice_attribute.
_ATTRIBUTES = {"sms": 16, "l2": 38, "major": 75, "minor": 76}
#: So many times the L2 is read to drive everything else out of it.
SWEPT_L2 = 3


class CudaDevice:
    """The first GPU that the driver shows (CUDA_VISIBLE_DEVICES picks another)."""

    dry = False

    def __init__(self, support_cubin: bytes | None = None) -> None:
        """Without `support_cubin` (support.cu, compiled) only `facts` can be used."""
        self.driver = driver = Driver()
        count, version = ctypes.c_int(), ctypes.c_int()
        driver.call("cuDeviceGetCount", ctypes.byref(count))
        if not count.value:
            raise DeviceError("the driver shows no GPU", fatal=True)
        self._device = ctypes.c_int()
        driver.call("cuDeviceGet", ctypes.byref(self._device), 0)
        name = ctypes.create_string_buffer(256)
        driver.call("cuDeviceGetName", name, 256, self._device)
        driver.call("cuDriverGetVersion", ctypes.byref(version))
        bus = ctypes.create_string_buffer(64)
        driver.call("cuDeviceGetPCIBusId", bus, 64, self._device)
        self._nvml = Nvml.open(bus.value.decode())
        attribute = {key: driver.attribute(self._device, number) for key, number in _ATTRIBUTES.items()}
        self.facts = Facts(
            gpu=name.value.decode(),
            compute_capability=(attribute["major"], attribute["minor"]),
            sms=attribute["sms"],
            driver=self._nvml.driver_version() if self._nvml else "unknown",
            cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
            l2_bytes=attribute["l2"],
        )
        if support_cubin is not None:
            self._open(support_cubin)

    def _open(self, support_cubin: bytes) -> None:
        call = self.driver.call
        context = ctypes.c_void_p()
        call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._device)
        call("cuCtxSetCurrent", context)
        self.stream, self.start, self.stop = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        # A blocking stream: it waits for copies on the default stream, which may return before their data arrived.
        call("cuStreamCreate", ctypes.byref(self.stream), 0)
        for event in (self.start, self.stop):
            call("cuEventCreate", ctypes.byref(event), 0)
        support = self.module(support_cubin)
        self.spin, self.sweep = self.function(support, "spin"), self.function(support, "sweep")
        self.clocks = self.allocate(16)
        self.scratch_bytes = max(SWEPT_L2 * self.facts.l2_bytes, 1 << 20) // 16 * 16
        self.scratch = self.allocate(self.scratch_bytes)
        words = ctypes.c_size_t(self.scratch_bytes // 4)
        call("cuMemsetD32Async", self.scratch, ctypes.c_uint(0), words, self.stream)

    def module(self, cubin: bytes) -> ctypes.c_void_p:
        """Loads machine code."""
        module = ctypes.c_void_p()
        self.driver.call("cuModuleLoadData", ctypes.byref(module), cubin)
        return module

    def function(self, module: ctypes.c_void_p, name: str) -> ctypes.c_void_p:
        """A function of a module."""
        function = ctypes.c_void_p()
        self.driver.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def allocate(self, size: int) -> ctypes.c_uint64:
        """Device memory."""
        pointer = ctypes.c_uint64()
        self.driver.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(size, 16)))
        return pointer

    def free_bytes(self) -> int:
        """Memory that is left."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.driver.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value

    def session(self, program: Program, restored: set[str], sets: int) -> "CudaSession":
        """See Device."""
        return CudaSession(self, program, restored, sets)

    def state(self) -> State:
        """See Device."""
        return self._nvml.state() if self._nvml else State()

    def energy_joules(self) -> float | None:
        """See Device."""
        return self._nvml.energy_joules() if self._nvml else None
