#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/ops.h"
#include "core/ops/resample.h"
#include "core/parallel.h"
#include "featup/fit/fitted_map.h"

namespace fu {

namespace {

PhotoWindow whole_of(Image photo) {
  const Extent size{photo.height, photo.width};
  return {std::move(photo), size, 0, 0};
}

}  // namespace

FittedRenderer::FittedRenderer(const FittedMap& fit, Image photo, const ChannelMap* map)
    : FittedRenderer(fit, whole_of(std::move(photo)), map) {}

FittedRenderer::FittedRenderer(const FittedMap& fit, PhotoWindow photo, const ChannelMap* map)
    : photo_(std::move(photo)), widths_(fit.widths), range_(normalize(fit.photo)) {
  require_pixels("fitted_renderer", photo_.pixels);
  // From the fit's channels to the result's: principal components back to features, then the caller's map. Both are
  // linear, so they are applied to the grid and to the network's last layer.
  Tensor matrix = fit.pca.components;
  constant_ = fit.pca.mean;
  if (map) {
    constant_ = constant_.size() > 0 ? matmul(constant_.reshape({1, -1}), map->matrix).reshape({-1})
                                     : Tensor::zeros({map->matrix.dim(1)});
    matrix = matrix.size() > 0 ? matmul(matrix, map->matrix) : map->matrix;
    if (map->offset.size() > 0) constant_ = constant_ + map->offset;
  }
  channels_ = matrix.size() > 0 ? matrix.dim(1) : fit.grid.size() > 0 ? fit.grid.dim(3) : fit.channels();
  if (fit.grid.size() > 0) {
    const Index gh = fit.grid.dim(1), gw = fit.grid.dim(2);
    cells_ = adaptive_avg_pool(denormalize(normalize(fit.photo)), gh, gw);
    grid_ =
        matrix.size() > 0 ? matmul(fit.grid.reshape({gh * gw, -1}), matrix).reshape({1, gh, gw, channels_}) : fit.grid;
  }
  if (fit.network) {
    signals_ = fit.network->signals();
    rows_ = linspace(-1, 1, photo_.whole.height), cols_ = linspace(-1, 1, photo_.whole.width);
    network_ = std::make_unique<PixelNetwork>(fit.network->network(matrix));
  }
}

void FittedRenderer::signal(double row, double col, const real* color, real* out) const {
  // Whole pixels lie exactly where the fit had them.
  const auto place = [](double at, const std::vector<real>& axis) {
    const auto i = static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(axis.size() - 1)));
    const double past = at - static_cast<double>(i),
                 step = axis.size() > 1 ? 2 / static_cast<double>(axis.size() - 1) : 0;
    return past == 0 ? axis[i] : static_cast<real>(static_cast<double>(axis[i]) + past * step);
  };
  out[0] = place(row, rows_), out[1] = place(col, cols_);
  if (signals_ > 2) range_.scale(color, out + 2);
}

void FittedRenderer::add_network(const std::vector<real>& signals, real* out) const {
  const auto n = static_cast<Index>(signals.size()) / signals_;
  Tensor y({n, channels_});
  network_->forward(Tensor::from({n, signals_}, signals), y.data(), nullptr, nullptr);
  parallel_ranges(n * channels_, Index{1} << 14, [&](Index b, Index e) {
    kernels().binary(Binary::add, out + b, 1, y.data() + b, 1, out + b, e - b);
  });
}

void FittedRenderer::render(Index top, Index left, Index rows, Index cols, real* out) {
  const Image& pixels = photo_.pixels;
  const Index row = top - photo_.top, col = left - photo_.left;  // in the pixels that are there
  require<ShapeError>(
      row >= 0 && col >= 0 && rows >= 1 && cols >= 1 && row + rows <= pixels.height && col + cols <= pixels.width,
      "[fitted map] ", rows, "x", cols, " pixels at (", top, ",", left, ") of ", pixels.height, "x", pixels.width,
      " at (", photo_.top, ",", photo_.left, "): they must lie inside.");
  const Index band = std::max<Index>(1, (Index{1} << 15) / cols);
  std::vector<real> signals;
  for (Index begin = top; begin < top + rows; begin += band) {
    const Index end = std::min(begin + band, top + rows);
    Image part{end - begin, cols, {}};
    for (Index i = begin; i < end; ++i) {
      const auto first = pixels.rgb.begin() + static_cast<std::ptrdiff_t>(((i - photo_.top) * pixels.width + col) * 3);
      part.rgb.insert(part.rgb.end(), first, first + static_cast<std::ptrdiff_t>(3 * cols));
    }
    const Tensor image = normalize(part);
    real* const to = out + (begin - top) * cols * channels_;
    const Index pixels = (end - begin) * cols;
    if (grid_.size() > 0) {
      taps_.weigh(denormalize(image).data(), {photo_.whole.height, photo_.whole.width, begin, left, end - begin, cols},
                  cells_, widths_);
      taps_.interpolate(grid_, to);
    } else {
      std::fill(to, to + pixels * channels_, real(0));
    }
    if (constant_.size() > 0)
      parallel_ranges(pixels, 64, [&](Index b, Index e) {
        for (Index p = b; p < e; ++p)
          kernels().binary(Binary::add, to + p * channels_, 1, constant_.data(), 1, to + p * channels_, channels_);
      });
    if (!network_) continue;
    signals.resize(usize(pixels * signals_));
    for (Index p = 0; p < pixels; ++p)
      signal(static_cast<double>(begin + p / cols), static_cast<double>(left + p % cols), image.data() + 3 * p,
             signals.data() + p * signals_);
    add_network(signals, to);
  }
}

