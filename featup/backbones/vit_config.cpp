// Sizes of a vision transformer, from the shapes of its tensors.
#include <cmath>

#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

/// Side of a square grid of n patches; 0 if there is none.
Index side_of(Index n) {
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(std::max<Index>(0, n)))));
  return side * side == n ? side : 0;
}

/// Tokens in a tensor (1,n,dim), or (n,dim), or (dim).
Index token_count(const NamedTensors& t, const std::string& name, Index dim) {
  const Shape s = t.shape(name);
  require<FileError>(s.rank() >= 1 && s[-1] == dim && (s.rank() < 3 || s[0] == 1) && s.rank() <= 3, t.path(),
                     ": tensor '", t.name_in_file(name), "' has shape ", s, ", expected (1,tokens,", dim, ").");
  return s.elements() / std::max<Index>(1, dim);
}

/// The matrices of every block are in the file with the sizes that the first block and the patches promise: before any
/// memory is taken for them.
void check_blocks(const NamedTensors& t, const VitConfig& c) {
  const auto check = [&](const std::string& name, Index rows, Index cols) {
    const Shape found = t.shape(name);
    const bool fits = found.elements() == rows * cols && found.rank() >= 1 && found[0] == rows;
    require<FileError>(fits, t.path(), ": tensor '", t.name_in_file(name), "' has shape ", found, ", expected (", rows,
                       ",", cols, ").");
  };
  for (Index i = 0; i < c.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    check(block + "attn.qkv.weight", 3 * c.dim, c.dim);
    check(block + "attn.proj.weight", c.dim, c.dim);
    if (c.gated_mlp) {
      check(block + "mlp.w1.weight", c.mlp_hidden, c.dim);
      check(block + "mlp.w2.weight", c.mlp_hidden, c.dim);
      check(block + "mlp.w3.weight", c.dim, c.mlp_hidden);
    } else {
      check(block + "mlp.fc1.weight", c.mlp_hidden, c.dim);
      check(block + "mlp.fc2.weight", c.dim, c.mlp_hidden);
    }
  }
}

void read_positions(const NamedTensors& t, bool rotary, VitConfig& c) {
  c.rotary = rotary;
  const bool stored = t.has("pos_embed");
  require<FileError>(stored != rotary, t.path(),
                     stored ? ": has position embeddings, which its family does not use."
                            : ": has no position embeddings: no 'pos_embed' by any name.");
  if (rotary) {
    c.prefix_positions = 0;
    return;
  }
  // Patches alone, or all tokens in front of them too.
  const Index n = token_count(t, "pos_embed", c.dim);
  c.grid = side_of(n - c.prefix);
  c.prefix_positions = c.prefix;
  if (c.grid == 0) c.grid = side_of(n), c.prefix_positions = 0;
  require<FileError>(c.grid > 0, t.path(), ": tensor '", t.name_in_file("pos_embed"), "' has shape ",
                     t.shape("pos_embed"), ", expected (1,", c.prefix, " + n*n,", c.dim, ") or (1,n*n,", c.dim, ").");
}

}  // namespace

VitConfig read_vit_sizes(const NamedTensors& t, bool rotary) {
  VitConfig c;
  const auto bad = [&](const std::string& name, const std::string& expected) {
    return FileError(
        cat(t.path(), ": tensor '", t.name_in_file(name), "' has shape ", t.shape(name), ", expected ", expected, "."));
  };
  const std::string embed = "patch_embed.proj.weight";
  const Shape kernel = t.shape(embed);
  if (kernel.rank() != 4 || kernel[1] != 3 || kernel[2] != kernel[3] || kernel[2] < 1 || kernel[0] < 1)
    throw bad(embed, "(dim,3,patch,patch)");
  c.dim = kernel[0], c.patch = kernel[2];
  c.depth = t.count("blocks.");
  require<FileError>(c.depth > 0, t.path(), ": has '", t.name_in_file(embed),
                     "', but no blocks of a transformer that this program knows.");
  const std::string mlp = "blocks.0.mlp.";
  c.gated_mlp = t.has(mlp + "w3.weight");
  const std::string last = mlp + (c.gated_mlp ? "w3.weight" : "fc2.weight");
  const Shape hidden = t.shape(last);
  if (hidden.elements() < c.dim || hidden.elements() % c.dim != 0 || hidden[0] != c.dim)
    throw bad(last, cat("(", c.dim, ",hidden)"));
  c.mlp_hidden = hidden.elements() / c.dim;
  c.patch_bias = t.has("patch_embed.proj.bias");
  c.qkv_bias = t.has("blocks.0.attn.qkv.bias");
  c.proj_bias = t.has("blocks.0.attn.proj.bias");
  c.mlp_bias = t.has(mlp + (c.gated_mlp ? "w3.bias" : "fc2.bias"));
  c.layer_scale = t.has("blocks.0.ls1.gamma");
  c.pre_norm = t.has("norm_pre.weight");
  require<FileError>(t.has("cls_token") || !t.has("dist_token"), t.path(),
                     ": has a distillation token without a class token.");
  c.prefix = t.has("dist_token") ? 2 : t.has("cls_token") ? 1 : 0;
  if (t.has("register_tokens")) c.registers = token_count(t, "register_tokens", c.dim);
  if (t.has("projection.weight")) c.projection = t.shape("projection.weight")[0];
  read_positions(t, rotary, c);
  check_blocks(t, c);
  return c;
}

Index usual_heads(Index width, bool rotary) {
  switch (width) {
    case 64: return 1;
    case 128: return 2;
    case 192: return 3;
    case 384: return 6;
    case 768: return 12;
    case 1024: return 16;
    case 1152: return 16;                // SigLIP so400m: 72 channels a head
    case 1280: return rotary ? 20 : 16;  // DINOv3 H+; ViT-H: 80
    case 1408: return 16;                // ViT-g: 88
    case 1536: return 24;                // DINOv2 g
    case 1664: return 16;                // CLIP bigG: 104
    case 4096: return 32;                // DINOv3 7B: 128
    default: return 0;                   // 320, say, may be 5 heads of 64 or 4 of 80
  }
}

}  // namespace fu
