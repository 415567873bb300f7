// A dense, row-major array of reals in shared storage from the pool.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "core/shape.h"

namespace fu {

/// Copies share storage: passing a tensor by value costs a counter. Contents are written once, by whoever made the
/// tensor, and are not changed afterwards; only an optimizer writes parameters. Const is deep: a const Tensor gives
/// const data. Images are (B,H,W,C), tokens (B,N,C): a pixel's feature vector is contiguous.
class Tensor {
 public:
  /// No storage, shape (0).
  Tensor() : shape_{0} {}
  /// Storage of that shape, contents undefined. Throws UsageError if there is no such memory.
  explicit Tensor(const Shape& shape);
  static Tensor full(const Shape& shape, real value);
  static Tensor zeros(const Shape& shape) { return full(shape, 0); }
  /// Throws ShapeError if the number of values is not that of the shape.
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

  real* data() { return block_ ? block_->data() : nullptr; }
  const real* data() const { return block_ ? block_->data() : nullptr; }
  /// Whether no other tensor shares the storage.
  bool unique() const { return !block_ || block_->owners.load(std::memory_order_acquire) == 1; }
  /// The only element of a tensor of size 1. Throws ShapeError for another size.
  real item() const;

  /// The same elements under another shape, sharing storage. One size may be -1: whatever is left. Throws ShapeError if
  /// the sizes differ.
  Tensor reshape(std::initializer_list<Index> sizes) const;
  Tensor reshape(const Shape& shape) const;
  /// A copy in storage of its own.
  Tensor clone() const;
  /// A copy with the axes in another order: axis i of the result is axis order[i] of this.
  Tensor permute(const Shape& order) const;
  /// A copy of rows [begin, end) of the first axis.
  Tensor slice(Index begin, Index end) const;

 private:
  // The counter lives in front of the data, in the same block: one allocation a tensor.
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
