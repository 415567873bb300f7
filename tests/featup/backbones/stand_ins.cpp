#include "tests/featup/backbones/stand_ins.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "core/random.h"

namespace fu::test {

namespace {

/// Adds NAME.weight (out,in) and NAME.bias (out).
void add_linear(Shapes& s, const std::string& name, Index out, Index in, bool bias = true) {
  s[name + ".weight"] = {out, in};
  if (bias) s[name + ".bias"] = {out};
}
void add_norm(Shapes& s, const std::string& name, Index dim) { s[name + ".weight"] = s[name + ".bias"] = {dim}; }
void add_patches(Shapes& s, const std::string& name, const VitSizes& v, bool bias = true) {
  s[name + ".weight"] = {v.dim, 3, v.patch, v.patch};
  if (bias) s[name + ".bias"] = {v.dim};
}

/// Blocks of DINO's, DINOv2's and DINOv3's own code.
void add_original_blocks(Shapes& s, const VitSizes& v, bool layer_scale) {
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = "blocks." + std::to_string(i) + ".";
    add_norm(s, b + "norm1", v.dim);
    add_linear(s, b + "attn.qkv", 3 * v.dim, v.dim);
    add_linear(s, b + "attn.proj", v.dim, v.dim);
    add_norm(s, b + "norm2", v.dim);
    add_linear(s, b + "mlp.fc1", v.mlp(), v.dim);
    add_linear(s, b + "mlp.fc2", v.dim, v.mlp());
    if (layer_scale) s[b + "ls1.gamma"] = s[b + "ls2.gamma"] = {v.dim};
  }
  add_norm(s, "norm", v.dim);
}

/// Embeddings and attention of transformers' ViT and DINOv2.
void add_hf(Shapes& s, const VitSizes& v) {
  s["embeddings.cls_token"] = {1, 1, v.dim};
  s["embeddings.position_embeddings"] = {1, 1 + v.grid * v.grid, v.dim};
  add_patches(s, "embeddings.patch_embeddings.projection", v);
  for (Index i = 0; i < v.depth; ++i) {
    const std::string a = "encoder.layer." + std::to_string(i) + ".attention.";
    for (const char* part : {"query", "key", "value"}) add_linear(s, a + "attention." + part, v.dim, v.dim);
    add_linear(s, a + "output.dense", v.dim, v.dim);
  }
  add_norm(s, "layernorm", v.dim);
}

/// Blocks of transformers' CLIP and SigLIP.
void add_hf_clip_blocks(Shapes& s, const std::string& prefix, const VitSizes& v) {
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = prefix + "encoder.layers." + std::to_string(i) + ".";
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
      add_linear(s, b + "self_attn." + part, v.dim, v.dim);
    add_norm(s, b + "layer_norm1", v.dim);
    add_norm(s, b + "layer_norm2", v.dim);
    add_linear(s, b + "mlp.fc1", v.mlp(), v.dim);
    add_linear(s, b + "mlp.fc2", v.dim, v.mlp());
  }
  add_norm(s, prefix + "post_layernorm", v.dim);
}

}  // namespace

Shapes original_vit(const VitSizes& v) {
  Shapes s;
  s["cls_token"] = {1, 1, v.dim};
  s["pos_embed"] = {1, 1 + v.grid * v.grid, v.dim};
  add_patches(s, "patch_embed.proj", v);
  add_original_blocks(s, v, false);
  return s;
}

Shapes original_dinov2(const VitSizes& v) {
  Shapes s = original_vit(v);
  s["mask_token"] = {1, v.dim};
  if (v.registers > 0) s["register_tokens"] = {1, v.registers, v.dim};
  add_original_blocks(s, v, true);
  return s;
}

Shapes original_dinov3(const VitSizes& v) {
  Shapes s;
  s["cls_token"] = {1, 1, v.dim};
  s["storage_tokens"] = {1, v.registers, v.dim};
  s["mask_token"] = {1, v.dim};
  s["rope_embed.periods"] = {16};
  add_patches(s, "patch_embed.proj", v);
  add_original_blocks(s, v, true);
  for (Index i = 0; i < v.depth; ++i) s["blocks." + std::to_string(i) + ".attn.qkv.bias_mask"] = {3 * v.dim};
  return s;
}

