// Half precision for cuda_on_cpu.h: the compiler's _Float16, which rounds each operation as the hardware does.
#pragma once
#include "cuda_on_cpu.h"

struct __half {
    _Float16 value;
    __half() = default;
    __half(float x) : value(_Float16(x)) {}
    operator float() const { return float(value); }
};
using half = __half;
struct alignas(4) __half2 {
    __half x, y;
};
using half2 = __half2;

inline __half __float2half(float x) { return __half(x); }
inline __half __float2half_rn(float x) { return __half(x); }
inline float __half2float(__half x) { return float(x.value); }
inline __half2 __floats2half2_rn(float x, float y) { return {__half(x), __half(y)}; }
inline __half2 __float2half2_rn(float x) { return {__half(x), __half(x)}; }
inline __half2 __half2half2(__half x) { return {x, x}; }
inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
inline float2 __half22float2(__half2 x) { return {float(x.x), float(x.y)}; }
inline float __low2float(__half2 x) { return float(x.x); }
inline float __high2float(__half2 x) { return float(x.y); }
inline __half __low2half(__half2 x) { return x.x; }
inline __half __high2half(__half2 x) { return x.y; }
#define HALF2(name, op) \
    inline __half2 name(__half2 a, __half2 b) \
    { \
        __half2 r; \
        r.x.value = _Float16(a.x.value op b.x.value); \
        r.y.value = _Float16(a.y.value op b.y.value); \
        return r; \
    }
HALF2(__hadd2, +) HALF2(__hsub2, -) HALF2(__hmul2, *)
inline __half2 __hfma2(__half2 a, __half2 b, __half2 c)
{
    // The product is exact in float; one more rounding than the hardware in rare ties.
    return {__half(float(a.x) * float(b.x) + float(c.x)), __half(float(a.y) * float(b.y) + float(c.y))};
}
inline __half __hadd(__half a, __half b) { return __half(float(a) + float(b)); }
inline __half __hmul(__half a, __half b) { return __half(float(a) * float(b)); }
inline __half2 __shfl_xor_sync(unsigned mask, __half2 v, int flip)
{
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    bits = __shfl_xor_sync(mask, bits, flip, 32);
    std::memcpy(&v, &bits, 4);
    return v;
}
