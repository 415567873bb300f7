#include "featup/vit.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/resample.h"

namespace fu {

namespace {

constexpr Index kHeadDim = 64;
constexpr real kNormEps = real(1e-6);

/// DINOv2's layer scale multiplies the output of a layer channel by channel: the same as scaled weights.
PackedLinear scaled_linear(const Weights& w, const std::string& name, const std::string& gamma, Index out, Index in) {
  Tensor weight = w.read(name + ".weight", {out, in}), bias = w.read(name + ".bias", {out});
  if (!gamma.empty()) {
    const Tensor scale = w.read(gamma, {out});
    weight = weight * scale.reshape({out, 1});
    bias = bias * scale;
  }
  return PackedLinear(weight, bias);
}

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

Vit::Vit(const Weights& w, const std::string& prefix) {
  VitConfig& c = config_;
  const auto bad = [&](const std::string& what) { return FileError(w.path() + ": " + what.substr(0, 500)); };
  const Shape embed = w.shape(prefix + "patch_embed.proj.weight");
  if (embed.rank() != 4 || embed[1] != 3 || embed[2] != embed[3] || embed[2] < 1)
    throw bad("tensor '" + prefix + "patch_embed.proj.weight' has shape " + embed.str() + ", expected (dim,3,patch,patch).");
  c.dim = embed[0];
  c.patch = embed[2];
  if (c.dim < kHeadDim || c.dim % kHeadDim != 0)
    throw bad("a transformer of width " + std::to_string(c.dim) + ": widths are multiples of 64, one head each.");
  c.heads = c.dim / kHeadDim;
  while (c.depth <= 200 && w.has(prefix + "blocks." + std::to_string(c.depth) + ".norm1.weight")) ++c.depth;
  if (c.depth == 0)
    throw bad("has '" + prefix + "patch_embed.proj.weight', but no '" + prefix + "blocks.0.norm1.weight': not a DINO, DINOv2 or DeiT transformer.");
  if (w.has(prefix + "blocks.0.mlp.w12.weight"))
    throw bad("is a DINOv2 giant with SwiGLU layers, which are not supported. Use the small, base or large model.");
  c.layer_scale = w.has(prefix + "blocks.0.ls1.gamma");
  if (w.has(prefix + "register_tokens")) {
    const Shape s = w.shape(prefix + "register_tokens");
    if (s.rank() != 3 || s[0] != 1 || s[2] != c.dim)
      throw bad("tensor '" + prefix + "register_tokens' has shape " + s.str() + ", expected (1,registers," + std::to_string(c.dim) + ").");
    c.registers = s[1];
    registers_ = w.read(prefix + "register_tokens", s).reshape({c.registers, c.dim});
  }
  std::vector<Tensor> tokens{w.read(prefix + "cls_token", {1, 1, c.dim}).reshape({1, c.dim})};
  if (w.has(prefix + "dist_token")) tokens.push_back(w.read(prefix + "dist_token", {1, 1, c.dim}).reshape({1, c.dim}));
  c.prefix = static_cast<Index>(tokens.size());
  prefix_tokens_ = concat(tokens, 0);

  const Shape pos = w.shape(prefix + "pos_embed");
  const Index patches = pos.rank() == 3 && pos[0] == 1 ? pos[1] - c.prefix : 0;
  c.grid = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(std::max<Index>(0, patches)))));
  if (pos.rank() != 3 || pos[2] != c.dim || c.grid < 1 || c.grid * c.grid != patches)
    throw bad("tensor '" + prefix + "pos_embed' has shape " + pos.str() + ", expected (1," + std::to_string(c.prefix) + " + n*n," +
              std::to_string(c.dim) + ").");
  position_ = w.read(prefix + "pos_embed", pos).reshape({pos[1], c.dim});

  const Tensor kernel = w.read(prefix + "patch_embed.proj.weight", embed).permute({0, 2, 3, 1}).reshape({c.dim, c.patch * c.patch * 3});
  patch_embed_ = PackedLinear(kernel, w.read(prefix + "patch_embed.proj.bias", {c.dim}));
  for (Index i = 0; i < c.depth; ++i) {
    const std::string at = prefix + "blocks." + std::to_string(i) + ".";
    Block b;
    b.norm1_weight = w.read(at + "norm1.weight", {c.dim});
    b.norm1_bias = w.read(at + "norm1.bias", {c.dim});
    b.norm2_weight = w.read(at + "norm2.weight", {c.dim});
    b.norm2_bias = w.read(at + "norm2.bias", {c.dim});
    const Shape hidden = w.shape(at + "mlp.fc1.weight");
    const Index mlp = hidden.rank() == 2 ? hidden[0] : 0;
    b.qkv = PackedLinear(w.read(at + "attn.qkv.weight", {3 * c.dim, c.dim}),
                         w.has(at + "attn.qkv.bias") ? w.read(at + "attn.qkv.bias", {3 * c.dim}) : Tensor());
    b.proj = scaled_linear(w, at + "attn.proj", c.layer_scale ? at + "ls1.gamma" : "", c.dim, c.dim);
    b.fc1 = PackedLinear(w.read(at + "mlp.fc1.weight", {mlp, c.dim}), w.read(at + "mlp.fc1.bias", {mlp}));
    b.fc2 = scaled_linear(w, at + "mlp.fc2", c.layer_scale ? at + "ls2.gamma" : "", c.dim, mlp);
    blocks_.push_back(std::move(b));
  }
  norm_weight_ = w.read(prefix + "norm.weight", {c.dim});
  norm_bias_ = w.read(prefix + "norm.bias", {c.dim});
}