Shapes hf_vit(const VitSizes& v) {
  Shapes s;
  add_hf(s, v);
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = "encoder.layer." + std::to_string(i) + ".";
    add_norm(s, b + "layernorm_before", v.dim);
    add_norm(s, b + "layernorm_after", v.dim);
    add_linear(s, b + "intermediate.dense", v.mlp(), v.dim);
    add_linear(s, b + "output.dense", v.dim, v.mlp());
  }
  add_linear(s, "pooler.dense", v.dim, v.dim);
  return s;
}

Shapes hf_dinov2(const VitSizes& v) {
  Shapes s;
  add_hf(s, v);
  s["embeddings.mask_token"] = {1, v.dim};
  if (v.registers > 0) s["embeddings.register_tokens"] = {1, v.registers, v.dim};
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = "encoder.layer." + std::to_string(i) + ".";
    add_norm(s, b + "norm1", v.dim);
    add_norm(s, b + "norm2", v.dim);
    add_linear(s, b + "mlp.fc1", v.mlp(), v.dim);
    add_linear(s, b + "mlp.fc2", v.dim, v.mlp());
    s[b + "layer_scale1.lambda1"] = s[b + "layer_scale2.lambda1"] = {v.dim};
  }
  return s;
}

Shapes hf_dinov3(const VitSizes& v) {
  Shapes s;
  s["embeddings.cls_token"] = s["embeddings.mask_token"] = {1, 1, v.dim};
  s["embeddings.register_tokens"] = {1, v.registers, v.dim};
  add_patches(s, "embeddings.patch_embeddings", v);
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = "layer." + std::to_string(i) + ".";
    add_norm(s, b + "norm1", v.dim);
    add_norm(s, b + "norm2", v.dim);
    for (const char* part : {"q_proj", "v_proj", "o_proj"}) add_linear(s, b + "attention." + part, v.dim, v.dim);
    add_linear(s, b + "attention.k_proj", v.dim, v.dim, false);
    add_linear(s, b + "mlp.up_proj", v.mlp(), v.dim);
    add_linear(s, b + "mlp.down_proj", v.dim, v.mlp());
    s[b + "layer_scale1.lambda1"] = s[b + "layer_scale2.lambda1"] = {v.dim};
  }
  add_norm(s, "norm", v.dim);
  return s;
}

Shapes openai_clip(const VitSizes& v, Index projection) {
  Shapes s;
  s["visual.class_embedding"] = {v.dim};
  s["visual.positional_embedding"] = {1 + v.grid * v.grid, v.dim};
  s["visual.proj"] = {v.dim, projection};
  add_patches(s, "visual.conv1", v, false);
  add_norm(s, "visual.ln_pre", v.dim);
  add_norm(s, "visual.ln_post", v.dim);
  for (Index i = 0; i < v.depth; ++i) {
    const std::string b = "visual.transformer.resblocks." + std::to_string(i) + ".";
    add_norm(s, b + "ln_1", v.dim);
    add_norm(s, b + "ln_2", v.dim);
    s[b + "attn.in_proj_weight"] = {3 * v.dim, v.dim};
    s[b + "attn.in_proj_bias"] = {3 * v.dim};
    add_linear(s, b + "attn.out_proj", v.dim, v.dim);
    add_linear(s, b + "mlp.c_fc", v.mlp(), v.dim);
    add_linear(s, b + "mlp.c_proj", v.dim, v.mlp());
  }
  s["token_embedding.weight"] = {49408, projection};
  s["positional_embedding"] = {77, projection};
  s["text_projection"] = {projection, projection};
  s["logit_scale"] = {};
  add_norm(s, "ln_final", projection);
  add_norm(s, "transformer.resblocks.0.ln_1", projection);
  return s;
}

Shapes hf_clip(const VitSizes& v, Index projection) {
  Shapes s;
  const std::string p = "vision_model.";
  s[p + "embeddings.class_embedding"] = {v.dim};
  s[p + "embeddings.position_embedding.weight"] = {1 + v.grid * v.grid, v.dim};
  s[p + "embeddings.position_ids"] = {1, 1 + v.grid * v.grid};
  add_patches(s, p + "embeddings.patch_embedding", v, false);
  add_norm(s, p + "pre_layrnorm", v.dim);
  add_hf_clip_blocks(s, p, v);
  s["visual_projection.weight"] = {projection, v.dim};
  s["text_projection.weight"] = {projection, projection};
  s["text_model.embeddings.token_embedding.weight"] = {49408, projection};
  add_norm(s, "text_model.final_layer_norm", projection);
  s["logit_scale"] = {};
  return s;
}

