// A stand-in for the NVIDIA driver, against the prototypes of the real cuda.h: device memory is host memory, a launch
// calls the kernel compiled for the CPU (cuda_on_cpu), events read the host's clock. Faults come from the environment:
// FAKE_GPU_FAULT = "launch NAME" (illegal address), "crash NAME", "hang NAME", "wrong NAME", "memory".
#include <cuda.h>
#undef cuEventElapsedTime
#include <dirent.h>
#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

using Entry = void (*)(const unsigned *, const unsigned *, void **);

namespace {
struct Function {
    std::string name;
    Entry entry;
};
struct Event {
    std::chrono::steady_clock::time_point at;
};
std::map<std::string, Function *> functions;
bool lost = false;
int profiled = 0;  // 1 between cuProfilerStart and cuProfilerStop

bool fault(const char *kind, const std::string &name)
{
    const char *wanted = std::getenv("FAKE_GPU_FAULT");
    return wanted && (std::string(kind) + " " + name == wanted || std::string(kind) == wanted);
}

bool own(const std::string &name) { return name == "spin" || name == "sweep"; }

Entry find(const std::string &name)
{
    const std::string folder = std::getenv("FAKE_GPU_KERNELS");
    DIR *entries = opendir(folder.c_str());
    Entry found = nullptr;
    while (dirent *entry = entries ? readdir(entries) : nullptr) {
        const std::string path = folder + "/" + entry->d_name;
        if (path.size() > 3 && path.substr(path.size() - 3) == ".so")
            if (void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
                if (void *symbol = dlsym(library, ("run_" + name).c_str()))
                    found = reinterpret_cast<Entry>(symbol);
    }
    if (entries)
        closedir(entries);
    return found;
}
}  // namespace

#define CHECK_LOST \
    if (lost) \
        return CUDA_ERROR_ILLEGAL_ADDRESS

extern "C" {
CUresult cuInit(unsigned flags) { return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }
CUresult cuGetErrorName(CUresult error, const char **text)
{
    *text = error == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
            : error == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
                                                : "CUDA_ERROR_UNKNOWN";
    return CUDA_SUCCESS;
}
CUresult cuDriverGetVersion(int *version) { return *version = 13000, CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *count) { return *count = 1, CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *device, int ordinal) { return *device = ordinal, CUDA_SUCCESS; }
CUresult cuDeviceGetName(char *name, int length, CUdevice)
{
    std::strncpy(name, "NVIDIA Fake 90", size_t(length));
    return CUDA_SUCCESS;
}
CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) { return *bytes = size_t(1) << 30, CUDA_SUCCESS; }
CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice)
{
    std::strncpy(text, "0000:0a:00.0", size_t(length));
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice)
{
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 132; break;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: *value = 1 << 20; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
    default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) { return *context = reinterpret_cast<CUcontext>(1), CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext context) { return context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; }
CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    *stream = reinterpret_cast<CUstream>(2);
    return flags == CU_STREAM_DEFAULT ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuStreamSynchronize(CUstream)
{
    CHECK_LOST;
    return CUDA_SUCCESS;
}
CUresult cuEventCreate(CUevent *event, unsigned)
{
    *event = reinterpret_cast<CUevent>(new Event);
    return CUDA_SUCCESS;
}
CUresult cuEventRecord(CUevent event, CUstream stream)
{
    reinterpret_cast<Event *>(event)->at = std::chrono::steady_clock::now();
    return stream == reinterpret_cast<CUstream>(2) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent stop)
{
    CHECK_LOST;
    const auto taken = reinterpret_cast<Event *>(stop)->at - reinterpret_cast<Event *>(start)->at;
    *milliseconds = std::chrono::duration<float, std::milli>(taken).count();
    return CUDA_SUCCESS;
}
// The names of the functions are those of the ELF sections `.text.NAME` of the real cubin.
CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    if (std::memcmp(image, "\x7f" "ELF", 4))
        return CUDA_ERROR_INVALID_IMAGE;
    *module = reinterpret_cast<CUmodule>(3);
    return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *function, CUmodule, const char *name)
{
    Function *&known = functions[name];
    if (!known)
        known = new Function{name, own(name) ? nullptr : find(name)};
    *function = reinterpret_cast<CUfunction>(known);
    return known->entry || own(name) ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}
CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction)
{
    *value = attribute == CU_FUNC_ATTRIBUTE_NUM_REGS ? 40 : attribute == CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES ? 1024 : -1;
    return *value < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction, CUfunction_attribute attribute, int)
{
    return attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes)
{
    if (fault("memory", ""))
        return CUDA_ERROR_OUT_OF_MEMORY;
    *pointer = reinterpret_cast<CUdeviceptr>(std::malloc(bytes));
    return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr pointer)
{
    std::free(reinterpret_cast<void *>(pointer));
    return CUDA_SUCCESS;
}
CUresult cuMemGetInfo_v2(size_t *free, size_t *total) { return *free = *total = size_t(1) << 30, CUDA_SUCCESS; }
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
    CHECK_LOST;
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
    return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
    CHECK_LOST;
    std::memcpy(to, reinterpret_cast<void *>(from), bytes);
    return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream)
{
    CHECK_LOST;
    std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
    return CUDA_SUCCESS;
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t words, CUstream)
{
    for (size_t i = 0; i < words; i++)
        reinterpret_cast<unsigned *>(to)[i] = value;
    return CUDA_SUCCESS;
}
CUresult cuLaunchKernel(CUfunction handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream stream, void **arguments, void **extra)
{
    CHECK_LOST;
    const Function *function = reinterpret_cast<Function *>(handle);
    const unsigned grid[3] = {gx, gy, gz}, block[3] = {bx, by, bz};
    if (!gx || !gy || !gz || !bx || bx * by * bz > 1024 || shared > 227 * 1024 || extra || stream != reinterpret_cast<CUstream>(2))
        return CUDA_ERROR_INVALID_VALUE;
    if (fault("crash", function->name))
        std::abort();
    if (fault("hang", function->name))
        sleep(600);
    if (fault("launch", function->name))
        return lost = true, CUDA_SUCCESS;  // the fault shows at the next synchronisation
    if (function->name == "sweep")
        return CUDA_SUCCESS;
    if (function->name == "spin") {
        auto *out = reinterpret_cast<unsigned long long *>(*static_cast<CUdeviceptr *>(arguments[1]));
        out[1] = *static_cast<unsigned long long *>(arguments[0]);
        out[0] = out[1] * 17 / 10;  // 1,700 MHz
        return CUDA_SUCCESS;
    }
    if (profiled)
        if (const char *path = std::getenv("FAKE_GPU_PROFILE")) {
            FILE *file = std::fopen(path, "a");
            std::fprintf(file, "%s %u,%u,%u %u,%u,%u\n", function->name.c_str(), gx, gy, gz, bx, by, bz);
            std::fclose(file);
        }
    function->entry(grid, block, arguments);
    if (fault("wrong", function->name))  // in the first word of the third argument, the output of vectoradd
        (*static_cast<unsigned **>(arguments[2]))[0] ^= 0x00700000;
    return CUDA_SUCCESS;
}
CUresult cuProfilerStart() { return profiled = 1, CUDA_SUCCESS; }
CUresult cuProfilerStop() { return profiled = 0, CUDA_SUCCESS; }
}
