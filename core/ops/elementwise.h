// Operations element by element, with broadcasting.
#pragma once

#include "core/kernels/types.h"
#include "core/tensor.h"

namespace fu {

/// y = op(x), element by element: x of any shape -> y of the same.
///   p, q: the parameters of clamp_min, clamp_max (the bound p) and affine (x * p + q).
Tensor unary(Unary op, const Tensor& x, real p = 0, real q = 0);

/// y = op(a, b), element by element. The shapes are aligned at the last axis; along each axis the sizes must be equal,
/// or one of them 1, which is repeated. cost: one operation an element of y. throws ShapeError if they do not fit.
/// @code
/// const Tensor x = Tensor::full({2, 3}, 5), mean = Tensor::from({3}, {1, 2, 3});
/// const Tensor y = x - mean;  // the mean is repeated for both rows
/// assert(y.data()[5] == 2);
/// @endcode
Tensor binary(Binary op, const Tensor& a, const Tensor& b);
inline Tensor operator+(const Tensor& a, const Tensor& b) { return binary(Binary::add, a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return binary(Binary::sub, a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return binary(Binary::mul, a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return binary(Binary::div, a, b); }

/// y += x, in place. y is the caller's own, the shapes are equal. throws ShapeError otherwise.
void add_to(Tensor& y, const Tensor& x);

}  // namespace fu
