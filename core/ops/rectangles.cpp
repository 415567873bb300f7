#include "core/ops/rectangles.h"

#include <algorithm>

#include "core/error.h"

namespace fu {

Rectangles::Rectangles(Index batch, Index h, Index w) : batch_(batch), h_(h), w_(w) {}

void Rectangles::add(Index image, Index top, Index left, Index rows, Index cols) {
  require<ShapeError>(image >= 0 && image < batch_ && top >= 0 && left >= 0 && rows >= 1 && cols >= 1 &&
                          top + rows <= h_ && left + cols <= w_,
                      "[rectangles] ", rows, "x", cols, " at (", top, ",", left, ") of image ", image, " of ", batch_,
                      " images of ", h_, "x", w_, ": it must lie inside.");
  items_.push_back({image, top, left, rows, cols, weights_});
  weights_ += rows * cols;
}

void Rectangles::finish() {
  const Index across = (w_ + kTileCols - 1) / kTileCols, down = (h_ + kTileRows - 1) / kTileRows;
  const auto each_tile = [&](const Rectangle& r, const auto& f) {
    for (Index i = r.top / kTileRows; i * kTileRows < r.top + r.rows; ++i)
      for (Index j = r.left / kTileCols; j * kTileCols < r.left + r.cols; ++j)
        f(static_cast<std::size_t>((r.image * down + i) * across + j));
  };
  tile_begin_.assign(usize(batch_ * across * down + 1), 0);
  for (const Rectangle& r : items_) each_tile(r, [&](std::size_t t) { ++tile_begin_[t + 1]; });
  for (std::size_t t = 1; t < tile_begin_.size(); ++t) tile_begin_[t] += tile_begin_[t - 1];
  tile_items_.resize(usize(tile_begin_.back()));
  PoolVector<Index> next(tile_begin_);
  for (std::size_t i = 0; i < items_.size(); ++i)
    each_tile(items_[i], [&](std::size_t t) { tile_items_[usize(next[t]++)] = static_cast<std::int32_t>(i); });
}

RectangleArgs Rectangles::arguments(Index channels) const {
  return {batch_, h_, w_, channels, count(), items_.data(), tile_begin_.data(), tile_items_.data(), nullptr};
}

}  // namespace fu
