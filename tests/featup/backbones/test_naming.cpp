// One network under the names of several publishers gives the same features.
#include "core/files/weights.h"
#include "core/ops.h"
#include "featup/backbones/backbone.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

using Tensors = std::map<std::string, Tensor>;

Tensors random_values(const Shapes& shapes) {
  Random random(4);
  Tensors t;
  for (const auto& [name, shape] : shapes) {
    const bool factor = name.find("norm") != std::string::npos && name.find("weight") != std::string::npos;
    t[name] = unary(Unary::affine, random.normal(shape), real(0.2), factor ? real(1) : real(0));
  }
  return t;
}

const VitSizes kSmall = {128, 2, 8, 4, 0, 96}, kRegisters = {128, 2, 8, 4, 3, 96};

void move(Tensors& from, Tensors& to, const std::string& old_name, const std::string& name) {
  REQUIRE(from.count(old_name) == 1);
  to[name] = from.at(old_name);
}

void move_both(Tensors& from, Tensors& to, const std::string& old_name, const std::string& name) {
  move(from, to, old_name + ".weight", name + ".weight");
  move(from, to, old_name + ".bias", name + ".bias");
}

/// Rows of qkv to three names; `key_bias` false leaves that bias out.
void split_qkv(const Tensors& from, Tensors& to, const std::string& old_name, const std::vector<std::string>& names,
               bool key_bias = true) {
  for (const char* kind : {".weight", ".bias"}) {
    const Tensor& all = from.at(old_name + kind);
    const Index rows = all.dim(0) / 3;
    for (Index part = 0; part < 3; ++part)
      if (part != 1 || key_bias || std::string(kind) == ".weight")
        to[names[usize(part)] + kind] = all.slice(part * rows, (part + 1) * rows).clone();
  }
}

Tensors to_hf(Tensors t, Index depth, bool layer_scale, bool current) {
  Tensors out;
  move(t, out, "cls_token", "embeddings.cls_token");
  move(t, out, "pos_embed", "embeddings.position_embeddings");
  if (t.count("register_tokens")) move(t, out, "register_tokens", "embeddings.register_tokens");
  move_both(t, out, "patch_embed.proj", "embeddings.patch_embeddings.projection");
  move_both(t, out, "norm", "layernorm");
  for (Index i = 0; i < depth; ++i) {
    const std::string b = "blocks." + std::to_string(i) + ".",
                      h = (current ? "layers." : "encoder.layer.") + std::to_string(i) + ".", a = h + "attention.";
    if (current)
      split_qkv(t, out, b + "attn.qkv", {a + "q_proj", a + "k_proj", a + "v_proj"});
    else
      split_qkv(t, out, b + "attn.qkv", {a + "attention.query", a + "attention.key", a + "attention.value"});
    move_both(t, out, b + "attn.proj", a + (current ? "o_proj" : "output.dense"));
    move_both(t, out, b + "norm1", h + (layer_scale ? "norm1" : "layernorm_before"));
    move_both(t, out, b + "norm2", h + (layer_scale ? "norm2" : "layernorm_after"));
    move_both(t, out, b + "mlp.fc1", h + (layer_scale || current ? "mlp.fc1" : "intermediate.dense"));
    move_both(t, out, b + "mlp.fc2", h + (layer_scale || current ? "mlp.fc2" : "output.dense"));
    if (!layer_scale) continue;
    move(t, out, b + "ls1.gamma", h + "layer_scale1.lambda1");
    move(t, out, b + "ls2.gamma", h + "layer_scale2.lambda1");
  }
  return out;
}

Tensor features_of(const Tensors& tensors, const TempFolder& folder, const Tensor& image,
                   const BackboneOptions& options) {
  write_safetensors(folder / "weights", tensors);
  return open_backbone(folder / "weights", options)->features(image);
}

BackboneOptions same_settings() {
  BackboneOptions o;
  o.heads = 2, o.norm_eps = 1e-6, o.positions = "size", o.activation = "erf", o.mean = "0.5,0.5,0.5",
  o.std = "0.5,0.5,0.5";
  return o;
}

}  // namespace

