// Sizes of a vision transformer, from the names and shapes of its tensors.
#include <cmath>

#include "featup/backbones/vit.h"

namespace fu {

namespace {

constexpr Index kHeadDim = 64;

}  // namespace

bool Vit::find_prefix(const Weights& weights, std::string& prefix) {
  const std::string key = "patch_embed.proj.weight";
  // DINO's training checkpoints hold a student and a teacher, with heads; the shortest prefix is the backbone itself.
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

}  // namespace fu
