#include "featup/backbones/vit.h"

#include <cmath>

namespace fu {

namespace {

constexpr Index kHeadDim = 64;
constexpr real kNormEps = real(1e-6);

}  // namespace

bool Vit::find_prefix(const Weights& weights, std::string& prefix) {
  const std::string key = "patch_embed.proj.weight";
  // DINO's training checkpoints hold student and teacher heads beside it; the shortest prefix is the backbone itself.
  bool found = false;
  for (const auto& [name, unused] : weights.entries())
    if (name.size() >= key.size() && name.compare(name.size() - key.size(), key.size(), key) == 0) {
      const std::string candidate = name.substr(0, name.size() - key.size());
      if (!found || candidate.size() < prefix.size()) prefix = candidate;
      found = true;
    }
  return found;
}

VitConfig Vit::read_config(const Weights& w, const std::string& prefix) {
  VitConfig c;
  const auto bad = [&](const std::string& what) { return FileError(w.path() + ": " + what.substr(0, 500)); };
  const Shape embed = w.shape(prefix + "patch_embed.proj.weight");
  if (embed.rank() != 4 || embed[1] != 3 || embed[2] != embed[3] || embed[2] < 1)
    throw bad("tensor '" + prefix + "patch_embed.proj.weight' has shape " + embed.str() +
              ", expected (dim,3,patch,patch).");
  c.dim = embed[0];
  c.patch = embed[2];
  if (c.dim < kHeadDim || c.dim % kHeadDim != 0)
    throw bad("a transformer of width " + std::to_string(c.dim) + ": widths are multiples of 64, one head each.");
  c.heads = c.dim / kHeadDim;
  while (c.depth <= 200 && w.has(prefix + "blocks." + std::to_string(c.depth) + ".norm1.weight")) ++c.depth;
  if (c.depth == 0)
    throw bad("has '" + prefix + "patch_embed.proj.weight', but no '" + prefix +
              "blocks.0.norm1.weight': not a DINO, DINOv2 or DeiT transformer.");
  if (w.has(prefix + "blocks.0.mlp.w12.weight"))
    throw bad("is a DINOv2 giant with SwiGLU layers, which are not supported. Use the small, base or large model.");
  c.layer_scale = w.has(prefix + "blocks.0.ls1.gamma");
  c.qkv_bias = w.has(prefix + "blocks.0.attn.qkv.bias");
  const Shape hidden = w.shape(prefix + "blocks.0.mlp.fc1.weight");
  if (hidden.rank() != 2 || hidden[1] != c.dim)
    throw bad("tensor '" + prefix + "blocks.0.mlp.fc1.weight' has shape " + hidden.str() + ", expected (hidden," +
              std::to_string(c.dim) + ").");
  c.mlp_hidden = hidden[0];
  if (w.has(prefix + "register_tokens")) {
    const Shape s = w.shape(prefix + "register_tokens");
    if (s.rank() != 3 || s[0] != 1 || s[2] != c.dim)
      throw bad("tensor '" + prefix + "register_tokens' has shape " + s.str() + ", expected (1,registers," +
                std::to_string(c.dim) + ").");
    c.registers = s[1];
  }
  c.prefix = w.has(prefix + "dist_token") ? 2 : 1;
  const Shape pos = w.shape(prefix + "pos_embed");
  const Index patches = pos.rank() == 3 && pos[0] == 1 ? pos[1] - c.prefix : 0;
  c.grid = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(std::max<Index>(0, patches)))));
  if (pos.rank() != 3 || pos[2] != c.dim || c.grid < 1 || c.grid * c.grid != patches)
    throw bad("tensor '" + prefix + "pos_embed' has shape " + pos.str() + ", expected (1," + std::to_string(c.prefix) +
              " + n*n," + std::to_string(c.dim) + ").");
  return c;
}

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

Var Vit::positions(Index rows, Index cols) const {
  const VitConfig& c = config_;
  if (rows == c.grid && cols == c.grid) return pos_embed_;
  // Both families' code adds 0.1 to the target grid and passes the ratio as the scale, so outputs lie that much closer
  // together.
  const auto axis = [&](Index n) {
    return bicubic_axis(c.grid, n, static_cast<double>(c.grid) / (static_cast<double>(n) + 0.1));
  };
  const Var patches = reshape(slice(pos_embed_, 1, c.prefix, c.prefix + c.grid * c.grid), {1, c.grid, c.grid, c.dim});
  return concat(
      {slice(pos_embed_, 1, 0, c.prefix), reshape(resample(patches, axis(rows), axis(cols)), {1, rows * cols, c.dim})},
      1);
}

/// Tokens with positions: (B, prefix + registers + patches, dim).
Var Vit::embed(const Var& image) const {
  const VitConfig& c = config_;
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  const Var position = positions(rows, cols);
  const Var patches =
      reshape(patch_embed_.proj(image), {b, rows * cols, c.dim}) + slice(position, 1, c.prefix, c.prefix + rows * cols);
  const Var head =
      (c.prefix == 2 ? concat({cls_token_, dist_token_}, 1) : Var(cls_token_)) + slice(position, 1, 0, c.prefix);
  std::vector<Var> parts{expand(head, {b, c.prefix, c.dim})};
  if (c.registers > 0) parts.push_back(expand(register_tokens_, {b, c.registers, c.dim}));
  parts.push_back(patches);
  return concat(parts, 1);
}

Var Vit::features(const Var& image, VitFeature feature, const Progress& progress) const {
  const VitConfig& c = config_;
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= c.patch && image.dim(2) >= c.patch &&
                          image.dim(1) % c.patch == 0 && image.dim(2) % c.patch == 0,
                      "[vit] image ", image.shape(), " for patches of ", c.patch,
                      ": must be (B,H,W,3) with H and W multiples of ", c.patch, ".");
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  const Index skip = c.prefix + c.registers, end = skip + rows * cols;
  Var x = embed(image);
  for (std::size_t i = 0; i < blocks_.list.size(); ++i) {
    const TransformerBlock& block = *blocks_.list[i];
    if (progress) progress(static_cast<double>(i) / static_cast<double>(blocks_.list.size()));
    if (feature == VitFeature::key && i + 1 == blocks_.list.size()) {
      const Var keys = slice(slice(block.attn.qkv(block.norm1(x)), 2, c.dim, 2 * c.dim), 1, skip, end);
      // Channels interleaved as (head_dim, heads): the published extractors' order.
      return reshape(permute(reshape(keys, {b, rows * cols, c.heads, kHeadDim}), {0, 1, 3, 2}), {b, rows, cols, c.dim});
    }
    x = block(std::move(x));
  }
  return reshape(norm_(slice(x, 1, skip, end)), {b, rows, cols, c.dim});
}

}  // namespace fu
