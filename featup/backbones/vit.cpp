#include "featup/backbones/vit.h"

#include <cmath>

#include "core/ops.h"

namespace fu {

namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

Tensor rope_periods(Index head_dim, double theta) {
  Tensor periods({head_dim / 4});
  for (Index k = 0; k < periods.size(); ++k)
    periods.data()[k] = static_cast<real>(std::pow(theta, 2.0 * static_cast<double>(k) / (0.5 * double(head_dim))));
  return periods;
}

Vit::PatchEmbed::PatchEmbed(const VitConfig& c, Random* random)
    : proj(3, c.dim, c.patch, random, c.patch, 0, 1, c.patch_bias) {
  add("proj", proj);
}

Vit::RopeEmbed::RopeEmbed(const VitConfig& c) : periods(rope_periods(c.dim / c.heads)) {
  require<UsageError>(c.dim / c.heads % 4 == 0, "[vit] heads of ", c.dim / c.heads,
                      " channels: rotary positions take multiples of 4.");
  add("periods", periods);
  periods.trainable = false, periods.buffer = true;
}

Vit::Blocks::Blocks(const VitConfig& c, Random* random) {
  TransformerBlockOptions o;
  o.dim = c.dim, o.heads = c.heads, o.mlp_hidden = c.mlp_hidden, o.activation = c.activation;
  o.gated_mlp = c.gated_mlp, o.qkv_bias = c.qkv_bias, o.proj_bias = c.proj_bias, o.mlp_bias = c.mlp_bias;
  o.layer_scale = c.layer_scale, o.norm_eps = c.norm_eps;
  for (Index i = 0; i < c.depth; ++i) {
    list.push_back(std::make_unique<TransformerBlock>(o, random));
    add(std::to_string(i), *list.back());
  }
}

Vit::Vit(const VitConfig& c, Random* random)
    : config_(c), patch_embed_(c, random), blocks_(c, random), norm_(c.dim, c.norm_eps) {
  // As the published models begin: tokens and positions normal with deviation 0.02.
  const auto token = [&](const char* name, Parameter& p, Index n) {
    if (n == 0) return;
    p.set(random ? unary(Unary::affine, random->normal({1, n, c.dim}), real(0.02)) : Tensor({1, n, c.dim}));
    add(name, p);
  };
  add("patch_embed", patch_embed_);
  token("cls_token", cls_token_, c.prefix > 0 ? 1 : 0);
  token("dist_token", dist_token_, c.prefix > 1 ? 1 : 0);
  token("register_tokens", register_tokens_, c.registers);
  token("pos_embed", pos_embed_, c.grid > 0 ? c.prefix_positions + c.grid * c.grid : 0);
  if (c.rotary) {
    rope_embed_ = std::make_unique<RopeEmbed>(c);
    add("rope_embed", *rope_embed_);
  }
  if (c.pre_norm) {
    norm_pre_ = std::make_unique<LayerNorm>(c.dim, c.norm_eps);
    add("norm_pre", *norm_pre_);
  }
  add("blocks", blocks_);
  add("norm", norm_);
  if (c.projection > 0) {
    projection_ = std::make_unique<Linear>(c.dim, c.projection, random, false);
    add("projection", *projection_);
  }
  if (c.pool_hidden > 0) {
    pool_ = std::make_unique<AttentionPool>(c.dim, c.heads, c.pool_hidden, c.activation, c.norm_eps, random);
    add("pool", *pool_);
  }
}

void Vit::pack() {
  set_trainable(false);
  patch_embed_.proj.pack();
  for (const auto& block : blocks_.list) block->pack();
  if (projection_) projection_->pack();
  if (pool_) pool_->pack();
}

RotaryAngles Vit::angles(Index rows, Index cols) const {
  const Tensor& periods = rope_embed_->periods.value;
  const Index quarter = periods.size(), skip = tokens_before_patches(), n = skip + rows * cols;
  RotaryAngles a{Tensor::full({n, 2 * quarter}, 1), Tensor::zeros({n, 2 * quarter})};
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j)
      for (Index k = 0; k < 2 * quarter; ++k) {
        // The centre of the patch in [-1,1]: down for the first half of the angles, across for the second.
        const double at = k < quarter ? (2 * double(i) + 1) / double(rows) - 1 : (2 * double(j) + 1) / double(cols) - 1;
        const double angle = 2 * kPi * at / double(periods.data()[k % quarter]);
        const Index to = (skip + i * cols + j) * 2 * quarter + k;
        a.cosines.data()[to] = static_cast<real>(std::cos(angle));
        a.sines.data()[to] = static_cast<real>(std::sin(angle));
      }
  return a;
}

}  // namespace fu
