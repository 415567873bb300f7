// DINO, DINOv2 (with and without registers, giant), DeiT, DeiT III, MAE, MoCo v3, MSN, iBOT, and timm's ViTs, CLIPs and
// SigLIPs: their own code's names, patch_embed.proj, blocks.N.attn.qkv, norm.
// source: arXiv 2104.14294 (DINO), 2304.07193 (DINOv2), 2309.16588 (registers), 2012.12877 (DeiT), 2204.07118 (DeiT
// III), 2111.06377 (MAE), 2104.02057 (MoCo v3), 2103.00020 (CLIP), 2303.15343 (SigLIP)
#include "featup/backbones/original_names.h"
#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

const char kPatches[] = "patch_embed.proj.weight";

bool recognise_dino(const Weights& weights, std::string& prefix) {
  std::string found;
  if (!find_prefix(weights, kPatches, found)) return false;
  // Without positions it is a DINOv3, which rotates.
  if (!weights.has(found + "pos_embed") || !weights.has(found + "norm.weight")) {
    if (weights.has(found + "storage_tokens") || weights.has(found + "rope_embed.periods") ||
        (weights.has(found + "reg_token") && weights.has(found + "blocks.0.gamma_1")))
      return false;
  }
  prefix = found;
  return true;
}

/// Rows of pos_embed form a square: patches alone have positions.
bool patches_only(const Weights& w, const std::string& prefix) {
  if (!w.has(prefix + "pos_embed")) return false;
  const Shape s = w.shape(prefix + "pos_embed");
  const Index n = s.rank() == 3 ? s[1] : 0;
  Index side = 0;
  while (side * side < n && side < 4096) ++side;
  return side > 0 && side * side == n;
}

/// Whether the first MLP's first layer has twice the rows that its last one takes: timm's name for a gated MLP.
bool doubled_fc1(const Weights& w, const std::string& mlp) {
  if (!w.has(mlp + "fc1.weight") || !w.has(mlp + "fc2.weight")) return false;
  const Shape first = w.shape(mlp + "fc1.weight"), last = w.shape(mlp + "fc2.weight");
  return first.rank() == 2 && last.rank() == 2 && first[0] == 2 * last[1];
}

/// Whether the head names ImageNet's classes: of a CLIP it is else the projection to the space of texts.
bool has_classifier(const Weights& w, const std::string& prefix) {
  const Index rows = w.has(prefix + "head.weight") ? w.shape(prefix + "head.weight")[0] : 0;
  return rows == 1000 || rows == 11821 || rows == 21841 || rows == 21843;
}

NameRules rules_of(const Weights& w, const std::string& prefix, bool clip, bool siglip) {
  NameRules rules;
  const std::vector<std::string> blocks{"blocks.#.", "blocks.~.#."};
  if (doubled_fc1(w, prefix + "blocks.0.mlp."))
    rules = with_beginnings(
        blocks, {{"mlp.fc1.*", "blocks.#.mlp.w1.* | blocks.#.mlp.w2.*"}, {"mlp.fc2.*", "blocks.#.mlp.w3.*"}});
  rules = joined({rules,
                  {{"register_tokens", "register_tokens"}, {"reg_token", "register_tokens"}},
                  with_beginnings(blocks, {{"mlp.w12.*", "blocks.#.mlp.w1.* | blocks.#.mlp.w2.*"},
                                           {"mlp.w3.*", "blocks.#.mlp.w3.*"},
                                           {"ls1.gamma", "blocks.#.ls1.gamma"},
                                           {"ls2.gamma", "blocks.#.ls2.gamma"}}),
                  original_names()});
  if (clip) rules = joined({{{"norm_pre.*", "norm_pre.*"}}, rules});
  if (clip && !has_classifier(w, prefix)) rules = joined({{{"head.weight", "projection.weight"}}, rules});
  if (siglip) rules = joined({rules, {{"attn_pool.*", ""}}});
  return joined({rules, original_ignored()});
}

Because<PositionRule> positions_of(const BackboneFile& file, bool timm_only) {
  const Weights& w = file.weights;
  const std::string& p = file.prefix;
  if (!file.config.architecture.empty()) return {PositionRule::aa, "timm's config.json"};
  if (w.has(p + "register_tokens") || w.has(p + "reg_token")) return {PositionRule::aa, "as with registers"};
  if (timm_only || p.find("visual.trunk.") != std::string::npos) return {PositionRule::aa, "as timm"};
  if (patches_only(w, p)) return {PositionRule::aa, "as timm: positions of patches alone"};
  const Shape s = w.has(p + "pos_embed") ? w.shape(p + "pos_embed") : Shape();
  if (s.rank() == 3 && s[1] == 1 + 37 * 37 && !w.has(p + "mask_token"))
    return {PositionRule::aa, "as timm: a DINOv2 without mask_token"};
  return {PositionRule::dino, "as DINO's own code"};
}

std::string title_of(const Weights& w, const std::string& p, bool clip, bool siglip) {
  if (clip) return "CLIP";
  if (siglip) return "SigLIP";
  if (w.has(p + "blocks.0.ls1.gamma") || w.has(p + "blocks.0.0.ls1.gamma"))
    return patches_only(w, p) && !w.has(p + "reg_token") ? "DeiT III" : "DINOv2";
  if (p.find("base_encoder.") != std::string::npos) return "MoCo v3";
  return w.has(p + "cls_token") ? "DINO, DeiT or MAE" : "I-JEPA";
}

VitFamily family_of_dino(const BackboneFile& file) {
  const Weights& w = file.weights;
  const std::string& p = file.prefix;
  const bool clip = w.has(p + "norm_pre.weight"),
             siglip = !clip && w.has(p + "attn_pool.latent") && !w.has(p + "cls_token");
  VitFamily family;
  family.title = title_of(w, p, clip, siglip);
  family.rules = rules_of(w, p, clip, siglip);
  family.positions = positions_of(file, clip || siglip);
  family.normalization = {kImageNet, "usual for ImageNet's models"};
  if (clip) {
    const bool openai = file.config.architecture.find("quickgelu") != std::string::npos ||
                        file.name().find("openai") != std::string::npos;
    family.norm_eps = {1e-5, "usual for CLIP"};
    family.activation = {openai ? Activation::quick_gelu : Activation::gelu,
                         openai ? "OpenAI's, by the name" : "usual for CLIPs that are not OpenAI's"};
    family.normalization = {kClip, "usual for CLIP"};
  }
  if (siglip) family.normalization = {kHalf, "usual for SigLIP"};
  if (family.title == "MoCo v3" && w.has(p + "cls_token") && w.shape(p + "cls_token")[-1] == 384) family.heads = 12;
  if (file.of_featup()) {
    family.normalization = {kImageNet, "as FeatUp trains"};
    if (!w.has(p + "register_tokens")) family.positions = {PositionRule::dino, "as FeatUp trains"};
  }
  return family;
}

}  // namespace

BackboneFamily backbone_family_dino() {
  BackboneFamily family = vit_family<family_of_dino>("dino", "DINO, DINOv2, DeiT, MAE, ViT", recognise_dino);
  family.features = clip_features();
  std::rotate(family.features.begin(), family.features.begin() + 3, family.features.end());  // token first
  return family;
}

}  // namespace fu
