// Rectangles of images, with a weight for each of their pixels: what attention pooling reads.
#pragma once

#include <vector>

#include "core/kernels/types.h"
#include "core/pool.h"

namespace fu {

/// A list of rectangles of images (batch,h,w,C). Their weights stand in one array: rectangle after rectangle in the
/// order in which they were added, each row by row.
class Rectangles {
 public:
  /// None yet, of images of that number and size.
  Rectangles(Index batch, Index h, Index w);
  /// throws ShapeError if it is empty or not inside the image.
  void add(Index image, Index top, Index left, Index rows, Index cols);

  Index batch() const { return batch_; }
  Index h() const { return h_; }
  Index w() const { return w_; }
  Index count() const { return static_cast<Index>(items_.size()); }
  /// Number of weights of all rectangles.
  Index weights() const { return weights_; }
  const Rectangle& operator[](Index i) const { return items_[usize(i)]; }
  /// To be called after the last was added: lists for each tile of the images which rectangles meet it.
  void finish();
  /// What the kernels read, for images of that many channels. Valid while this lives.
  RectangleArgs arguments(Index channels) const;

 private:
  Index batch_, h_, w_, weights_ = 0;
  PoolVector<Rectangle> items_;
  PoolVector<Index> tile_begin_;
  PoolVector<std::int32_t> tile_items_;
};

}  // namespace fu
