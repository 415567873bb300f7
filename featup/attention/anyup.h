// AnyUp: attention of pixels to nearby cells, for features of any backbone. source: Wimmer et al., "AnyUp: Universal
// Feature Upsampling" (ICLR 2026, arXiv 2510.12764)
#pragma once

#include <type_traits>

#include "featup/attention/basis.h"
#include "featup/attention/pixel_passes.h"
#include "featup/attention/queries_and_keys.h"

namespace fu {

/// Pixels attend to the cells within this share of the map's height and width.
constexpr float kAnyUpWindow = 0.1f;

/// U of the features: their profile, and two blocks. Names "0.basis", "1", "2".
class BasisEncoder : public Module {
 public:
  BasisEncoder(const EncoderOptions& o, Random* random);
  /// x (1,h,w,C), of unit length -> (1,h,w,width)
  template <class X>
  X operator()(const X& x) const {
    if constexpr (std::is_same_v<X, Tensor>)
      return block2(block1(basis_profile(x, as<X>(basis))));
    else
      return block2(block1(recorded_basis_profile(x, as<X>(basis))));
  }

  Parameter basis;  // (width,5,5,1)
  ConvBlock block1, block2;
};

/// The network, with the names of its published files; random null: of undefined values, to be loaded.
class AnyUp : public Module {
 public:
  explicit AnyUp(Random* random, Index width = 128);
  /// throws FileError unless every tensor of the file is one of AnyUp's, of the right shape.
  explicit AnyUp(const Weights& file);
  static bool reads(const Weights& file);
  /// Takes its values from such a file. throws FileError.
  void read(const Weights& file);
  /// The cells that each pixel of a map of that size attends to.
  static CellWindows windows(Extent size, Index h, Index w) {
    return cells_within(size.height, size.width, h, w, kAnyUpWindow);
  }

  /// image (1,H,W,3), features (1,h,w,C), values (1,h,w,K): what is enlarged, the features or a map of them ->
  /// (1,size.height,size.width,K). The plain form, which a tape can record; AnyUpRun gives the same.
  template <class X>
  X operator()(const X& image, const X& features, const X& values, Extent size) const {
    const X e = rope(image_encoder(image));
    const X q = cross.queries(adaptive_avg_pool(query_encoder(e), size.height, size.width));
    const X k = keys(adaptive_avg_pool(key_encoder(e), features.dim(1), features.dim(2)), features);
    return cell_attention(q, k, values, windows(size, features.dim(1), features.dim(2)), kAttentionHeads);
  }
  /// Keys of the cells, from what the image gives for them and the features.
  template <class X>
  X keys(const X& image_keys, const X& features) const {
    return cross.keys(aggregation(concat(std::vector<X>{image_keys, key_features_encoder(unit_vectors(features))}, 3)));
  }

  Encoder image_encoder, key_encoder, query_encoder;
  BasisEncoder key_features_encoder;
  Encoder aggregation;
  CrossProjection cross;
  PlaceRotation rope;
};

/// AnyUp for inference, packed.
class AnyUpRun {
 public:
  explicit AnyUpRun(const Weights& file);
  explicit AnyUpRun(std::shared_ptr<const AnyUp> network);
  /// image (1,H,W,3), normalised; features (1,h,w,C). memory: two maps of the image (H,W,128) and a third of at most 48
  /// MB, or one of the image and one of the result. cost: 0.8 million multiplications and additions a pixel.
  QueriesAndKeys operator()(const Tensor& image, const Tensor& features, Extent size) const;

 private:
  std::shared_ptr<const AnyUp> network_;
  ImageEncoder image_;
  QueryProjection queries_;
};

}  // namespace fu
