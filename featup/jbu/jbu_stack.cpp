#include "featup/jbu/jbu_stack.h"

#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/jbu/jbu_run.h"

namespace fu {

namespace {

// 64 times: more than any patch has pixels across. Each level costs four times the one before it.
constexpr int kMaxLevels = 6;

}  // namespace

bool JbuStack::present(const Weights& w) { return w.has("upsampler.up1.range_temp") || w.has("up1.range_temp"); }

JbuStack::JbuStack(const Weights& w) {
  require<FileError>(present(w), w.path(),
                     ": holds no JBU stack: no tensor 'upsampler.up1.range_temp'. Give a FeatUp checkpoint.");
  const std::string prefix = w.has("up1.range_temp") ? "" : "upsampler.";
  for (int i = 1; w.has(prefix + "up" + std::to_string(i) + ".range_temp"); ++i) {
    require<FileError>(i <= kMaxLevels, w.path(), ": has more than ", kMaxLevels,
                       " levels; each doubles the resolution.");
    levels.emplace_back(w, prefix + "up" + std::to_string(i) + ".");
    require<FileError>(levels.back().guidance_dim() == levels.front().guidance_dim(), w.path(), ": level ", i,
                       " wants ", levels.back().guidance_dim(), " guidance channels, level 1 ",
                       levels.front().guidance_dim(), ".");
  }
  if (w.has(prefix + "token_filter")) {
    const Tensor numbers = w.read(prefix + "token_filter", {3});
    filter = {numbers.data()[0], numbers.data()[1], numbers.data()[2]};
  } else if (w.has(prefix +
                   "back_projection")) {  // files from before there was a filter: the same share for all tokens
    const Shape& s = w.shape(prefix + "back_projection");
    require<FileError>(s.elements() == 1, w.path(), ": 'back_projection' has shape ", s, ", expected one number.");
    filter.strength = w.read(prefix + "back_projection", s).data()[0], filter.noise = 0;
  }
  require<FileError>(
      filter.usable() && (!filter.present() || levels.front().guidance_dim() == 3), w.path(), ": '", prefix,
      "token_filter' must be three numbers, from 0 to 1e6, the third below 1, of a stack guided by photos.");
  if (w.has(prefix + "smoothing")) {
    const Tensor numbers = w.read(prefix + "smoothing", {2});
    smoothing = {numbers.data()[0], numbers.data()[1]};
    require<FileError>(
        smoothing.usable() && levels.front().guidance_dim() == 3, w.path(), ": '", prefix,
        "smoothing' must be two numbers up to 1e4, the second at least 1e-3, of a stack guided by photos.");
  }
  if (w.has(prefix + "fixup_proj.1.weight")) {
    mix_bias = w.read(prefix + "fixup_proj.1.bias", w.shape(prefix + "fixup_proj.1.bias"));
    const Index c = mix_bias.size();
    mix_weight = read_pointwise_weight(w, prefix + "fixup_proj.1.weight", c, c).permute({1, 0});
  }
  if (w.has("model.1.norm.weight")) {
    norm_weight = w.read("model.1.norm.weight", w.shape("model.1.norm.weight"));
    norm_bias = w.read("model.1.norm.bias", norm_weight.shape());
  }
}

Tensor JbuStack::mix(const Tensor& x) const {
  return channels() ? x + unary(Unary::affine, linear(x, mix_weight, Tensor()), real(0.1)) : x;
}

Tensor jbu_source(const JbuStack& stack, const Tensor& features, const Tensor& photo) {
  if (!stack.filter.present()) return features;
  return filter_tokens(stack.filter, features, [&](const Tensor& x) {
    return adaptive_avg_pool(JbuRun(stack, x, photo, 1, true).all(), x.dim(1), x.dim(2));
  });
}

Tensor jbu_stack(const JbuStack& stack, const Tensor& source, const Tensor& guidance) {
  require<ShapeError>(source.rank() == 4 && guidance.rank() == 4 && source.dim(0) == guidance.dim(0),
                      "[jbu_stack] source ", source.shape(), ", guidance ", guidance.shape(),
                      ": must be (B,h,w,C) and (B,H,W,g) with equal B.");
  const Index c = source.dim(3);
  require<ShapeError>(stack.channels() == 0 || stack.channels() == c, "[jbu_stack] source ", source.shape(),
                      " for a mixing of ", stack.channels(),
                      " channels. Use features of that many channels, or the levels alone.");
  const Index factor = Index{1} << stack.levels.size();
  Tensor out({source.dim(0), source.dim(1) * factor, source.dim(2) * factor, c});
  for (Index b = 0; b < source.dim(0); ++b) {
    const Tensor guide = guidance.slice(b, b + 1);
    JbuRun run(stack, stack.mix(jbu_source(stack, source.slice(b, b + 1), guide)), guide,
               static_cast<int>(stack.levels.size()));
    run.rows(0, run.height(), out.data() + b * out.size() / out.dim(0));
  }
  return stack.channels() ? out + unary(Unary::affine, stack.mix_bias, real(0.1)) : out;
}

}  // namespace fu
