#include "core/ops/narrow.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/files/number_type.h"
#include "core/isa.h"

namespace fu {

namespace {

constexpr NarrowType kTypes[] = {NarrowType::none, NarrowType::f16, NarrowType::bf16, NarrowType::int8};

DType stored(NarrowType type) { return type == NarrowType::f16 ? DType::f16 : DType::bf16; }

Index row_length(const Tensor& x) { return x.rank() > 0 && x.dim(0) > 0 ? x.size() / x.dim(0) : 0; }

real int8_number(real x, real scale) { return std::clamp(std::nearbyint(x / scale), real(-127), real(127)); }

/// Numbers of 16 bits.
std::vector<std::uint16_t> halves(const Tensor& x, NarrowType type) {
  std::vector<unsigned char> bytes(usize(2 * x.size()));
  from_reals(stored(type), x.data(), x.size(), bytes.data());
  std::vector<std::uint16_t> numbers(usize(x.size()));
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<std::uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
  return numbers;
}

}  // namespace

const char* narrow_name(NarrowType type) {
  switch (type) {
    case NarrowType::none: return "f32";
    case NarrowType::f16: return "f16";
    case NarrowType::bf16: return "bf16";
    case NarrowType::int8: return "int8";
  }
  return "";
}

NarrowType narrow_type_of(const std::string& name) {
  for (const NarrowType type : kTypes)
    if (name == narrow_name(type)) return type;
  throw UsageError("[narrow] '" + name + "' is no type of weights. Choices are f32, f16, bf16 or int8.");
}

Tensor int8_scales(const Tensor& x) {
  const Index length = row_length(x);
  Tensor scales({x.rank() > 0 ? x.dim(0) : 0});
  for (Index i = 0; i < scales.size(); ++i) {
    float most = 0;
    for (Index p = 0; p < length; ++p) most = std::max(most, static_cast<float>(std::fabs(x.data()[i * length + p])));
    float scale = most / 127;
    std::uint32_t bits;
    std::memcpy(&bits, &scale, sizeof bits);
    bits = (bits + 0x7f) & ~0x7fu;  // a fraction of 16 bits, beside its leading 1
    std::memcpy(&scale, &bits, sizeof scale);
    scales.data()[i] = static_cast<real>(most < 1e-30f ? 1 : scale);
  }
  return scales;
}

Tensor int8_numbers(const Tensor& x, const Tensor& scales) {
  const Index length = row_length(x);
  Tensor numbers(x.shape());
  for (Index i = 0; i < x.size(); ++i) numbers.data()[i] = int8_number(x.data()[i], scales.data()[i / length]);
  return numbers;
}

bool fits_narrow(const Tensor& x, NarrowType type) {
  const real most = type == NarrowType::f16 ? real(65519.996) : real(3.38e38);
  return type == NarrowType::none ||
         std::all_of(x.data(), x.data() + x.size(), [most](real v) { return std::fabs(v) <= most; });
}

Tensor rounded_to(const Tensor& x, NarrowType type) {
  if (type == NarrowType::none || x.size() == 0) return x;
  if (type == NarrowType::int8) {
    const Tensor scales = int8_scales(x);
    const Index length = row_length(x);
    Tensor y = int8_numbers(x, scales);
    for (Index i = 0; i < y.size(); ++i) y.data()[i] *= scales.data()[i / length];
    return y;
  }
  std::vector<unsigned char> bytes(usize(2 * x.size()));
  Tensor y(x.shape());
  from_reals(stored(type), x.data(), x.size(), bytes.data());
  to_reals(stored(type), bytes.data(), x.size(), y.data());
  return y;
}

NarrowMatrix pack_narrow(const Tensor& weight, NarrowType type) {
  require<ShapeError>(weight.rank() == 2 && type != NarrowType::none, "[pack_narrow] weight ", weight.shape(), " as ",
                      narrow_name(type), ": must be (n,k), as f16, bf16 or int8.");
  NarrowMatrix m;
  m.type = type, m.n = weight.dim(0), m.k = weight.dim(1);
  m.packed = Tensor({kernels().narrow_packed_size(type, m.k, m.n)});
  if (type == NarrowType::int8) {
    m.scale = int8_scales(weight);
    std::vector<std::int8_t> rows(usize(weight.size()));
    for (Index i = 0; i < weight.size(); ++i)
      rows[usize(i)] = static_cast<std::int8_t>(int8_number(weight.data()[i], m.scale.data()[i / m.k]));
    kernels().narrow_pack(type, rows.data(), m.k, m.n, m.packed.data());
  } else {
    const std::vector<std::uint16_t> rows = halves(weight, type);
    kernels().narrow_pack(type, rows.data(), m.k, m.n, m.packed.data());
  }
  return m;
}

}  // namespace fu