Tensor Vit::positions(Index rows, Index cols) const {
  const VitConfig& c = config_;
  if (rows == c.grid && cols == c.grid) return position_;
  // Both families' code adds 0.1 to the target grid and passes the ratio as the scale, so outputs lie that much closer together.
  const auto axis = [&](Index n) { return bicubic_axis(c.grid, n, static_cast<double>(c.grid) / (static_cast<double>(n) + 0.1)); };
  const Tensor patches = position_.slice(c.prefix, position_.dim(0)).reshape({1, c.grid, c.grid, c.dim});
  return concat({position_.slice(0, c.prefix), resample(patches, axis(rows), axis(cols)).reshape({rows * cols, c.dim})}, 0);
}

/// Tokens with positions: (B, prefix + registers + patches, dim).
Tensor Vit::embed(const Tensor& image) const {
  const VitConfig& c = config_;
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  Tensor patches({b * rows * cols, c.patch * c.patch * 3});
  kernels().im2col(image.data(), image.dim(1), image.dim(2), 3, c.patch, c.patch, c.patch, 0, 0, b * rows, patches.data());
  const Tensor embedded = patch_embed_(patches).reshape({b, rows * cols, c.dim}), position = positions(rows, cols);
  const Tensor head = prefix_tokens_ + position.slice(0, c.prefix), body = embedded + position.slice(c.prefix, position.dim(0));
  const Index behind = c.prefix + c.registers, tokens = behind + rows * cols;
  Tensor x({b, tokens, c.dim});
  for (Index i = 0; i < b; ++i) {
    real* out = x.data() + i * tokens * c.dim;
    std::copy_n(head.data(), head.size(), out);
    if (c.registers) std::copy_n(registers_.data(), registers_.size(), out + head.size());
    std::copy_n(body.data() + i * rows * cols * c.dim, rows * cols * c.dim, out + behind * c.dim);
  }
  return x;
}

Tensor Vit::features(const Tensor& image, VitFeature feature, const Progress& progress) const {
  const VitConfig& c = config_;
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && image.dim(1) >= c.patch && image.dim(2) >= c.patch && image.dim(1) % c.patch == 0 &&
                          image.dim(2) % c.patch == 0,
                      "[vit] image ", image.shape(), " for patches of ", c.patch, ": must be (B,H,W,3) with H and W multiples of ", c.patch, ".");
  const Index b = image.dim(0), rows = image.dim(1) / c.patch, cols = image.dim(2) / c.patch;
  const Index skip = c.prefix + c.registers;
  Tensor x = embed(image);
  const Index tokens = x.dim(1);
  Tensor out({b, rows, cols, c.dim});
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    if (progress) progress(static_cast<double>(i) / static_cast<double>(blocks_.size()));
    const Tensor qkv = block.qkv(layer_norm(x, block.norm1_weight, block.norm1_bias, kNormEps));
    if (feature == VitFeature::key && i + 1 == blocks_.size()) {
      // Channels interleaved as (head_dim, heads): the published extractors' order.
      for (Index n = 0; n < b; ++n)
        for (Index p = 0; p < rows * cols; ++p) {
          const real* key = qkv.data() + ((n * tokens + skip + p) * 3 + 1) * c.dim;
          real* to = out.data() + (n * rows * cols + p) * c.dim;
          for (Index d = 0; d < kHeadDim; ++d)
            for (Index h = 0; h < c.heads; ++h) to[d * c.heads + h] = key[h * kHeadDim + d];
        }
      return out;
    }
    block.proj.add_to(x, attention(qkv, c.heads));
    block.fc2.add_to(x, block.fc1(layer_norm(x, block.norm2_weight, block.norm2_bias, kNormEps), Activation::gelu));
  }
  for (Index n = 0; n < b; ++n)
    kernels().layer_norm(x.data() + (n * tokens + skip) * c.dim, norm_weight_.data(), norm_bias_.data(), out.data() + n * rows * cols * c.dim,
                         rows * cols, c.dim, kNormEps);
  return out;
}

}  // namespace fu
