// The encoders of AnyUp, JAFAR and NAF on a whole image, in passes over bands of pixels. A group norm needs the
// statistics of the whole map, so there is one pass for each convolution: it applies the norm before it, whose
// statistics the pass before has taken, and takes those of the norm behind it.
#pragma once

#include <vector>

#include "featup/attention/blocks.h"

namespace fu {

/// A 1x1 convolution, packed: y = residual + bias + f(x) weight^T.
class PixelLayer {
 public:
  PixelLayer() = default;
  /// weight (n,k) or (n,1,1,k), bias (n) or of size 0
  PixelLayer(const Tensor& weight, const Tensor& bias);
  /// norm: f(x) = silu(x * scale + shift), or null: f(x) = x. residual, moments: see PixelLayerArgs. One thread.
  void run(const real* x, Index rows, const ChannelAffine* norm, const real* residual, real* y, real* moments,
           real* scratch) const;
  Tensor operator()(const Tensor& x) const;

 private:
  Index n_ = 0, k_ = 0;
  Tensor packed_, bias_;
};

/// A 3x3 convolution, packed.
class Conv3x3Layer {
 public:
  Conv3x3Layer() = default;
  /// weight (n,3,3,c), bias (n) or of size 0. reflect: borders are mirrored, else zero.
  Conv3x3Layer(const Tensor& weight, const Tensor& bias, bool reflect);
  /// f(x) = activation(x * scale + shift), or x for a null norm. x (1,H,W,c) -> (1,H,W,n). moments, of H bands, or
  /// null: receives those of the result.
  Tensor operator()(const Tensor& x, const ChannelAffine* norm, Activation activation, BandMoments* moments) const;

 private:
  Index n_ = 0, c_ = 0;
  bool reflect_ = false;
  Tensor packed_, bias_;
};

/// An Encoder whose layers are 1x1 convolutions, packed: first, and then 4 times norm, silu, convolution.
struct PixelEncoder {
  PixelEncoder() = default;
  explicit PixelEncoder(const Encoder& encoder);
  ChannelAffine norm(Index i, const BandMoments& moments) const;

  PixelLayer first, convs[4];
  Tensor weights[4], biases[4];
  Index width = 0;
};

/// Runs of neighbouring pixels of one row.
class PixelBands {
 public:
  PixelBands(Index height, Index width, Index channels);
  struct Band {
    Index first, count, row, col;      // pixels of the map, and where they begin
    real *buffer, *scratch, *moments;  // buffer (count, channels)
  };
  /// f(band) for all, on all threads; returns the moments that f has written.
  BandMoments pass(const std::function<void(const Band&)>& f) const;

 private:
  Index height_, width_, channels_, length_, per_row_;
};

struct EncodedImage {
  Tensor queries, keys;  // (1,height,width,C), (1,h,w,C)
};

/// What AnyUp and JAFAR make of an image: E = rotation(image encoder(x)), then pooled query encoder(E) and pooled key
/// encoder(E). Exact savings: what comes before the first norm is computed from the colours whenever it is needed, and
/// the last convolution of an encoder acts on pooled pixels.
class ImageEncoder {
 public:
  ImageEncoder() = default;
  ImageEncoder(const Encoder& image, const Encoder& key, const Encoder& query, const PlaceRotation& rotation);
  /// image (1,H,W,3), normalised. memory: two maps (H,W,C), a third one of at most 48 MB, and the results.
  EncodedImage operator()(const Tensor& image, Index query_rows, Index query_cols, Index key_rows,
                          Index key_cols) const;

 private:
  Tensor keys(const PixelBands& bands, const Tensor& encoded, Tensor& map, BandMoments moments, Index rows,
              Index cols) const;
  Tensor queries(const PixelBands& bands, Tensor encoded, Tensor map, Index rows, Index cols) const;

  PixelEncoder image_, key_, query_;
  Tensor freqs_;
};

/// CrossProjection's queries of a large map, packed.
class QueryProjection {
 public:
  QueryProjection() = default;
  explicit QueryProjection(const CrossProjection& projection);
  /// norm: applied to the queries first, or null. memory: one more map.
  Tensor operator()(Tensor queries, const ChannelAffine* norm) const;

 private:
  Conv3x3Layer conv_;
  PixelLayer linear_;
  Tensor norm_weight_;
  real eps_ = 0;
};

/// An Encoder of 1x1 convolutions without residuals, on an image (1,H,W,3) -> (1,H,W,C).
Tensor encode_pixels(const PixelEncoder& encoder, const Tensor& image);

}  // namespace fu
