"""One case on the GPU: module, buffer sets, prepared launches, and the ways to run them.

Before every timed run a spinning kernel (support.cu) holds the stream until the host has submitted the whole run, so
that the events do not time the host.
"""

import ctypes
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from validation.hardware.device import DeviceError, FunctionFacts, Program, Repeated, Timing
from validation.kernels import Buffers, Launch

if TYPE_CHECKING:
    from validation.hardware.cuda import CudaDevice

#: CUfunction_attribute.
_FUNCTION_SHARED, _FUNCTION_REGISTERS, _FUNCTION_DYNAMIC_SHARED = 1, 4, 8
#: Above this, dynamic shared memory has to be asked for.
_STATIC_SHARED_LIMIT = 48 * 1024
_SPIN_FLOOR_NS, _SPIN_CEILING_NS = 200_000, 20_000_000
#: Runs are submitted in batches of about so long, then waited for.
_BATCH_S = 0.2


class LazyBuffers(dict[str, NDArray[Any]]):
    """Buffers that are copied from the device when they are asked for."""

    def __init__(self, session: "CudaSession", which: int) -> None:
        super().__init__()
        self._session, self._which = session, which

    def __missing__(self, name: str) -> NDArray[Any]:
        """Fetches and keeps it; raises KeyError for a name that is no buffer."""
        self[name] = value = self._session.fetch(self._which, name)
        return value


class _Prepared:
    """A launch with its arguments laid out for cuLaunchKernel; keeps them alive."""

    def __init__(self, function: ctypes.c_void_p, step: Launch, addresses: dict[str, ctypes.c_uint64]) -> None:
        self.cells: list[Any] = []
        for argument in step.arguments:
            if isinstance(argument, str):
                self.cells.append(addresses[argument])
            else:
                self.cells.append(ctypes.create_string_buffer(argument.tobytes(), max(8, argument.itemsize)))
        array = ctypes.c_void_p * max(1, len(self.cells))
        self.pointers = array(*[ctypes.addressof(cell) for cell in self.cells])
        self.head = (function, *step.grid, *step.block, step.shared)