/// The photo's colour at a place between pixels, normalised and interpolated bilinearly: (1,1,1,3).
Tensor FittedRenderer::color_at(double y, double x) const {
  const Index h = photo_.whole.height, w = photo_.whole.width;
  const double in_y = std::clamp(y, 0.0, static_cast<double>(h - 1)),
               in_x = std::clamp(x, 0.0, static_cast<double>(w - 1));
  const auto row = std::min(static_cast<Index>(in_y), std::max<Index>(0, h - 2)),
             col = std::min(static_cast<Index>(in_x), std::max<Index>(0, w - 2));
  Image around{1, 4, {}};
  for (Index t = 0; t < 4; ++t) {
    const Index at = std::min(row + t / 2, h - 1) * w + std::min(col + t % 2, w - 1);
    for (Index c = 0; c < 3; ++c) around.rgb.push_back(photo_.pixels.rgb[usize(3 * at + c)]);
  }
  const Tensor corners = normalize(around);
  const auto ty = static_cast<real>(in_y - static_cast<double>(row)),
             tx = static_cast<real>(in_x - static_cast<double>(col));
  Tensor color({1, 1, 1, 3});
  for (Index c = 0; c < 3; ++c) {
    const real* k = corners.data() + c;
    color.data()[c] = (1 - ty) * ((1 - tx) * k[0] + tx * k[3]) + ty * ((1 - tx) * k[6] + tx * k[9]);
  }
  return color;
}

Tensor FittedRenderer::at(const Tensor& points) {
  require<ShapeError>(points.rank() == 2 && points.dim(1) == 2, "[fitted map] points ", points.shape(),
                      ": must be (N,2), rows and columns.");
  const Index n = points.dim(0), h = photo_.whole.height, w = photo_.whole.width;
  require<ShapeError>(photo_.pixels.height == h && photo_.pixels.width == w,
                      "[fitted map] points want the whole photo, not a part of it.");
  Tensor result({n, channels_});
  std::vector<real> signals(usize(n * signals_));
  for (Index p = 0; p < n; ++p) {
    const auto y = static_cast<double>(points.data()[2 * p]), x = static_cast<double>(points.data()[2 * p + 1]);
    require<ShapeError>(
        y >= -0.5 && x >= -0.5 && y <= static_cast<double>(h) - 0.5 && x <= static_cast<double>(w) - 0.5,
        "[fitted map] point ", p, " at (", y, ",", x, ") lies outside the photo of ", h, "x", w, " pixels.");
    const Tensor color = color_at(y, x);
    real* out = result.data() + p * channels_;
    std::fill(out, out + channels_, real(0));
    if (grid_.size() > 0) {
      std::int32_t index[kBilateralTaps];
      real weight[kBilateralTaps];
      bilateral_taps(cells_, (y + 0.5) * static_cast<double>(cells_.dim(1)) / static_cast<double>(h) - 0.5,
                     (x + 0.5) * static_cast<double>(cells_.dim(2)) / static_cast<double>(w) - 0.5,
                     denormalize(color).data(), widths_, index, weight);
      kernels().gather_rows(grid_.data(), index, weight, kBilateralTaps, out, 1, channels_);
    }
    for (Index c = 0; constant_.size() > 0 && c < channels_; ++c) out[c] += constant_.data()[c];
    if (network_) signal(y, x, color.data(), signals.data() + p * signals_);
  }
  if (network_ && n > 0) add_network(signals, result.data());
  return result;
}

}  // namespace fu
