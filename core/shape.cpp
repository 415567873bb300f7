#include "core/shape.h"

namespace fu {

void Shape::push_back(Index size) {
  require<ShapeError>(size >= 0, "[shape] size ", size, " is negative. Sizes are 0 or more.");
  require<ShapeError>(rank_ < kMaxRank, "[shape] more than ", kMaxRank, " axes. Merge some of them.");
  sizes_[rank_++] = size;
}

Index Shape::elements() const { return elements(0, rank_); }

Index Shape::elements(int begin, int end) const {
  Index n = 1;
  bool empty = false, overflow = false;
  for (int i = begin; i < end; ++i) {
    if (sizes_[i] == 0) empty = true;
    Index product = 0;
    if (__builtin_mul_overflow(n, sizes_[i] == 0 ? 1 : sizes_[i], &product) || product > (Index{1} << 60))
      overflow = true;
    if (!overflow) n = product;
  }
  require<ShapeError>(empty || !overflow, "[shape] ", *this, " has more elements than can be counted.");
  return empty ? 0 : n;
}

std::string Shape::str() const {
  std::string s = "(";
  for (int i = 0; i < rank_; ++i) s += (i ? "," : "") + std::to_string(sizes_[i]);
  return s + ")";
}

bool Shape::operator==(const Shape& other) const {
  if (rank_ != other.rank_) return false;
  for (int i = 0; i < rank_; ++i)
    if (sizes_[i] != other.sizes_[i]) return false;
  return true;
}

int Shape::checked(int axis) const {
  const int i = axis < 0 ? axis + rank_ : axis;
  require<ShapeError>(i >= 0 && i < rank_, "[shape] axis ", axis, " of ", *this, ", which has ", rank_, ".");
  return i;
}

}  // namespace fu
