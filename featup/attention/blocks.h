// The layers that AnyUp, JAFAR and NAF share, with the names of their published files. Each forward pass is written
// once, for tensors and for values on a tape; pixel_passes.h runs the same on large images in less memory and time.
#pragma once

#include <vector>

#include "core/ops/resample.h"
#include "layers/conv2d.h"
#include "layers/norm.h"

namespace fu {

/// Names of the parts of a block in files: AnyUp numbers them, JAFAR and NAF give them names.
struct BlockNames {
  const char *norm1, *conv1, *norm2, *conv2;
};
constexpr BlockNames kNumberedParts{"block.0", "block.2", "block.3", "block.5"};
constexpr BlockNames kNamedParts{"norm1", "conv1", "norm2", "conv2"};

constexpr Index kNormGroups = 8, kAttentionHeads = 4;

struct EncoderOptions {
  Index in = 3, width = 128;
  Index kernel = 1, block_kernel = 1;  // 3: borders are mirrored
  bool bias = false, residual = true;
  BlockNames names = kNumberedParts;
};

/// A convolution whose borders are mirrored.
template <class X>
X convolve_mirrored(const Conv2d& conv, Index kernel, const X& x) {
  return conv(kernel > 1 ? reflect_pad(x, kernel / 2) : x);
}

/// conv2(silu(norm2(conv1(silu(norm1(x)))))), or x plus that. x (B,H,W,C) -> same
class ConvBlock : public Module {
 public:
  ConvBlock(const EncoderOptions& o, Random* random)
      : norm1(kNormGroups, o.width),
        norm2(kNormGroups, o.width),
        conv1(o.width, o.width, o.block_kernel, random, 1, 0, 1, o.bias),
        conv2(o.width, o.width, o.block_kernel, random, 1, 0, 1, o.bias),
        kernel_(o.block_kernel),
        residual_(o.residual) {
    add(o.names.norm1, norm1);
    add(o.names.conv1, conv1);
    add(o.names.norm2, norm2);
    add(o.names.conv2, conv2);
  }
  template <class X>
  X operator()(const X& x) const {
    const X a = convolve_mirrored(conv1, kernel_, unary(Unary::silu, norm1(x)));
    const X b = convolve_mirrored(conv2, kernel_, unary(Unary::silu, norm2(a)));
    return residual_ ? x + b : b;
  }

  GroupNorm norm1, norm2;
  Conv2d conv1, conv2;

 private:
  Index kernel_;
  bool residual_;
};

/// A convolution and two blocks. x (B,H,W,in) -> (B,H,W,width)
class Encoder : public Module {
 public:
  Encoder(const EncoderOptions& o, Random* random)
      : options(o), first(o.in, o.width, o.kernel, random, 1, 0, 1, o.bias), block1(o, random), block2(o, random) {
    add("0", first);
    add("1", block1);
    add("2", block2);
  }
  template <class X>
  X operator()(const X& x) const {
    return block2(block1(convolve_mirrored(first, options.kernel, x)));
  }

  EncoderOptions options;
  Conv2d first;
  ConvBlock block1, block2;
};

/// Channels turned by angles that depend on the place: x cos(t) + R(x) sin(t), R(x) the second half of the channels
/// with the opposite sign, then the first; t = (row, column) freqs, row and column in [0,1]. Parameter: freqs (2,C).
class PlaceRotation : public Module {
 public:
  explicit PlaceRotation(Index channels, Random* random);
  /// x (1,H,W,C) -> same
  template <class X>
  X operator()(const X& x) const {
    const Index c = x.dim(3);
    const X angles = reshape(matmul(X(places(x.dim(1), x.dim(2))), as<X>(freqs)), x.shape());
    const X turned = concat(std::vector<X>{unary(Unary::affine, slice(x, 3, c / 2, c), -1), slice(x, 3, 0, c / 2)}, 3);
    return x * unary(Unary::cos, angles) + turned * unary(Unary::sin, angles);
  }

  Parameter freqs;

 private:
  static Tensor places(Index height, Index width);  // (H*W,2)
};

/// Where the projections of queries and keys stand in the file: as thirds of one matrix, or by themselves.
enum class ProjectionNames { thirds, own };

/// What becomes of encoded queries and keys before they meet: a 3x3 convolution of the queries, RMS norms, projections.
class CrossProjection : public Module {
 public:
  CrossProjection(Index width, ProjectionNames names, Random* random);
  /// (1,H,W,width) -> same
  template <class X>
  X queries(const X& x) const {
    return linear(norm_q(conv(x)), weight<X>(0), bias<X>(0));
  }
  template <class X>
  X keys(const X& x) const {
    return linear(norm_k(x), weight<X>(1), bias<X>(1));
  }
  /// Of the queries (0) or the keys (1).
  template <class X>
  X weight(Index part) const {
    if (names_ == ProjectionNames::own) return as<X>(part == 0 ? q_weight : k_weight);
    return slice(as<X>(in_weight), 0, part * width_, (part + 1) * width_);
  }
  template <class X>
  X bias(Index part) const {
    return slice(as<X>(in_bias), 0, part * width_, (part + 1) * width_);
  }

  RmsNorm norm_q, norm_k;
  Conv2d conv;
  Parameter in_weight, q_weight, k_weight;  // in_weight, or the two others
  Parameter in_bias;                        // (3 width): the last third is not used

 private:
  Index width_;
  ProjectionNames names_;
};

/// x / max(|x|, 1e-12) along the channels.
template <class X>
X unit_vectors(const X& x) {
  return x / unary(Unary::sqrt, unary(Unary::clamp_min, sum(unary(Unary::square, x), -1), real(1e-24)));
}

}  // namespace fu
