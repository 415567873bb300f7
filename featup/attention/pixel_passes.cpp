#include "featup/attention/pixel_passes.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

using Band = PixelBands::Band;

constexpr Index kMostKept = Index{12} << 20;  // reals of a map that is kept to save a layer: 48 MB

/// Cosines and sines of the angles of rows and columns: (H,C) and (W,C).
struct RotationTables {
  Tensor row_cos, row_sin, col_cos, col_sin;
  RotationTables(const Tensor& freqs, Index height, Index width) {
    fill(freqs.data(), freqs.dim(1), height, row_cos, row_sin);
    fill(freqs.data() + freqs.dim(1), freqs.dim(1), width, col_cos, col_sin);
  }
  void turn(const Band& band, Index channels, real* x) const {
    PlaceRotationArgs args;
    args.n = band.count, args.c = channels;
    args.row_cos = row_cos.data() + band.row * channels, args.row_sin = row_sin.data() + band.row * channels;
    args.col_cos = col_cos.data() + band.col * channels, args.col_sin = col_sin.data() + band.col * channels;
    args.x = x, args.y = x;
    kernels().place_rotation(args);
  }

 private:
  static void fill(const real* freqs, Index c, Index n, Tensor& cosines, Tensor& sines) {
    cosines = Tensor({n, c}), sines = Tensor({n, c});
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < c; ++j) {
        const double place = n > 1 ? static_cast<double>(i) / static_cast<double>(n - 1) : 0,
                     angle = place * static_cast<double>(freqs[j]);
        cosines.data()[i * c + j] = static_cast<real>(std::cos(angle));
        sines.data()[i * c + j] = static_cast<real>(std::sin(angle));
      }
  }
};

/// Adaptive average pooling of silu(norm(x)): (1,H,W,C) -> (1,rows,cols,C). memory: a map (H,cols,C).
Tensor pooled_activations(const Tensor& x, const ChannelAffine& norm, Index rows, Index cols) {
  const Index h = x.dim(1), w = x.dim(2), c = x.dim(3);
  const AxisMap col_map = average_axis(w, cols), row_map = average_axis(h, rows);
  const int workers = threads();
  Tensor narrow({h, cols, c}), buffers({workers, w * c}), y({1, rows, cols, c});
  parallel_for(h, workers, [&](Index i, int worker) {
    real* row = buffers.data() + worker * w * c;
    kernels().affine_rows(x.data() + i * w * c, norm.scale.data(), norm.shift.data(), Activation::silu, row, w, c);
    kernels().map_rows(col_map.rows(), 0, cols, 0, row, c, narrow.data() + i * cols * c, c, c, false);
  });
  kernels().resample_axis(narrow.data(), y.data(), 1, cols * c, row_map.rows());
  return y;
}

}  // namespace

ImageEncoder::ImageEncoder(const Encoder& image, const Encoder& key, const Encoder& query,
                           const PlaceRotation& rotation)
    : image_(image), key_(key), query_(query), freqs_(rotation.freqs.value) {}

EncodedImage ImageEncoder::operator()(const Tensor& image, Index query_rows, Index query_cols, Index key_rows,
                                      Index key_cols) const {
  require<ShapeError>(image.rank() == 4 && image.dim(0) == 1 && image.dim(3) == 3 && image.size() > 0,
                      "[attention] image ", image.shape(), ": must be (1,H,W,3).");
  const Index h = image.dim(1), w = image.dim(2), c = image_.width;
  const PixelBands bands(h, w, c);
  const RotationTables rotation(freqs_, h, w);
  Tensor a({1, h, w, c}), b({1, h, w, c});
  // The first layer, 3 multiplications a channel, runs again wherever its result is wanted.
  const auto colors = [&](const Band& band, real* moments) {
    image_.first.run(image.data() + 3 * band.first, band.count, nullptr, nullptr, band.buffer, moments, band.scratch);
  };
  ChannelAffine norm = image_.norm(0, bands.pass([&](const Band& band) { colors(band, band.moments); }));
  norm = image_.norm(1, bands.pass([&](const Band& band) {
    colors(band, nullptr);
    image_.convs[0].run(band.buffer, band.count, &norm, nullptr, a.data() + c * band.first, band.moments, band.scratch);
  }));
  norm = image_.norm(2, bands.pass([&](const Band& band) {
    real* x = a.data() + c * band.first;
    colors(band, nullptr);
    image_.convs[1].run(x, band.count, &norm, band.buffer, x, band.moments, band.scratch);
  }));
  norm = image_.norm(3, bands.pass([&](const Band& band) {
    image_.convs[2].run(a.data() + c * band.first, band.count, &norm, nullptr, b.data() + c * band.first, band.moments,
                        band.scratch);
  }));
  BandMoments first_of_keys = bands.pass([&](const Band& band) {
    real *x = a.data() + c * band.first, *y = b.data() + c * band.first;
    image_.convs[3].run(y, band.count, &norm, x, x, nullptr, band.scratch);
    rotation.turn(band, c, x);
    key_.first.run(x, band.count, nullptr, nullptr, y, band.moments, band.scratch);
  });
  EncodedImage encoded;
  encoded.keys = keys(bands, a, b, std::move(first_of_keys), key_rows, key_cols);
  encoded.queries = queries(bands, std::move(a), std::move(b), query_rows, query_cols);
  return encoded;
}