class CudaSession:
    """One case: its module, buffer sets and prepared launches."""

    def __init__(self, device: "CudaDevice", program: Program, restored: set[str], sets: int) -> None:
        self._device, self._call = device, device.driver.call
        launches = program.launches
        self._inputs = {name: np.ascontiguousarray(array) for name, array in program.buffers.items()}
        self._pointers: list[ctypes.c_uint64] = []
        self._module = device.module(program.cubin)
        self._functions = {step.function: device.function(self._module, step.function) for step in launches}
        self._allow_dynamic_shared(launches)
        room = int(0.8 * device.free_bytes()) - sum(self._inputs[name].nbytes for name in restored)
        self._sets = max(1, min(sets, room // max(1, program.footprint)))
        try:
            self._pristine = {name: self._uploaded(self._inputs[name]) for name in self._inputs if name in restored}
            self._addresses = [
                {name: self._uploaded(array) for name, array in self._inputs.items()} for _ in range(self._sets)
            ]
        except DeviceError:
            self.close()
            raise
        self._runs = [
            [_Prepared(self._functions[step.function], step, addresses) for step in launches]
            for addresses in self._addresses
        ]
        self._spin_ns = _SPIN_FLOOR_NS

    def _allow_dynamic_shared(self, launches: list[Launch]) -> None:
        for step in launches:
            if step.shared > _STATIC_SHARED_LIMIT:
                function = self._functions[step.function]
                self._call("cuFuncSetAttribute", function, _FUNCTION_DYNAMIC_SHARED, step.shared)

    def _uploaded(self, array: NDArray[Any]) -> ctypes.c_uint64:
        pointer = self._device.allocate(array.nbytes)
        self._pointers.append(pointer)
        if array.nbytes:
            self._call("cuMemcpyHtoD_v2", pointer, array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes))
        return pointer

    def functions(self) -> dict[str, FunctionFacts]:
        """See Session."""
        found = {}
        for name, function in self._functions.items():
            registers, shared = ctypes.c_int(), ctypes.c_int()
            self._call("cuFuncGetAttribute", ctypes.byref(registers), _FUNCTION_REGISTERS, function)
            self._call("cuFuncGetAttribute", ctypes.byref(shared), _FUNCTION_SHARED, function)
            found[name] = FunctionFacts(registers.value, shared.value)
        return found

    def sets(self) -> int:
        """See Session."""
        return self._sets

    def restored_bytes(self) -> int:
        """See Session."""
        return sum(self._inputs[name].nbytes for name in self._pristine)

    def reset(self, which: int) -> None:
        """See Session."""
        for name, source in self._pristine.items():
            size = ctypes.c_size_t(self._inputs[name].nbytes)
            if size.value:
                self._call("cuMemcpyDtoDAsync_v2", self._addresses[which][name], source, size, self._device.stream)

    def _submit(self, prepared: list[_Prepared]) -> None:
        launch, stream = self._device.driver.launch, self._device.stream
        for one in prepared:
            launch(*one.head, stream, one.pointers, None)

    def _wait(self) -> None:
        self._call("cuStreamSynchronize", self._device.stream)

    def run(self, which: int) -> None:
        """See Session."""
        self._submit(self._runs[which])
        self._wait()

    def timed(self, which: int) -> Timing:
        """See Session."""
        device, spin_ns = self._device, self._spin_ns
        cells = ctypes.c_uint64(spin_ns), device.clocks
        pointers = (ctypes.c_void_p * 2)(*[ctypes.addressof(cell) for cell in cells])
        self._call("cuLaunchKernel", device.spin, 1, 1, 1, 1, 1, 1, 0, device.stream, pointers, None)
        before = time.perf_counter_ns()
        self._call("cuEventRecord", device.start, device.stream)
        self._submit(self._runs[which])
        self._call("cuEventRecord", device.stop, device.stream)
        submission_ns = time.perf_counter_ns() - before
        self._wait()
        milliseconds = ctypes.c_float()
        self._call("cuEventElapsedTime", ctypes.byref(milliseconds), device.start, device.stop)
        counted = (ctypes.c_uint64 * 2)()
        self._call("cuMemcpyDtoH_v2", counted, device.clocks, ctypes.c_size_t(16))
        # The next repetition waits long enough for what this one took to submit.
        self._spin_ns = max(spin_ns, min(_SPIN_CEILING_NS, 2 * submission_ns + _SPIN_FLOOR_NS // 2))
        clock = counted[0] / counted[1] * 1e3 if counted[1] else None
        return Timing(milliseconds.value * 1e-3, clock, late=submission_ns > spin_ns)

    def repeat(self, seconds: float, restore: bool) -> Repeated:
        """See Session."""
        begin, state = time.perf_counter(), self._device.state()
        self.reset(0)
        self.run(0)
        once = max(1e-6, time.perf_counter() - begin)
        batch = max(1, int(_BATCH_S / once))
        done, begin = 0, time.perf_counter()
        while (taken := time.perf_counter() - begin) < seconds:
            for _ in range(batch):
                if restore:
                    self.reset(0)
                self._submit(self._runs[0])
            state = self._device.state()
            self._wait()
            done += batch
        return Repeated(done, taken, state)

    def flush(self) -> None:
        """See Session."""
        device = self._device
        cells = device.scratch, ctypes.c_uint64(device.scratch_bytes // 16), device.clocks
        pointers = (ctypes.c_void_p * 3)(*[ctypes.addressof(cell) for cell in cells])
        grid, block = 8 * device.facts.sms, 256
        self._call("cuLaunchKernel", device.sweep, grid, 1, 1, block, 1, 1, 0, device.stream, pointers, None)

    def fetch(self, which: int, name: str) -> NDArray[Any]:
        """One buffer as it is now."""
        if name not in self._inputs:
            raise KeyError(name)
        array = np.empty_like(self._inputs[name])
        if array.nbytes:
            into, size = array.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(array.nbytes)
            self._call("cuMemcpyDtoH_v2", into, self._addresses[which][name], size)
        return array

    def download(self, which: int) -> Buffers:
        """See Session."""
        return LazyBuffers(self, which)

    def profiled(self, which: int, launches: int) -> None:
        """See Session."""
        self._wait()
        self._call("cuProfilerStart")
        self._submit(self._runs[which][:launches])
        self._wait()
        self._call("cuProfilerStop")

    def close(self) -> None:
        """See Session."""
        for pointer in self._pointers:
            self._device.driver.library.cuMemFree_v2(pointer)
        self._pointers.clear()
        self._device.driver.library.cuModuleUnload(self._module)