Shapes hf_siglip(const VitSizes& v) {
  Shapes s;
  const std::string p = "vision_model.";
  s[p + "embeddings.position_embedding.weight"] = {v.grid * v.grid, v.dim};
  add_patches(s, p + "embeddings.patch_embedding", v);
  add_hf_clip_blocks(s, p, v);
  s[p + "head.probe"] = {1, 1, v.dim};
  s[p + "head.attention.in_proj_weight"] = {3 * v.dim, v.dim};
  add_norm(s, p + "head.layernorm", v.dim);
  s["text_model.embeddings.position_embedding.weight"] = {64, v.dim};
  add_linear(s, "text_model.head", v.dim, v.dim);
  s["logit_scale"] = s["logit_bias"] = {1};
  return s;
}

Shapes resnet(Index width, const std::vector<Index>& blocks) {
  Shapes s;
  const auto convolution = [&](const std::string& conv, const std::string& norm, Index out, Index in, Index kernel) {
    s[conv + ".weight"] = {out, in, kernel, kernel};
    add_norm(s, norm, out);
    s[norm + ".running_mean"] = s[norm + ".running_var"] = {out};
    s[norm + ".num_batches_tracked"] = {};
  };
  convolution("conv1", "bn1", width, 3, 7);
  Index in = width;
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    const Index inner = width << l;
    for (Index i = 0; i < blocks[l]; ++i) {
      const std::string p = "layer" + std::to_string(l + 1) + "." + std::to_string(i) + ".";
      convolution(p + "conv1", p + "bn1", inner, in, 1);
      convolution(p + "conv2", p + "bn2", inner, inner, 3);
      convolution(p + "conv3", p + "bn3", 4 * inner, inner, 1);
      if (i == 0) convolution(p + "downsample.0", p + "downsample.1", 4 * inner, in, 1);
      in = 4 * inner;
    }
  }
  add_linear(s, "fc", 1000, in);
  return s;
}

Shapes original_convnext(Index width, const std::vector<Index>& blocks) {
  Shapes s;
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    const std::string stage = std::to_string(l) + ".", down = "downsample_layers." + stage;
    const Index c = width << l;
    s[down + (l == 0 ? "0" : "1") + ".weight"] = l == 0 ? Shape{c, 3, 4, 4} : Shape{c, c / 2, 2, 2};
    s[down + (l == 0 ? "0" : "1") + ".bias"] = {c};
    add_norm(s, down + (l == 0 ? "1" : "0"), l == 0 ? c : c / 2);
    for (Index i = 0; i < blocks[l]; ++i) {
      const std::string p = "stages." + stage + std::to_string(i) + ".";
      s[p + "dwconv.weight"] = {c, 1, 7, 7};
      s[p + "dwconv.bias"] = s[p + "gamma"] = {c};
      add_norm(s, p + "norm", c);
      add_linear(s, p + "pwconv1", 4 * c, c);
      add_linear(s, p + "pwconv2", c, 4 * c);
    }
  }
  const Index last = width << (blocks.size() - 1);
  add_norm(s, "norm", last);
  add_linear(s, "head", 1000, last);
  return s;
}

Shapes under(const std::string& prefix, const Shapes& shapes) {
  Shapes all;
  for (const auto& [name, shape] : shapes) all[prefix + name] = shape;
  return all;
}

void write_random(const std::string& path, const Shapes& shapes, real largest) {
  Random random(3);
  std::map<std::string, Tensor> weights;
  for (const auto& [name, shape] : shapes) {
    const bool variance = name.find("running_var") != std::string::npos || name.find("periods") != std::string::npos;
    weights[name] = random.uniform(shape, variance ? largest : -largest, variance ? 2 * largest : largest);
  }
  write_safetensors(path, weights);
}

void write_zeros(const std::string& path, const Shapes& shapes) {
  nlohmann::ordered_json header;
  Index at = 0;
  for (const auto& [name, shape] : shapes) {
    std::vector<Index> sizes;
    for (int i = 0; i < shape.rank(); ++i) sizes.push_back(shape[i]);
    const Index end = at + 4 * shape.elements();
    header[name] = {{"dtype", "F32"}, {"shape", sizes}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(text.size() >> (8 * i));
  {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(length), 8);
    out << text;
  }
  std::filesystem::resize_file(path, 8 + text.size() + static_cast<std::uintmax_t>(at));
}

}  // namespace fu::test
