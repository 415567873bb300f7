// Weights as narrow numbers: how they are rounded, and the order in which the matrix product reads them.
#pragma once

#include <cstdint>
#include <string>

#include "core/kernels/types.h"
#include "core/tensor.h"

namespace fu {

/// "f16", "bf16", "int8"; "f32" of NarrowType::none.
const char* narrow_name(NarrowType type);
/// The type of such a name. throws UsageError for another one.
NarrowType narrow_type_of(const std::string& name);

/// The scale of each row of x (rows,..) as int8: the largest |x| divided by 127, rounded up to 17 bits, so that whole
/// numbers up to 127 times a scale are exact; 1 for a row of zeros  ->  (rows)
Tensor int8_scales(const Tensor& x);
/// x (rows,..) divided by its rows' scales and rounded, ties to even  ->  whole numbers from -127 to 127, shaped as x
Tensor int8_numbers(const Tensor& x, const Tensor& scales);
/// Whether the type holds all numbers of x: they are finite, and f16 holds none from 65520 on.
bool fits_narrow(const Tensor& x, NarrowType type);
/// x (rows,..) as it is read after it was written in that type; int8 with a scale for each row. To round again changes
/// nothing. none: x itself.
Tensor rounded_to(const Tensor& x, NarrowType type);

/// Weights (n,k) as the matrix product reads them. The order belongs to the instruction set in use when it was made.
struct NarrowMatrix {
  NarrowType type = NarrowType::none;
  Index n = 0, k = 0;
  Tensor packed;  // memory that holds the numbers, as the kernel narrow_pack wrote them
  Tensor scale;   // (n) of int8; else of size 0
};

/// weight (n,k), rounded as rounded_to() does. throws ShapeError for another rank.
/// @code
/// const Tensor weight = Tensor::from({2, 3}, {1, 2, 3, -1, 0, 1}), x = Tensor::full({4, 3}, 1);
/// const PackedLinear layer(pack_narrow(weight, NarrowType::bf16), Tensor(), Tensor());
/// assert(layer(x).data()[0] == 6);
/// @endcode
NarrowMatrix pack_narrow(const Tensor& weight, NarrowType type);

}  // namespace fu
