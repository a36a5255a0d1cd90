/* A stand-in for NVML: a board at 3,201 MHz memory clock, 61 degrees, that burns 350 W of wall time. */
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
int nvmlInit_v2(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned length)
{
    strncpy(text, "580.0", length);
    return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **handle)
{
    *handle = (void *)1;
    return strcmp(bus, "0000:0a:00.0") != 0;
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) { return *milliwatts = 350000, handle != (void *)1; }
int nvmlDeviceGetClockInfo(void *handle, int which, unsigned *mhz)
{
    *mhz = which == 2 ? 3201 : 1;
    return handle != (void *)1;
}
int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *degrees) { return *degrees = 61, handle != (void *)1 || sensor; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons)
{
    return *reasons = 0, handle != (void *)1;
}
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *millijoules)
{
    *millijoules = (unsigned long long)(350e3 * seconds());
    return handle != (void *)1;
}