TEST_CASE("naming: Hugging Face's ViT and DINOv2, of both generations, under any prefix, and chunked blocks") {
  const TempFolder folder;
  Random random(9);
  const Tensor image = random.normal({1, 40, 56, 3});
  BackboneOptions options = same_settings();
  const Tensors vit = random_values(original_vit(kSmall)), dinov2 = random_values(original_dinov2(kRegisters));
  const Tensor expected = features_of(vit, folder, image, options);
  for (const bool current : {false, true}) {
    Tensors hf = to_hf(vit, 2, false, current);
    CHECK(relative_error(features_of(hf, folder, image, options), expected) <= 1e-6);
    Tensors prefixed;
    for (const auto& [name, t] : hf) prefixed["vit." + name] = t;
    prefixed["classifier.weight"] = Tensor::zeros({10, 128});
    CHECK(relative_error(features_of(prefixed, folder, image, options), expected) <= 1e-6);
  }
  const Tensor of_dinov2 = features_of(dinov2, folder, image, options);
  CHECK(relative_error(features_of(to_hf(dinov2, 2, true, false), folder, image, options), of_dinov2) <= 1e-6);
  CHECK(relative_error(of_dinov2, expected) > 0.01);
  Tensors chunked;
  for (const auto& [name, t] : dinov2)
    chunked["backbone." +
            (name.rfind("blocks.", 0) == 0 ? "blocks." + name.substr(7, 1) + "." + name.substr(7) : name)] = t;
  chunked["dino_head.mlp.0.weight"] = Tensor::zeros({4, 4});
  CHECK(relative_error(features_of(chunked, folder, image, options), of_dinov2) <= 1e-6);
  // A teacher goes before its student.
  Tensors both;
  for (const auto& [name, t] : vit) {
    both["student.backbone." + name] = unary(Unary::affine, t, 2);
    both["teacher.backbone." + name] = t;
  }
  CHECK(relative_error(features_of(both, folder, image, options), expected) <= 1e-6);
}

TEST_CASE("naming: gated MLPs of DINOv2's own code and timm, and DINOv3's three kinds of names") {
  const TempFolder folder;
  Random random(10);
  const Tensor image = random.normal({1, 40, 56, 3});
  BackboneOptions options = same_settings();
  Tensors own = random_values(original_dinov2(kRegisters)), timm = own;
  for (const char* b : {"blocks.0.", "blocks.1."}) {
    for (Tensors* t : {&own, &timm})
      for (const char* old : {"mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"})
        t->erase(std::string(b) + old);
    const Tensor w12 = random.normal({96, 128}), b12 = random.normal({96}), w3 = random.normal({128, 48}),
                 b3 = random.normal({128});
    own[std::string(b) + "mlp.w12.weight"] = timm[std::string(b) + "mlp.fc1.weight"] = w12;
    own[std::string(b) + "mlp.w12.bias"] = timm[std::string(b) + "mlp.fc1.bias"] = b12;
    own[std::string(b) + "mlp.w3.weight"] = timm[std::string(b) + "mlp.fc2.weight"] = w3;
    own[std::string(b) + "mlp.w3.bias"] = timm[std::string(b) + "mlp.fc2.bias"] = b3;
  }
  CHECK(relative_error(features_of(timm, folder, image, options), features_of(own, folder, image, options)) <= 1e-6);

  options.positions = "auto";
  Tensors v3 = random_values(original_dinov3(kRegisters)), hf, of_timm;
  v3.erase("rope_embed.periods");  // exact periods, as the other two kinds of files have
  for (const char* b : {"blocks.0.", "blocks.1."}) {
    // What a mask hides may be anything.
    Tensor bias = v3.at(std::string(b) + "attn.qkv.bias").clone();
    for (Index i = 128; i < 256; ++i) bias.data()[i] = NAN;
    v3[std::string(b) + "attn.qkv.bias"] = bias;
  }
  move(v3, hf, "cls_token", "embeddings.cls_token");
  move(v3, hf, "storage_tokens", "embeddings.register_tokens");
  move_both(v3, hf, "patch_embed.proj", "embeddings.patch_embeddings");
  move_both(v3, hf, "norm", "norm");
  of_timm["reg_token"] = v3.at("storage_tokens");
  for (const char* name : {"cls_token", "patch_embed.proj.weight", "patch_embed.proj.bias", "norm.weight", "norm.bias"})
    of_timm[name] = v3.at(name);
  for (Index i = 0; i < 2; ++i) {
    const std::string b = "blocks." + std::to_string(i) + ".", h = "layer." + std::to_string(i) + ".",
                      a = h + "attention.";
    split_qkv(v3, hf, b + "attn.qkv", {a + "q_proj", a + "k_proj", a + "v_proj"}, false);
    for (const auto& [from, to] : {std::pair{"attn.proj", "attention.o_proj"},
                                   {"norm1", "norm1"},
                                   {"norm2", "norm2"},
                                   {"mlp.fc1", "mlp.up_proj"},
                                   {"mlp.fc2", "mlp.down_proj"}}) {
      move_both(v3, hf, b + from, h + to);
      move_both(v3, of_timm, b + from, b + from);
    }
    move(v3, hf, b + "ls1.gamma", h + "layer_scale1.lambda1");
    move(v3, hf, b + "ls2.gamma", h + "layer_scale2.lambda1");
    move(v3, of_timm, b + "ls1.gamma", b + "gamma_1");
    move(v3, of_timm, b + "ls2.gamma", b + "gamma_2");
    move(v3, of_timm, b + "attn.qkv.weight", b + "attn.qkv.weight");
    const Tensor& bias = v3.at(b + "attn.qkv.bias");
    of_timm[b + "attn.q_bias"] = bias.slice(0, 128).clone();
    of_timm[b + "attn.v_bias"] = bias.slice(256, 384).clone();
  }
  const Tensor expected = features_of(v3, folder, image, options);
  CHECK(relative_error(features_of(hf, folder, image, options), expected) <= 1e-6);
  CHECK(relative_error(features_of(of_timm, folder, image, options), expected) <= 1e-6);
}

