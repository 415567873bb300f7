// JAFAR: attention of pixels to all cells, for features of one backbone. source: Couairon et al., "JAFAR: Jack up Any
// Feature at Any Resolution" (NeurIPS 2025, arXiv 2506.11136)
#pragma once

#include "featup/attention/pixel_passes.h"
#include "featup/attention/queries_and_keys.h"

namespace fu {

/// The network, with the names of its published files; random null: of undefined values, to be loaded.
class Jafar : public Module {
 public:
  Jafar(Index channels, Random* random, Index width = 128);
  /// throws FileError unless every tensor of the file is one of JAFAR's, of the right shape.
  explicit Jafar(const Weights& file);
  static bool reads(const Weights& file);
  /// Takes its values from such a file. throws FileError.
  void read(const Weights& file);
  /// The cells that each pixel of a map of that size attends to: all.
  static CellWindows windows(Extent size, Index h, Index w) { return all_cells(size.height, size.width, h, w); }
  /// Channels of the features that it was made for.
  Index channels() const { return key_features_encoder.options.in; }

  /// See AnyUp. features (1,h,w,channels())
  template <class X>
  X operator()(const X& image, const X& features, const X& values, Extent size) const {
    const X e = rope(image_encoder(image));
    const X pooled = adaptive_avg_pool(query_encoder(e), size.height, size.width);
    const X q = cross.queries(group_norm(pooled, X(Tensor()), X(Tensor()), kNormGroups));
    const X k = keys(adaptive_avg_pool(key_encoder(e), features.dim(1), features.dim(2)), features);
    return cell_attention(q, k, values, windows(size, features.dim(1), features.dim(2)), kAttentionHeads);
  }
  template <class X>
  X keys(const X& image_keys, const X& features) const {
    const X u = key_features_encoder(unit_vectors(features));
    return cross.keys(gamma(u) * group_norm(image_keys, X(Tensor()), X(Tensor()), kNormGroups) + beta(u));
  }

  Encoder image_encoder, key_encoder, query_encoder, key_features_encoder;
  Conv2d gamma, beta;
  CrossProjection cross;
  PlaceRotation rope;
};

/// JAFAR for inference, packed.
class JafarRun {
 public:
  explicit JafarRun(const Weights& file) : JafarRun(std::make_shared<Jafar>(file)) {}
  explicit JafarRun(std::shared_ptr<const Jafar> network);
  /// See AnyUpRun. throws ShapeError for features of other channels.
  QueriesAndKeys operator()(const Tensor& image, const Tensor& features, Extent size) const;
  Index channels() const { return network_->channels(); }
  void require_channels(const Tensor& features) const;

 private:
  std::shared_ptr<const Jafar> network_;
  ImageEncoder image_;
  QueryProjection queries_;
};

}  // namespace fu
