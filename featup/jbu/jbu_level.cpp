#include "featup/jbu/jbu_level.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/ops.h"
#include "core/ops/resample.h"

namespace fu {

namespace {

constexpr Index kMaxRadius = 5, kMaxKeyDim = 64, kMaxGuidance = 8;  // sizes of the kernels' fixed arrays

}  // namespace

Tensor read_pointwise_weight(const Weights& w, const std::string& name, Index out, Index in) {
  const Shape& s = w.shape(name);
  const bool fits = s.rank() >= 2 && s[0] == out && s[1] == in && s.elements() == out * in;
  require<FileError>(fits, w.path(), ": tensor '", name, "' has shape ", s, ", expected (", out, ",", in, ",1,1).");
  return w.read(name, s).reshape({out, in}).permute({1, 0});
}

JbuLevel::JbuLevel(const Weights& w, const std::string& prefix) {
  const Shape key0 = w.shape(prefix + "range_proj.0.weight"), fix0 = w.shape(prefix + "fixup_proj.0.weight");
  const Index taps = fix0.rank() >= 2 ? fix0[0] : 0;
  key_dim_ = key0.rank() >= 2 ? key0[0] : 0;
  guidance_dim_ = key0.rank() >= 2 ? key0[1] : 0;
  const auto d = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(taps))));
  radius_ = d / 2;
  require<FileError>(d * d == taps && d % 2 == 1 && radius_ >= 1 && radius_ <= kMaxRadius, w.path(), ": '", prefix,
                     "fixup_proj.0.weight' has shape ", fix0,
                     ": its first size must be the square of 3, 5, 7, 9 or 11 (radius 1 to ", kMaxRadius, ").");
  require<FileError>(key_dim_ >= 1 && key_dim_ <= kMaxKeyDim && guidance_dim_ >= 1 && guidance_dim_ <= kMaxGuidance,
                     w.path(), ": '", prefix, "range_proj.0.weight' has shape ", key0,
                     ", expected (keys,guidance,1,1) with at most ", kMaxKeyDim, " keys and ", kMaxGuidance,
                     " guidance channels.");
  const auto scalar = [&](const std::string& name) {
    require<FileError>(w.shape(name).elements() == 1, w.path(), ": tensor '", name, "' has shape ", w.shape(name),
                       ", expected one number.");
    return static_cast<double>(w.read(name, w.shape(name)).data()[0]);
  };
  temperature_ = static_cast<real>(std::clamp(std::exp(scalar(prefix + "range_temp")), 1e-4, 1e4));
  const double sigma = scalar(prefix + "sigma_spatial");
  require<FileError>(sigma != 0, w.path(), ": '", prefix, "sigma_spatial' is 0; it is the width of a Gaussian.");
  spatial_ = Tensor({taps});
  for (Index t = 0; t < taps; ++t) {
    // Positions of the neighbourhood on [-1,1].
    const double y = static_cast<double>(t / d - radius_) / static_cast<double>(radius_),
                 x = static_cast<double>(t % d - radius_) / static_cast<double>(radius_);
    spatial_.data()[t] = static_cast<real>(std::exp(-(x * x + y * y) / (2 * sigma * sigma)));
  }
  key0_ = read_pointwise_weight(w, prefix + "range_proj.0.weight", key_dim_, guidance_dim_);
  key0_bias_ = w.read(prefix + "range_proj.0.bias", {key_dim_});
  const Tensor key3 = read_pointwise_weight(w, prefix + "range_proj.3.weight", key_dim_, key_dim_),
               bias = w.read(prefix + "range_proj.3.bias", {key_dim_});
  // One more output than keys: the product of a key with the bias, which only the pixel's own key needs.
  key3_ = Tensor({key_dim_, key_dim_ + 1});
  for (Index i = 0; i < key_dim_; ++i) {
    double total = 0;
    for (Index o = 0; o < key_dim_; ++o) {
      key3_.data()[i * (key_dim_ + 1) + o] = key3.data()[i * key_dim_ + o];
      total += double(key3.data()[i * key_dim_ + o]) * double(bias.data()[o]);
    }
    key3_.data()[i * (key_dim_ + 1) + key_dim_] = static_cast<real>(total);
  }
  fix0_ = read_pointwise_weight(w, prefix + "fixup_proj.0.weight", taps, taps + guidance_dim_);
  fix0_bias_ = w.read(prefix + "fixup_proj.0.bias", {taps});
  fix3_ = unary(Unary::affine, read_pointwise_weight(w, prefix + "fixup_proj.3.weight", taps, taps), real(0.1));
  fix3_bias_ = unary(Unary::affine, w.read(prefix + "fixup_proj.3.bias", {taps}), real(0.1));
}

JbuWeights JbuLevel::weights() const {
  JbuWeights w;
  w.radius = radius_, w.key_dim = key_dim_, w.guidance_dim = guidance_dim_, w.temperature = temperature_;
  w.spatial = spatial_.data();
  w.key0 = key0_.data(), w.key0_bias = key0_bias_.data(), w.key3 = key3_.data();
  w.fix0 = fix0_.data(), w.fix0_bias = fix0_bias_.data(), w.fix3 = fix3_.data(), w.fix3_bias = fix3_bias_.data();
  return w;
}

Tensor jbu_kernels(const JbuLevel& level, const Tensor& guidance) {
  require<ShapeError>(guidance.rank() == 4 && guidance.dim(3) == level.guidance_dim() &&
                          guidance.dim(1) > level.radius() && guidance.dim(2) > level.radius(),
                      "[jbu_kernels] guidance ", guidance.shape(), " must be (B,H,W,", level.guidance_dim(),
                      ") with H and W above the radius ", level.radius(), ".");
  const Index h = guidance.dim(1), w = guidance.dim(2), taps = level.diameter() * level.diameter();
  Tensor out({guidance.dim(0), h, w, taps});
  JbuLevelArgs args;
  args.weights = level.weights();
  args.height = h, args.width = w;
  Tensor keys({h * kernels().jbu_key_row(args)}), scratch({kernels().jbu_scratch(args) + 1});
  args.keys = keys.data();
  args.scratch = scratch.data();
  for (Index b = 0; b < guidance.dim(0); ++b) {
    args.guidance = guidance.data() + b * h * w * level.guidance_dim();
    args.kernels = out.data() + b * h * w * taps;
    kernels().jbu_keys(args, 0, h);
    kernels().jbu_kernel_rows(args, 0, h);
  }
  return out;
}

Tensor jbu_learned_range(const JbuLevel& level, const Tensor& source, const Tensor& guidance) {
  require<ShapeError>(source.rank() == 4 && guidance.rank() == 4 && source.dim(0) == guidance.dim(0),
                      "[jbu_learned_range] source ", source.shape(), ", guidance ", guidance.shape(),
                      ": must be (B,h,w,C) and (B,H,W,g).");
  return adaptive_conv(resize_bicubic(source, guidance.dim(1), guidance.dim(2)), jbu_kernels(level, guidance));
}

}  // namespace fu