TEST_CASE("naming: CLIP of OpenAI and of Hugging Face, whole and without its tower's name") {
  const TempFolder folder;
  Random random(11);
  const Tensor image = random.normal({1, 40, 56, 3});
  Tensors own = random_values(openai_clip(kSmall, 64)), hf;
  move(own, hf, "visual.class_embedding", "embeddings.class_embedding");
  move(own, hf, "visual.positional_embedding", "embeddings.position_embedding.weight");
  move(own, hf, "visual.conv1.weight", "embeddings.patch_embedding.weight");
  move_both(own, hf, "visual.ln_pre", "pre_layrnorm");
  move_both(own, hf, "visual.ln_post", "post_layernorm");
  for (Index i = 0; i < 2; ++i) {
    const std::string b = "visual.transformer.resblocks." + std::to_string(i) + ".",
                      h = "encoder.layers." + std::to_string(i) + ".", a = h + "self_attn.";
    own[b + "attn.in_proj.weight"] = own.at(b + "attn.in_proj_weight");
    own[b + "attn.in_proj.bias"] = own.at(b + "attn.in_proj_bias");
    split_qkv(own, hf, b + "attn.in_proj", {a + "q_proj", a + "k_proj", a + "v_proj"});
    own.erase(b + "attn.in_proj.weight"), own.erase(b + "attn.in_proj.bias");
    for (const auto& [from, to] : {std::pair{"attn.out_proj", "self_attn.out_proj"},
                                   {"ln_1", "layer_norm1"},
                                   {"ln_2", "layer_norm2"},
                                   {"mlp.c_fc", "mlp.fc1"},
                                   {"mlp.c_proj", "mlp.fc2"}})
      move_both(own, hf, b + from, h + to);
  }
  Tensors whole;
  for (const auto& [name, t] : hf) whole["vision_model." + name] = t;
  hf["visual_projection.weight"] = whole["visual_projection.weight"] = own.at("visual.proj").permute({1, 0});
  whole["text_model.final_layer_norm.weight"] = Tensor::zeros({64});
  for (const char* feature : {"auto", "clip", "token", "key", "value", "cls", "attention"}) {
    CAPTURE(feature);
    BackboneOptions options = same_settings();
    options.feature = feature;
    const Tensor expected = features_of(own, folder, image, options);
    CHECK(relative_error(features_of(hf, folder, image, options), expected) <= 1e-6);
    CHECK(relative_error(features_of(whole, folder, image, options), expected) <= 1e-6);
  }
}
