// Sizes of a tensor along its axes. A shape holds them inside itself, so it never allocates memory.
#pragma once

#include <initializer_list>
#include <string>

#include "core/base.h"
#include "core/error.h"

namespace fu {

/// Up to 8 axes, outermost first. The number of axes is the rank; rank 0 is a scalar, which has one element.
class Shape {
 public:
  static constexpr int kMaxRank = 8;  // axes at most

  Shape() = default;
  /// {1, 14, 14, 384}. throws as push_back().
  Shape(std::initializer_list<Index> sizes) {
    for (Index s : sizes) push_back(s);
  }

  int rank() const { return rank_; }
  /// Size along an axis. Negative axes count from the end: -1 is the last. throws ShapeError if there is no such axis.
  Index operator[](int axis) const { return sizes_[checked(axis)]; }
  /// Gives an axis another size. throws as above.
  void set(int axis, Index size) { sizes_[checked(axis)] = size; }
  /// Appends an axis. throws ShapeError if the size is negative, or if there are 8 axes already.
  void push_back(Index size);

  /// Number of elements: the product of all sizes. throws ShapeError if it exceeds 2^60.
  Index elements() const;
  /// The product of the sizes of axes [begin, end); 1 if there are none. throws as above.
  Index elements(int begin, int end) const;

  /// As text: "(1,14,14,384)".
  std::string str() const;

  /// Whether rank and all sizes are equal.
  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

 private:
  int checked(int axis) const;

  Index sizes_[kMaxRank] = {};
  int rank_ = 0;
};

/// Prints str().
inline std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

}  // namespace fu
