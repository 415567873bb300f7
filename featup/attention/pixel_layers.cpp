#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"
#include "featup/attention/pixel_passes.h"

namespace fu {

namespace {

constexpr Index kBandPixels = 96;  // their maps of 128 channels fit into the second-level cache, beside packed weights

}  // namespace

PixelLayer::PixelLayer(const Tensor& weight, const Tensor& bias)
    : n_(weight.dim(0)), k_(weight.size() / weight.dim(0)), packed_({kernels().gemm_packed_size(k_, n_)}), bias_(bias) {
  kernels().gemm_pack(weight.data(), 1, k_, k_, n_, packed_.data());
}

void PixelLayer::run(const real* x, Index rows, const ChannelAffine* norm, const real* residual, real* y, real* moments,
                     real* scratch) const {
  PixelLayerArgs args;
  args.rows = rows, args.n = n_, args.k = k_;
  args.x = x;
  if (norm) args.scale = norm->scale.data(), args.shift = norm->shift.data(), args.activation = Activation::silu;
  args.packed_b = packed_.data();
  args.bias = bias_.size() ? bias_.data() : nullptr;
  args.residual = residual;
  args.y = y;
  args.moments = moments;
  args.scratch = scratch;
  kernels().pixel_layer(args);
}

Tensor PixelLayer::operator()(const Tensor& x) const {
  const Index rows = x.size() / k_;
  Tensor y({x.dim(0), x.dim(1), x.dim(2), n_});
  const int workers = threads();
  Tensor scratch({workers, kernels().pixel_layer_scratch() + 1});
  parallel_for((rows + kBandPixels - 1) / kBandPixels, workers, [&](Index band, int worker) {
    const Index first = band * kBandPixels;
    run(x.data() + first * k_, std::min(kBandPixels, rows - first), nullptr, nullptr, y.data() + first * n_, nullptr,
        scratch.data() + worker * scratch.dim(1));
  });
  return y;
}

Conv3x3Layer::Conv3x3Layer(const Tensor& weight, const Tensor& bias, bool reflect)
    : n_(weight.dim(0)),
      c_(weight.dim(3)),
      reflect_(reflect),
      packed_({kernels().conv3x3_packed_size(c_, n_)}),
      bias_(bias) {
  kernels().conv3x3_pack(weight.data(), c_, n_, packed_.data());
}

Tensor Conv3x3Layer::operator()(const Tensor& x, const ChannelAffine* norm, Activation activation,
                                BandMoments* moments) const {
  require<ShapeError>(x.rank() == 4 && x.dim(0) == 1 && x.dim(3) == c_ && (!reflect_ || (x.dim(1) > 1 && x.dim(2) > 1)),
                      "[conv3x3] image ", x.shape(), ": must be (1,H,W,", c_, "), of at least 2x2 pixels.");
  Conv3x3Args args;
  args.h = x.dim(1), args.w = x.dim(2), args.c = c_, args.n = n_, args.reflect = reflect_;
  args.x = x.data();
  if (norm) args.scale = norm->scale.data(), args.shift = norm->shift.data(), args.activation = activation;
  args.packed = packed_.data();
  args.bias = bias_.size() ? bias_.data() : nullptr;
  Tensor y({1, args.h, args.w, n_}), scratch({kernels().conv3x3_scratch(args) + 1});
  args.y = y.data(), args.scratch = scratch.data();
  if (moments) {
    args.moments = moments->band(0, args.w);
    for (Index i = 1; i < args.h; ++i) moments->band(i, args.w);
  }
  kernels().conv3x3(args);
  return y;
}

PixelEncoder::PixelEncoder(const Encoder& encoder)
    : first(encoder.first.weight.value, encoder.first.bias.value), width(encoder.options.width) {
  const ConvBlock* const blocks[] = {&encoder.block1, &encoder.block2};
  for (Index i = 0; i < 4; ++i) {
    const ConvBlock& block = *blocks[i / 2];
    const Conv2d& conv = i % 2 == 0 ? block.conv1 : block.conv2;
    const GroupNorm& norm = i % 2 == 0 ? block.norm1 : block.norm2;
    convs[i] = PixelLayer(conv.weight.value, conv.bias.value);
    weights[i] = norm.weight.value, biases[i] = norm.bias.value;
  }
}

ChannelAffine PixelEncoder::norm(Index i, const BandMoments& moments) const {
  return moments.group_affine(kNormGroups, weights[i], biases[i], real(1e-5));
}

PixelBands::PixelBands(Index height, Index width, Index channels)
    : height_(height), width_(width), channels_(channels) {
  const Index runs = (width + kBandPixels - 1) / kBandPixels;
  length_ = std::min(width, ((width + runs - 1) / runs + 11) / 12 * 12);
  per_row_ = (width + length_ - 1) / length_;
}

BandMoments PixelBands::pass(const std::function<void(const Band&)>& f) const {
  BandMoments moments(height_ * per_row_, channels_);
  const int workers = threads();
  const Index scratch_reals = kernels().pixel_layer_scratch(), buffer_reals = length_ * channels_;
  Tensor memory({workers, (scratch_reals + buffer_reals + 31) / 16 * 16});
  parallel_for(height_ * per_row_, workers, [&](Index i, int worker) {
    Band band;
    band.row = i / per_row_, band.col = i % per_row_ * length_;
    band.count = std::min(length_, width_ - band.col);
    band.first = band.row * width_ + band.col;
    band.scratch = memory.data() + worker * memory.dim(1);
    band.buffer = band.scratch + (scratch_reals + 15) / 16 * 16;
    band.moments = moments.band(i, band.count);
    f(band);
  });
  return moments;
}

}  // namespace fu
