#include "core/files/number_type.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace fu {

Index dtype_size(DType type) {
  switch (type) {
    case DType::i8:
    case DType::u8:
    case DType::f8_e4m3:
    case DType::f8_e5m2:
    case DType::boolean: return 1;
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16: return 2;
    case DType::f32:
    case DType::i32:
    case DType::u32: return 4;
    case DType::f64:
    case DType::i64:
    case DType::u64: return 8;
  }
  return 0;
}

const char* dtype_name(DType type) {
  constexpr const char* kNames[] = {"f16", "bf16", "f32", "f64", "i8",   "i16",     "i32",    "i64",
                                    "u8",  "u16",  "u32", "u64", "bool", "f8_e4m3", "f8_e5m2"};
  return kNames[static_cast<int>(type)];
}

namespace {

constexpr bool kLittleEndian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

/// A number from a file, little-endian at any alignment.
template <class T>
T load_as(const unsigned char* p) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, p, sizeof bytes);
  if (!kLittleEndian) std::reverse(bytes, bytes + sizeof bytes);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
void store_as(T value, unsigned char* p) {
  std::memcpy(p, &value, sizeof value);
  if (!kLittleEndian) std::reverse(p, p + sizeof value);
}

float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 0) {  // zero or denormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Eight bits: sign, four of the exponent (bias 7), three of the mantissa. It has no infinity, and one NaN of each
/// sign. source: Micikevicius et al., "FP8 formats for deep learning" (arXiv 2209.05433)
real f8_e4m3_to_real(unsigned char bits) {
  const int exponent = bits >> 3 & 15, mantissa = bits & 7;
  const double magnitude = exponent == 15 && mantissa == 7 ? NAN
                           : exponent == 0                 ? std::ldexp(mantissa, -9)
                                                           : std::ldexp(8 + mantissa, exponent - 10);
  return static_cast<real>(bits & 128 ? -magnitude : magnitude);
}

std::uint16_t float_to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);   // not a number
  if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // rounds to 65536 or more
  if (magnitude < 0x38800000) {  // denormal: count in units of 2^-24; nearbyint rounds to even
    float positive;
    std::memcpy(&positive, &magnitude, sizeof positive);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::nearbyint(positive * 0x1p24f)));
  }
  const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

template <class T>
void convert(const unsigned char* bytes, Index n, real* out) {
  for (Index i = 0; i < n; ++i) out[i] = static_cast<real>(load_as<T>(bytes + usize(i) * sizeof(T)));
}

}  // namespace

void to_reals(DType type, const unsigned char* bytes, Index n, real* out) {
  switch (type) {
    case DType::f16:
      for (Index i = 0; i < n; ++i) out[i] = static_cast<real>(half_to_float(load_as<std::uint16_t>(bytes + 2 * i)));
      return;
    case DType::bf16:
      for (Index i = 0; i < n; ++i) {
        const std::uint32_t bits = static_cast<std::uint32_t>(load_as<std::uint16_t>(bytes + 2 * i)) << 16;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        out[i] = static_cast<real>(value);
      }
      return;
    case DType::f32: return convert<float>(bytes, n, out);
    case DType::f64: return convert<double>(bytes, n, out);
    case DType::i8: return convert<std::int8_t>(bytes, n, out);
    case DType::i16: return convert<std::int16_t>(bytes, n, out);
    case DType::i32: return convert<std::int32_t>(bytes, n, out);
    case DType::i64: return convert<std::int64_t>(bytes, n, out);
    case DType::u8: return convert<std::uint8_t>(bytes, n, out);
    case DType::u16: return convert<std::uint16_t>(bytes, n, out);
    case DType::u32: return convert<std::uint32_t>(bytes, n, out);
    case DType::u64: return convert<std::uint64_t>(bytes, n, out);
    case DType::boolean:
      for (Index i = 0; i < n; ++i) out[i] = bytes[i] ? 1 : 0;
      return;
    case DType::f8_e4m3:
      for (Index i = 0; i < n; ++i) out[i] = f8_e4m3_to_real(bytes[i]);
      return;
    case DType::f8_e5m2:  // the upper half of an f16
      for (Index i = 0; i < n; ++i)
        out[i] = static_cast<real>(half_to_float(static_cast<std::uint16_t>(bytes[i] << 8)));
      return;
  }
}

void from_reals(DType type, const real* in, Index n, unsigned char* bytes) {
  for (Index i = 0; i < n; ++i) {
    if (type == DType::f16) {
      store_as(float_to_half(static_cast<float>(in[i])), bytes + 2 * i);
    } else if (type == DType::bf16) {
      const auto f = static_cast<float>(in[i]);
      std::uint32_t bits;
      std::memcpy(&bits, &f, 4);
      if (f == f) bits += 0x7fff + (bits >> 16 & 1);
      store_as(static_cast<std::uint16_t>(bits >> 16), bytes + 2 * i);
    } else if (type == DType::f32) {
      store_as(static_cast<float>(in[i]), bytes + 4 * i);
    } else if (type == DType::i8) {
      store_as(static_cast<std::int8_t>(in[i]), bytes + i);
    } else {
      require<UsageError>(type == DType::f64, "[write] numbers can be written as f16, bf16, f32, f64 or i8, not ",
                          dtype_name(type), ".");
      store_as(static_cast<double>(in[i]), bytes + 8 * i);
    }
  }
}

}  // namespace fu
