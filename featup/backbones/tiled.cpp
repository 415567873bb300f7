#include "featup/backbones/tiled.h"

#include <algorithm>
#include <cmath>

#include "core/ops.h"

namespace fu {

namespace {

/// Weights of the cells of a window: 1 in the middle, falling linearly to the edges, never 0.
real weight_at(Index cell, Index cells) {
  return static_cast<real>(std::min(cell + 1, cells - cell)) / static_cast<real>((cells + 1) / 2);
}

class TiledBackbone : public Backbone {
 public:
  TiledBackbone(std::shared_ptr<const Backbone> backbone, Index window) : inner_(std::move(backbone)), window_(window) {
    require<UsageError>(!inner_->whole_image() && inner_->feature() != "attention", "[tiles] feature ",
                        inner_->feature(), " is of the whole image: windows have none to put together.");
    require<UsageError>(window >= inner_->patch() && window % inner_->patch() == 0, "[tiles] windows of ", window,
                        " pixels: the backbone's patches are ", inner_->patch(),
                        " pixels wide; give a multiple of that.");
  }
  std::string describe() const override {
    return inner_->describe() + ", in windows of " + std::to_string(window_) + " pixels";
  }
  std::vector<BackboneSetting> settings() const override { return inner_->settings(); }
  std::string feature() const override { return inner_->feature(); }
  Index patch() const override { return inner_->patch(); }
  Index channels() const override { return inner_->channels(); }
  Tensor features(const Tensor& image, const Progress& progress) const override;

 private:
  std::shared_ptr<const Backbone> inner_;
  Index window_;
};

/// Part of every image in a batch: (B,H,W,C) -> (B,rows,cols,C).
Tensor part_of(const Tensor& x, Index top, Index left, Index rows, Index cols) {
  Tensor out({x.dim(0), rows, cols, x.dim(3)});
  const Index row = cols * x.dim(3);
  for (Index b = 0; b < x.dim(0); ++b)
    for (Index i = 0; i < rows; ++i)
      std::copy_n(x.data() + (((b * x.dim(1) + top + i) * x.dim(2)) + left) * x.dim(3), row,
                  out.data() + (b * rows + i) * row);
  return out;
}

Tensor TiledBackbone::features(const Tensor& image, const Progress& progress) const {
  const Index p = patch(), c = channels();
  if (image.rank() != 4 || image.dim(1) % p != 0 || image.dim(2) % p != 0 ||
      std::max(image.dim(1), image.dim(2)) <= window_)
    return inner_->features(image, progress);
  const Index b = image.dim(0), h = image.dim(1) / p, w = image.dim(2) / p;
  const std::vector<Index> tops = window_starts(image.dim(1), window_, p),
                           lefts = window_starts(image.dim(2), window_, p);
  const Index rows = std::min(window_, image.dim(1)), cols = std::min(window_, image.dim(2)), wh = rows / p,
              ww = cols / p;
  Tensor sum = Tensor::zeros({b, h, w, c}), weights = Tensor::zeros({h, w});
  double done = 0;
  for (const Index top : tops)
    for (const Index left : lefts) {
      if (progress) progress(done++ / static_cast<double>(tops.size() * lefts.size()));
      const Tensor x = inner_->features(part_of(image, top, left, rows, cols));
      for (Index i = 0; i < wh; ++i)
        for (Index j = 0; j < ww; ++j) {
          const real weight = weight_at(i, wh) * weight_at(j, ww);
          const Index at = (top / p + i) * w + left / p + j;
          weights.data()[at] += weight;
          for (Index n = 0; n < b; ++n) {
            real* to = sum.data() + (n * h * w + at) * c;
            const real* from = x.data() + ((n * wh + i) * ww + j) * c;
            for (Index k = 0; k < c; ++k) to[k] += weight * from[k];
          }
        }
    }
  for (Index n = 0; n < b; ++n)
    for (Index at = 0; at < h * w; ++at) {
      const real scale = real(1) / weights.data()[at];
      real* to = sum.data() + (n * h * w + at) * c;
      for (Index k = 0; k < c; ++k) to[k] *= scale;
    }
  return sum;
}

}  // namespace

std::vector<Index> window_starts(Index length, Index window, Index patch) {
  if (length <= window) return {0};
  const Index span = (length - window) / patch, half = std::max<Index>(1, window / patch / 2),
              steps = (span + half - 1) / half;
  std::vector<Index> starts;
  for (Index i = 0; i <= steps; ++i) starts.push_back(span * i / steps * patch);
  return starts;
}

std::shared_ptr<const Backbone> tiled(std::shared_ptr<const Backbone> backbone, Index window) {
  return std::make_shared<const TiledBackbone>(std::move(backbone), window);
}

}  // namespace fu