/// `map` holds the key encoder's first layer, and at the end what follows from it. A third map keeps the layer for the
/// residual connection; where that would be large, the layer is computed again from `encoded`.
Tensor ImageEncoder::keys(const PixelBands& bands, const Tensor& encoded, Tensor& map, BandMoments moments, Index rows,
                          Index cols) const {
  const Index c = key_.width;
  const bool keeps = map.size() <= kMostKept;
  Tensor inner = keeps ? Tensor(map.shape()) : map;
  const auto layer = [&](Index i, const ChannelAffine& norm, Tensor& from, Tensor& to) {
    return bands.pass([&](const Band& band) {
      key_.convs[i].run(from.data() + c * band.first, band.count, &norm, nullptr, to.data() + c * band.first,
                        band.moments, band.scratch);
    });
  };
  ChannelAffine norm = key_.norm(1, layer(0, key_.norm(0, moments), map, inner));
  norm = key_.norm(2, bands.pass([&](const Band& band) {
    real* y = map.data() + c * band.first;
    if (!keeps)
      key_.first.run(encoded.data() + c * band.first, band.count, nullptr, nullptr, band.buffer, nullptr, band.scratch);
    key_.convs[1].run(inner.data() + c * band.first, band.count, &norm, keeps ? y : band.buffer, y, band.moments,
                      band.scratch);
  }));
  inner = Tensor();
  Tensor pooled = adaptive_avg_pool(map, rows, cols);
  norm = key_.norm(3, layer(2, norm, map, map));
  add_to(pooled, key_.convs[3](pooled_activations(map, norm, rows, cols)));
  return pooled;
}

Tensor ImageEncoder::queries(const PixelBands& bands, Tensor a, Tensor b, Index rows, Index cols) const {
  const Index c = query_.width, h = a.dim(1), w = a.dim(2);
  const auto layer = [&](const PixelLayer& conv, Tensor& from, const ChannelAffine* norm, bool residual, Tensor& to) {
    return bands.pass([&](const Band& band) {
      real* y = to.data() + c * band.first;
      conv.run(from.data() + c * band.first, band.count, norm, residual ? y : nullptr, y, band.moments, band.scratch);
    });
  };
  ChannelAffine norm = query_.norm(0, layer(query_.first, a, nullptr, false, a));
  norm = query_.norm(1, layer(query_.convs[0], a, &norm, false, b));
  norm = query_.norm(2, layer(query_.convs[1], b, &norm, true, a));
  norm = query_.norm(3, layer(query_.convs[2], a, &norm, false, b));
  if (rows <= h && cols <= w && (rows < h || cols < w)) {
    Tensor pooled = adaptive_avg_pool(a, rows, cols);
    a = Tensor();
    add_to(pooled, query_.convs[3](pooled_activations(b, norm, rows, cols)));
    return pooled;
  }
  layer(query_.convs[3], b, &norm, true, a);
  b = Tensor();
  return rows == h && cols == w ? a : adaptive_avg_pool(a, rows, cols);
}

QueryProjection::QueryProjection(const CrossProjection& projection)
    : conv_(projection.conv.weight.value, Tensor(), false),
      linear_(projection.weight<Tensor>(0), projection.bias<Tensor>(0)),
      norm_weight_(projection.norm_q.weight.value),
      eps_(projection.norm_q.eps()) {}

Tensor QueryProjection::operator()(Tensor queries, const ChannelAffine* norm) const {
  Tensor q = conv_(queries, norm, Activation::none, nullptr);
  queries = Tensor();
  const Index c = q.dim(3);
  PixelBands(q.dim(1), q.dim(2), c).pass([&](const Band& band) {
    real* x = q.data() + c * band.first;
    kernels().rms_norm(x, norm_weight_.data(), band.buffer, band.count, c, eps_);
    linear_.run(band.buffer, band.count, nullptr, nullptr, x, nullptr, band.scratch);
  });
  return q;
}

Tensor encode_pixels(const PixelEncoder& encoder, const Tensor& image) {
  const Index h = image.dim(1), w = image.dim(2), c = encoder.width;
  const PixelBands bands(h, w, c);
  Tensor map({1, h, w, c});
  const auto colors = [&](const Band& band, real* moments) {
    encoder.first.run(image.data() + 3 * band.first, band.count, nullptr, nullptr, band.buffer, moments, band.scratch);
  };
  ChannelAffine norm = encoder.norm(0, bands.pass([&](const Band& band) { colors(band, band.moments); }));
  for (Index i = 0; i < 4; ++i) {
    BandMoments moments = bands.pass([&](const Band& band) {
      real *y = map.data() + c * band.first, *x = i == 0 ? band.buffer : y;
      if (i == 0) colors(band, nullptr);
      encoder.convs[i].run(x, band.count, &norm, nullptr, y, band.moments, band.scratch);
    });
    if (i < 3) norm = encoder.norm(i + 1, moments);
  }
  return map;
}

}  // namespace fu
