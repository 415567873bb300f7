// NAF: attention of pixels to the 9x9 cells around them, from the image alone, each head for a quarter of the channels.
// source: Chambon et al., "NAF" (CVPR 2026, arXiv 2511.18452)
#pragma once

#include "featup/attention/pixel_passes.h"
#include "featup/attention/queries_and_keys.h"

namespace fu {

constexpr Index kNafWindow = 9;

/// The network, with the names of its published files; random null: of undefined values, to be loaded.
class Naf : public Module {
 public:
  explicit Naf(Random* random, Index width = 128);
  /// throws FileError unless every tensor of the file is one of NAF's, of the right shape.
  explicit Naf(const Weights& file);
  static bool reads(const Weights& file);
  /// Takes its values from such a file. throws FileError.
  void read(const Weights& file);

  /// The part of the channels that each head weighs: a quarter; all of them, for the mean of the heads' weights, where
  /// they cannot be divided.
  static HeadUse use(Index channels) { return channels % kAttentionHeads == 0 ? HeadUse::groups : HeadUse::mean; }
  static CellWindows windows(Extent size, Index h, Index w) {
    return nearest_cells(size.height, size.width, h, w, kNafWindow);
  }
  /// image (1,H,W,3), features (1,h,w,C) -> (1,size.height,size.width,C). The plain form, which a tape can record.
  template <class X>
  X operator()(const X& image, const X& features, Extent size) const {
    return (*this)(image, features, features, size);
  }
  /// The same for other values beside these features, of which only the number of cells counts: (1,h,w,K), or
  /// (heads,h,w,K), whose results are added up.
  template <class X>
  X operator()(const X& image, const X& features, const X& values, Extent size) const {
    const X at_size = resized(image, size);
    const X e = concat(std::vector<X>{encoder(at_size), sem_encoder(at_size)}, 3);
    const X q = turned(adaptive_avg_pool(e, size.height, size.width));
    const X k = adaptive_avg_pool(q, features.dim(1), features.dim(2));
    return cell_attention(q, k, values, windows(size, features.dim(1), features.dim(2)), kAttentionHeads,
                          values.dim(0) > 1 ? HeadUse::sum : use(features.dim(3)));
  }
  /// The image, at most four times as high and wide as the result.
  template <class X>
  static X resized(const X& image, Extent size) {
    const Extent to = image_size({image.dim(1), image.dim(2)}, size);
    return to.height == image.dim(1) && to.width == image.dim(2) ? image : resize_bilinear(image, to.height, to.width);
  }
  /// Each head turned by the pixel's place. x (1,H,W,2 width) -> same
  template <class X>
  X turned(const X& x) const {
    const Index n = x.dim(1) * x.dim(2);
    return reshape(rotary_embedding(reshape(x, {1, n, x.dim(3)}), angles(x.dim(1), x.dim(2)), kAttentionHeads),
                   x.shape());
  }

  Encoder encoder, sem_encoder;
  Parameter periods;  // (width / 8), constant

 private:
  static Extent image_size(Extent image, Extent size);
  RotaryAngles angles(Index height, Index width) const;
};

/// NAF for inference, packed.
class NafRun {
 public:
  explicit NafRun(const Weights& file) : NafRun(std::make_shared<Naf>(file)) {}
  explicit NafRun(std::shared_ptr<const Naf> network);
  /// image (1,H,W,3), normalised; features (1,h,w,C): their number of cells counts. memory: four maps of the image
  /// (H,W,128).
  QueriesAndKeys operator()(const Tensor& image, const Tensor& features, Extent size) const;

 private:
  Tensor encoded(const Tensor& image) const;  // by the 3x3 convolutions

  std::shared_ptr<const Naf> network_;
  PixelEncoder pixels_;
  Conv3x3Layer first_, convs_[4];
};

}  // namespace fu
