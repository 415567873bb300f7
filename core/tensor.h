// A dense, row-major array of reals, in memory from the pool (core/pool.h).
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "core/shape.h"

namespace fu {

/// Copies share their storage: to pass a tensor by value costs one atomic increment. The function that makes a tensor
/// writes its elements; nobody changes them afterwards, except an optimizer its parameters. A const Tensor gives access
/// to const elements only. Images are (B,H,W,C) and tokens (B,N,C), so a pixel's feature vector is contiguous.
/// Different threads may use different Tensor objects at once, even if these share storage.
/// @code
/// const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6});
/// const Tensor y = x.reshape({3, -1});       // the same storage: (3,2)
/// assert(y.data() == x.data() && y.dim(1) == 2);
/// assert(x.permute({1, 0}).data()[1] == 4);  // a copy: (3,2), rows were columns
/// @endcode
class Tensor {
 public:
  /// Shape (0), no storage.
  Tensor() : shape_{0} {}
  /// Elements are undefined. throws UsageError if the memory limit, or the machine's memory, does not allow it.
  explicit Tensor(const Shape& shape);
  /// All elements equal.
  static Tensor full(const Shape& shape, real value);
  /// All elements 0.
  static Tensor zeros(const Shape& shape) { return full(shape, 0); }
  /// Elements in row-major order. throws ShapeError unless there are as many values as the shape has elements.
  static Tensor from(const Shape& shape, const std::vector<real>& values);

  Tensor(const Tensor& other) noexcept : shape_(other.shape_), block_(other.block_) { retain(); }
  Tensor(Tensor&& other) noexcept : shape_(other.shape_), block_(std::exchange(other.block_, nullptr)) {
    other.shape_ = Shape{0};
  }
  Tensor& operator=(Tensor other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Tensor() { release(); }

  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  Index dim(int axis) const { return shape_[axis]; }
  Index size() const { return shape_.elements(); }

  /// The elements, aligned to 64 bytes; null if the tensor has no storage.
  real* data() { return block_ ? block_->data() : nullptr; }
  const real* data() const { return block_ ? block_->data() : nullptr; }
  /// Whether no other Tensor object shares the storage.
  bool unique() const { return !block_ || block_->owners.load(std::memory_order_acquire) == 1; }
  /// The element of a tensor that has exactly one. throws ShapeError if it has more or none.
  real item() const;

  /// The same elements under another shape, in the same storage. One size may be -1: it is computed from the others.
  /// throws ShapeError if the numbers of elements differ.
  Tensor reshape(std::initializer_list<Index> sizes) const;
  Tensor reshape(const Shape& shape) const;
  /// A copy with its own storage.
  Tensor clone() const;
  /// A copy with the axes in another order: axis i of the result is axis order[i] of this tensor. throws ShapeError
  /// unless `order` names each axis once.
  Tensor permute(const Shape& order) const;
  /// A copy of the part [begin, end) along the first axis. throws ShapeError if that lies outside.
  Tensor slice(Index begin, Index end) const;

 private:
  // The counter of owners stands before the elements in the same block of memory: one allocation per tensor.
  struct alignas(64) Block {
    std::atomic<Index> owners;
    std::size_t bytes;
    real* data() { return reinterpret_cast<real*>(this + 1); }
  };
  void retain() const noexcept {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept;

  Shape shape_;
  Block* block_ = nullptr;
};

}  // namespace fu
