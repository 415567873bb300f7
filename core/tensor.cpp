#include "core/tensor.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "core/parallel.h"
#include "core/pool.h"

namespace fu {

Tensor::Tensor(const Shape& shape) : shape_(shape) {
  const Index n = shape.elements();
  // On 32 bits more bytes would wrap around to a small block.
  constexpr Index kMost = sizeof(void*) >= 8 ? Index{1} << 46 : Index{1} << 28;
  require<UsageError>(n < kMost, "[tensor] ", shape, " does not fit any memory. Ask for a smaller result.");
  const std::size_t bytes = sizeof(Block) + usize(n) * sizeof(real);
  block_ = new (pool_take(bytes)) Block{{1}, bytes};
}

void Tensor::release() noexcept {
  if (!block_ || block_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t bytes = block_->bytes;
  block_->~Block();
  pool_give(block_, bytes);
}

Tensor Tensor::full(const Shape& shape, real value) {
  Tensor t(shape);
  std::fill_n(t.data(), t.size(), value);
  return t;
}

Tensor Tensor::from(const Shape& shape, const std::vector<real>& values) {
  require<ShapeError>(shape.elements() == static_cast<Index>(values.size()), "[tensor] ", values.size(),
                      " values for shape ", shape, ", which takes ", shape.elements(), ".");
  Tensor t(shape);
  std::copy(values.begin(), values.end(), t.data());
  return t;
}

real Tensor::item() const {
  require<ShapeError>(size() == 1, "[item] ", shape_, " has ", size(), " elements, not one.");
  return *data();
}

Tensor Tensor::reshape(std::initializer_list<Index> sizes) const {
  Index known = 1;
  int open = 0;
  for (Index s : sizes) s < 0 ? static_cast<void>(++open) : static_cast<void>(known *= s);
  Shape shape;
  for (Index s : sizes)
    shape.push_back(s < 0 ? (open == 1 && known > 0 && size() % known == 0 ? size() / known : 0) : s);
  return reshape(shape);
}

Tensor Tensor::reshape(const Shape& shape) const {
  require<ShapeError>(shape.elements() == size(), "[reshape] ", shape_, " to ", shape, ": ", size(),
                      " elements cannot become ", shape.elements(), ".");
  Tensor t(*this);
  t.shape_ = shape;
  return t;
}

Tensor Tensor::clone() const {
  Tensor t(shape_);
  if (size() > 0) std::memcpy(t.data(), data(), usize(size()) * sizeof(real));
  return t;
}

Tensor Tensor::slice(Index begin, Index end) const {
  require<ShapeError>(rank() >= 1 && begin >= 0 && begin <= end && end <= dim(0), "[slice] rows [", begin, ",", end,
                      ") of ", shape_, ": must lie within the first axis.");
  Shape shape = shape_;
  shape.set(0, end - begin);
  Tensor t(shape);
  const Index row = shape_.elements(1, rank());
  std::copy_n(data() + begin * row, t.size(), t.data());
  return t;
}

Tensor Tensor::permute(const Shape& order) const {
  const int r = rank();
  bool valid = order.rank() == r;
  int seen = 0;
  for (int i = 0; valid && i < r; ++i) {
    valid = order[i] < r && !(seen >> order[i] & 1);
    if (valid) seen |= 1 << order[i];
  }
  require<ShapeError>(valid, "[permute] the order ", order, " of the axes of ", shape_,
                      " must name each of them once.");
  Shape shape;
  Index stride[Shape::kMaxRank] = {};
  for (int i = 0; i < r; ++i) {
    const int axis = static_cast<int>(order[i]);
    stride[shape.rank()] = shape_.elements(axis + 1, r);
    shape.push_back(shape_[axis]);
  }
  if (r == 0) return clone();
  Tensor t(shape);
  if (t.size() == 0) return t;
  // The result is written along its last axis. A run of elements there has a constant distance in the source.
  const Index inner = shape[r - 1], inner_stride = stride[r - 1], rows = t.size() / inner;
  real* const out = t.data();
  const real* const in = data();
  parallel_ranges(rows, std::max<Index>(1, 16384 / inner), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      Index from = 0, rest = row;
      for (int i = r - 2; i >= 0; --i) {
        from += rest % shape[i] * stride[i];
        rest /= shape[i];
      }
      real* to = out + row * inner;
      if (inner_stride == 1)
        std::copy_n(in + from, inner, to);
      else
        for (Index i = 0; i < inner; ++i) to[i] = in[from + i * inner_stride];
    }
  });
  return t;
}

}  // namespace fu
