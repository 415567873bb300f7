// Helpers that the operations share: axes counted from the end, shapes with another last axis.
#pragma once

#include "core/shape.h"

namespace fu {

/// The axis of x, counted from the front; negative axes count from the end. throws ShapeError naming `op` if there is
/// no such axis.
inline int front_axis(const char* op, const Shape& x, int axis) {
  const int i = axis < 0 ? axis + x.rank() : axis;
  require<ShapeError>(i >= 0 && i < x.rank(), "[", op, "] axis ", axis, " of ", x, ", which has ", x.rank(), ".");
  return i;
}

/// The shape with another size of its last axis.
inline Shape with_last(const Shape& shape, Index size) {
  Shape result = shape;
  result.set(-1, size);
  return result;
}

}  // namespace fu
