// Rectangles of images, each pixel of each with a weight of its own: what pooling reads.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/pool.h"

namespace fu {

/// Rectangles of images (batch,h,w,C), in the order in which they are added; weights of one follow those of the one
/// before, row by row.
class Rectangles {
 public:
  Rectangles(Index batch, Index h, Index w);
  /// throws ShapeError if it is empty or not inside the image.
  void add(Index image, Index top, Index left, Index rows, Index cols);

  Index batch() const { return batch_; }
  Index h() const { return h_; }
  Index w() const { return w_; }
  Index count() const { return static_cast<Index>(items_.size()); }
  /// Weights of all of them.
  Index weights() const { return weights_; }
  const Rectangle& operator[](Index i) const { return items_[static_cast<std::size_t>(i)]; }
  /// To be called after the last was added: finds out which rectangles meet which part of the images.
  void finish();
  RectangleArgs arguments(Index channels) const;

 private:
  Index batch_, h_, w_, weights_ = 0;
  PoolVector<Rectangle> items_;
  PoolVector<Index> tile_begin_;
  PoolVector<std::int32_t> tile_items_;
};

}  // namespace fu
