// Number types of files, and their conversion to and from `real`.
#pragma once

#include "core/base.h"
#include "core/error.h"

namespace fu {

/// Number types that files hold. In memory everything is `real`.
enum class DType { f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean, f8_e4m3, f8_e5m2 };

/// Bytes of one number.
Index dtype_size(DType type);
/// "f16", "bf16", ..., "bool", "f8_e4m3", "f8_e5m2".
const char* dtype_name(DType type);

/// Converts n little-endian numbers (at any alignment) to reals.
void to_reals(DType type, const unsigned char* bytes, Index n, real* out);
/// Converts n reals to f16, bf16, f32 or f64, little-endian. Rounds to nearest, ties to even; what is too large becomes
/// infinite. Or to i8: whole numbers from -128 to 127. throws UsageError for another type.
void from_reals(DType type, const real* in, Index n, unsigned char* bytes);

}  // namespace fu
