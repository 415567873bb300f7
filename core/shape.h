// Sizes of a tensor along its axes, held in place: making a shape never allocates.
#pragma once

#include <initializer_list>
#include <string>

#include "core/base.h"
#include "core/error.h"

namespace fu {

/// Up to 8 axes, outermost first. A rank of 0 is a scalar: one element.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<Index> sizes) {
    for (Index s : sizes) push_back(s);
  }

  int rank() const { return rank_; }
  /// Size along an axis; negative axes count from the end. Throws ShapeError if there is no such axis.
  Index operator[](int axis) const { return sizes_[checked(axis)]; }
  void set(int axis, Index size) { sizes_[checked(axis)] = size; }
  /// Appends an axis. Throws ShapeError for a negative size or a ninth axis.
  void push_back(Index size);

  /// Number of elements. Throws ShapeError where it does not fit 62 bits.
  Index elements() const;
  /// Elements of the axes [begin, end).
  Index elements(int begin, int end) const;

  /// "(1,14,14,384)"
  std::string str() const;

  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }

 private:
  int checked(int axis) const;

  Index sizes_[kMaxRank] = {};
  int rank_ = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

}  // namespace fu
