#include "featup/backbones/vit.h"

#include "core/ops.h"

namespace fu {

namespace {

constexpr real kNormEps = real(1e-6);

}  // namespace

Vit::PatchEmbed::PatchEmbed(const VitConfig& c, Random* random) : proj(3, c.dim, c.patch, random, c.patch) {
  add("proj", proj);
}

Vit::Blocks::Blocks(const VitConfig& c, Random* random) {
  TransformerBlockOptions o;
  o.dim = c.dim, o.heads = c.heads, o.mlp_hidden = c.mlp_hidden, o.qkv_bias = c.qkv_bias, o.layer_scale = c.layer_scale,
  o.norm_eps = kNormEps;
  for (Index i = 0; i < c.depth; ++i) {
    list.push_back(std::make_unique<TransformerBlock>(o, random));
    add(std::to_string(i), *list.back());
  }
}

Vit::Vit(const VitConfig& c, Random* random)
    : config_(c), patch_embed_(c, random), blocks_(c, random), norm_(c.dim, kNormEps) {
  // As the published models begin: tokens and positions normal with deviation 0.02.
  const auto token = [&](Index n) {
    return random ? unary(Unary::affine, random->normal({1, n, c.dim}), real(0.02)) : Tensor({1, n, c.dim});
  };
  add("patch_embed", patch_embed_);
  cls_token_.set(token(1));
  add("cls_token", cls_token_);
  if (c.prefix == 2) {
    dist_token_.set(token(1));
    add("dist_token", dist_token_);
  }
  if (c.registers > 0) {
    register_tokens_.set(token(c.registers));
    add("register_tokens", register_tokens_);
  }
  pos_embed_.set(token(c.prefix + c.grid * c.grid));
  add("pos_embed", pos_embed_);
  add("blocks", blocks_);
  add("norm", norm_);
}

Vit::Vit(const Weights& w, const std::string& prefix) : Vit(read_config(w, prefix), nullptr) {
  load(w, prefix);
  set_trainable(false);
  patch_embed_.proj.pack();
  for (const auto& block : blocks_.list) block->pack();
}

}  // namespace fu
