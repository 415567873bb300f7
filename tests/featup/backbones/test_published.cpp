// Published files of weights, by stand-ins of their names and shapes: each is recognised, and what is said of it is
// right. The table of the front page names the same files.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "featup/backbones/registry.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

struct Published {
  std::string file;  // its last part; a folder where it ends with '/'
  Shapes shapes;
  std::string config;  // of config.json in its folder
  std::string text;    // that describe() begins with
  std::string settings;
};

const char kImageNetText[] = "mean 0.485,0.456,0.406";

VitSizes vit(Index dim, Index depth, Index patch, Index grid, Index registers = 0, Index hidden = 0) {
  return {dim, depth, patch, grid, registers, hidden};
}

/// torchvision's: the ResNet without its classifier, and that of pixels beside it.
Shapes deeplab() {
  Shapes all = under("backbone.", resnet(64, {3, 4, 6, 3}));
  all.erase("backbone.fc.weight");
  all.erase("backbone.fc.bias");
  all["classifier.0.convs.0.0.weight"] = {256, 2048, 1, 1};
  all["aux_classifier.4.bias"] = {21};
  return all;
}

std::vector<Published> published() {
  const VitSizes s16 = vit(384, 12, 16, 14), b16 = vit(768, 12, 16, 14), s14 = vit(384, 12, 14, 37),
                 s14r = vit(384, 12, 14, 37, 4), s16r = vit(384, 12, 16, 0, 4), l14 = vit(1024, 24, 14, 16);
  return {
      {"dino_deitsmall16_pretrain.pth", original_vit(s16), "", "DINO, DeiT or MAE ViT-S/16, 12 blocks of width 384",
       "heads 6 (by the width), activation erf (usual), eps 1e-06 (usual), positions dino"},
      {"dino_vitbase16_pretrain.pth", original_vit(b16), "", "DINO, DeiT or MAE ViT-B/16", "heads 12"},
      {"dinov2_vits14_pretrain.pth", original_dinov2(s14), "", "DINOv2 ViT-S/14, 12 blocks", "positions dino"},
      {"dinov2_vits14_reg4_pretrain.pth", original_dinov2(s14r), "", "DINOv2 ViT-S/14 with 4 registers",
       "positions aa (as with registers)"},
      {"dinov3_vits16_pretrain_lvd1689m-08c60483.pth", original_dinov3(s16r), "", "DINOv3 ViT-S/16 with 4 registers",
       "heads 6 (by the width), activation erf (usual), eps 1e-05"},
      {"dinov3_vitl16_pretrain_sat493m-eadcf0ff.pth", original_dinov3(vit(1024, 24, 16, 0, 4)), "", "DINOv3 ViT-L/16",
       "mean 0.43,0.411,0.296 (of satellite images, by the file's name)"},
      {"deit_tiny_patch16_224-a1311bcf.pth", original_vit(vit(192, 12, 16, 14)), "", "DINO, DeiT or MAE ViT-Ti/16",
       "heads 3"},
      {"mae_pretrain_vit_base.pth", original_vit(b16), "", "DINO, DeiT or MAE ViT-B/16", kImageNetText},
      {"IN1K-vit.h.14-300e.pth.tar", under("module.", original_vit(vit(1280, 32, 14, 16))), "",
       "DINO, DeiT or MAE ViT-H/14", "heads 16 (by the width)"},
      {"dinov2-small/", hf_dinov2(s14), R"({"model_type": "dinov2", "hidden_size": 384, "num_attention_heads": 6})",
       "DINOv2 ViT-S/14",
       "heads 6 (config.json), activation erf (usual), eps 1e-06 (usual for DINOv2), positions size"},
      {"dinov2-with-registers-base/", hf_dinov2(vit(768, 12, 14, 37, 4)),
       R"({"model_type": "dinov2_with_registers", "hidden_size": 768, "num_attention_heads": 12})",
       "DINOv2 ViT-B/14 with 4 registers", "positions aa"},
      {"dinov3-vits16-pretrain-lvd1689m/", hf_dinov3(s16r),
       R"({"model_type": "dinov3_vit", "hidden_size": 384, "num_attention_heads": 6, "layer_norm_eps": 1e-05,
           "rope_theta": 100.0, "hidden_act": "gelu"})",
       "DINOv3 ViT-S/16 with 4 registers", "activation erf (config.json), eps 1e-05 (config.json)"},
      {"vit-base-patch16-224/", under("vit.", hf_vit(b16)),
       R"({"model_type": "vit", "hidden_size": 768, "num_attention_heads": 12, "layer_norm_eps": 1e-12})",
       "ViT, DINO or DeiT ViT-B/16", "eps 1e-12 (config.json), positions size"},
      {"dino-vits16/", hf_vit(s16), R"({"model_type": "vit", "hidden_size": 384, "num_attention_heads": 6})",
       "ViT, DINO or DeiT ViT-S/16", "positions size"},
      {"ViT-B-16.pt", openai_clip(b16, 512), "", "CLIP ViT-B/16", "feature maskclip (usual)"},
      {"ViT-L-14-336px.pt", openai_clip(vit(1024, 24, 14, 24), 768), "", "CLIP ViT-L/14", "heads 16"},
      {"CLIP-ViT-H-14-laion2B-s32B-b79K/", openai_clip(vit(1280, 32, 14, 16), 1024), "", "CLIP ViT-H/14",
       "heads 16 (by the width), activation erf"},
      {"clip-vit-base-patch16/", hf_clip(b16, 512),
       R"({"model_type": "clip", "vision_config": {"hidden_size": 768, "num_attention_heads": 12, "patch_size": 16}})",
       "CLIP ViT-B/16", "activation quick"},
      {"clip-vit-large-patch14/", hf_clip(l14, 768),
       R"({"model_type": "clip", "vision_config": {"hidden_size": 1024, "num_attention_heads": 16,
           "hidden_act": "quick_gelu"}})",
       "CLIP ViT-L/14", "activation quick (config.json)"},
      {"siglip-base-patch16-224/", hf_siglip(b16), R"({"vision_config": {"model_type": "siglip_vision_model"}})",
       "SigLIP ViT-B/16", "activation tanh (usual for SigLIP), eps 1e-06"},
      {"siglip-so400m-patch14-384/", hf_siglip(vit(1152, 27, 14, 27, 0, 4304)), "", "SigLIP ViT-so400m/14",
       "heads 16 (by the width)"},
      {"resnet50-0676ba61.pth", resnet(64, {3, 4, 6, 3}), "", "ResNet-50, layer4 of width 2048, patch 32",
       "feature token (usual), layer 4 (the last)"},
      {"deeplabv3_resnet50_coco-cd0a2569.pth", deeplab(), "", "ResNet-50 of DeepLab, layer4 of width 2048, patch 8",
       "feature dilated (usual)"},
      {"convnext_tiny_1k_224_ema.pth", original_convnext(96, {3, 3, 9, 3}), "",
       "ConvNeXt-T, stage 4 of width 768, patch 32", "feature token (usual)"},
  };
}

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// Writes the stand-in and gives the path that a user would give.
std::string write_stand_in(const TempFolder& folder, const Published& p) {
  const std::string path = folder / p.file;
  const bool is_folder = p.file.back() == '/';
  if (is_folder) std::filesystem::create_directories(path);
  write_zeros(is_folder ? path + "model.safetensors" : path, p.shapes);
  if (!p.config.empty()) write_text(path + "config.json", p.config);
  return path;
}

}  // namespace

TEST_CASE("published: every file is recognised and described") {
  const TempFolder folder;
  for (const Published& p : published()) {
    CAPTURE(p.file);
    const auto summary = describe_backbone(Weights(write_stand_in(folder, p)));
    REQUIRE(summary);
    CAPTURE(summary->text);
    CAPTURE(settings_text(summary->settings));
    CHECK(summary->text.rfind(p.text, 0) == 0);
    CHECK(contains(settings_text(summary->settings), p.settings));
  }
}

TEST_CASE("published: a stand-in is opened and run, whatever its names are") {
  const TempFolder folder;
  const VitSizes small = vit(192, 2, 8, 4), registers = vit(192, 2, 8, 4, 4);
  const std::vector<Shapes> all = {original_vit(small),    original_dinov2(registers), original_dinov3(registers),
                                   hf_vit(small),          hf_dinov2(registers),       hf_dinov3(registers),
                                   openai_clip(small, 64), hf_clip(small, 64),         hf_siglip(small)};
  for (const Shapes& shapes : all) {
    write_random(folder / "file", shapes);
    CAPTURE(shapes.begin()->first);
    const auto backbone = open_backbone(folder / "file");
    CHECK(backbone->features(Tensor::zeros({1, 40, 24, 3})).shape() == Shape{1, 5, 3, backbone->channels()});
  }
}

TEST_CASE("published: the front page's table names the same files") {
  std::ifstream in(FU_SOURCE_DIR "/README.md");
  std::stringstream all;
  all << in.rdbuf();
  const std::string text = all.str();
  for (const Published& p : published()) {
    std::string name = p.file;
    if (name.back() == '/') name.pop_back();
    CAPTURE(name);
    CHECK(contains(text, "--backbone " + name));
  }
}

TEST_CASE("published: a tensor that no layer uses is named, and other networks by their names") {
  const TempFolder folder;
  const VitSizes small = vit(192, 2, 8, 4);
  const auto refusal = [&](Shapes shapes, const std::string& name, const Shape& shape) {
    shapes[name] = shape;
    write_zeros(folder / "file", shapes);
    return message_of([&] { open_backbone(folder / "file"); });
  };
  CHECK(contains(refusal(original_vit(small), "blocks.0.attn.q_norm.weight", {64}),
                 "normalises queries and keys (q_norm), by its tensor 'blocks.0.attn.q_norm.weight'"));
  CHECK(contains(refusal(original_vit(small), "blocks.1.attn.extra", {64}),
                 "has the tensor 'blocks.1.attn.extra', which no layer of this program uses"));
  CHECK(contains(refusal(original_vit(small), "fc_norm.weight", {128}), "has the tensor 'fc_norm.weight'"));
  CHECK(contains(refusal(original_vit(small), "attn_pool.latent", {1, 1, 192}), "attn_pool.latent"));
  CHECK(contains(refusal(original_vit(small), "blocks.0.attn.relative_position_bias_table", {9, 2}), "BEiT"));
  CHECK(contains(refusal(original_vit(small), "blocks.0.gamma_1", {128}), "EVA or the Perception Encoder"));
  CHECK(contains(refusal(original_vit(small), "rope.freqs_cos", {16, 64}), "EVA-02"));
  CHECK(contains(refusal(under("image_encoder.", original_vit(small)), "image_encoder.neck.0.weight", {8, 128, 1, 1}),
                 "SAM's image encoder"));
  CHECK(contains(refusal(original_vit(small), "blocks.0.attn.rel_pos_h", {7, 64}), "relative positions"));
  CHECK(contains(refusal(original_vit(small), "radio_model.model.patch_generator.embedder.weight", {128, 768}),
                 "is RADIO"));
  CHECK(contains(refusal(hf_vit(small), "encoder.layer.0.attention.attention.extra", {64}), "attention.extra"));
  CHECK(contains(refusal(hf_dinov2(small), "encoder.layer.0.mlp.fc3.weight", {128, 128}), "mlp.fc3.weight"));
  CHECK(contains(refusal(hf_clip(small, 64), "vision_model.encoder.layers.0.self_attn.q_norm.weight", {64}), "q_norm"));
  CHECK(contains(refusal(openai_clip(small, 64), "visual.attn_pool.query", {256, 64}), "attention pooling"));
  CHECK(contains(refusal(openai_clip(small, 64), "visual.transformer.resblocks.0.ls_1.gamma", {128}), "ls_1.gamma"));
  Shapes naflex = hf_siglip(small);
  naflex["vision_model.embeddings.patch_embedding.weight"] = {192, 192};
  CHECK(contains(refusal(naflex, "unused.weight", {1}), "naflex"));
  CHECK(contains(refusal(original_dinov3(vit(384, 1, 8, 0, 4)), "mask_token", {1, 384}), "has a period of 0"));
  // A network that has a place for everything but one block of many.
  Shapes gap = original_vit(vit(192, 3, 8, 4));
  for (auto it = gap.begin(); it != gap.end();)
    it = it->first.rfind("blocks.1.", 0) == 0 ? gap.erase(it) : std::next(it);
  CHECK(contains(refusal(gap, "mask_token", {1, 192}), "lacks one of its 'blocks.N'"));
}

TEST_CASE("published: heads and numbers come from the option, the files beside, the width, or are asked for") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "model");
  write_zeros(folder / "model/model.safetensors", hf_vit(vit(1280, 2, 14, 4)));
  const auto settings = [&](const std::string& config, const BackboneOptions& options = {}) {
    write_text(folder / "model/config.json", config);
    return settings_text(describe_backbone(Weights(folder / "model"), options)->settings);
  };
  CHECK(contains(settings("{}"), "heads 16 (by the width)"));
  CHECK(contains(settings(R"({"num_attention_heads": 20})"), "heads 20 (config.json)"));
  BackboneOptions options;
  options.heads = 10, options.norm_eps = 1e-3, options.activation = "tanh", options.positions = "aa";
  options.mean = "0.1,0.2,0.3", options.std = "1,2,3", options.layer = 1, options.feature = "value";
  CHECK(settings(R"({"num_attention_heads": 20, "layer_norm_eps": 1e-5, "hidden_act": "gelu"})", options) ==
        "heads 10 (option), activation tanh (option), eps 0.001 (option), positions aa (option), mean 0.1,0.2,0.3 "
        "(option), std 1,2,3 (option), feature value (option), layer 1 (option)");
  write_text(folder / "model/preprocessor_config.json",
             R"({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]})");
  CHECK(contains(settings("{}"), "mean 0.5,0.5,0.5 (preprocessor_config.json)"));
  const auto message = [&](const std::string& config, const BackboneOptions& o = {}) {
    return message_of([&] { settings(config, o); });
  };
  CHECK(contains(message("{"), "config.json: is no JSON object"));
  CHECK(contains(message(R"({"num_attention_heads": 0})"), "'num_attention_heads' is 0, expected a size"));
  CHECK(contains(message(R"({"num_attention_heads": 7})"), "7 heads (config.json) do not divide the width 1280"));
  CHECK(contains(message(R"({"hidden_act": "swish_9"})"), "wants the activation 'swish_9'"));
  CHECK(contains(message(R"({"hidden_size": 768})"), "speaks of a width of 768, but its tensors have 1280"));
  BackboneOptions half;
  half.mean = "0.5,0.5,0.5";
  CHECK(contains(message("{}", half), "mean and std belong together"));
  half.std = "0.5,0,0.5";
  CHECK(contains(message("{}", half), "[std] '0.5,0,0.5': give three positive numbers"));
  BackboneOptions deep;
  deep.layer = 3;
  CHECK(contains(message("{}", deep), "layer 3: there are 2 blocks; they count from 1"));
  // timm's and OpenCLIP's own files.
  std::filesystem::remove(folder / "model/preprocessor_config.json");
  std::filesystem::create_directories(folder / "timm");
  write_zeros(folder / "timm/model.safetensors", original_vit(vit(384, 2, 16, 4)));
  write_text(folder / "timm/config.json", R"({"architecture": "vit_small_patch16_224", "num_features": 384,
    "pretrained_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.5, 0.5, 0.25]}})");
  const std::string timm = settings_text(describe_backbone(Weights(folder / "timm"))->settings);
  CHECK(contains(timm, "positions aa (timm's config.json), mean 0.5,0.4,0.3 (config.json), std 0.5,0.5,0.25"));
  std::filesystem::create_directories(folder / "open");
  write_zeros(folder / "open/open_clip_model.safetensors", openai_clip(vit(768, 2, 16, 4), 64));
  write_text(folder / "open/open_clip_config.json", R"({"model_cfg": {"embed_dim": 64, "quick_gelu": true,
    "vision_cfg": {"width": 768, "head_width": 96}}, "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [1, 1, 1]}})");
  const std::string open = settings_text(describe_backbone(Weights(folder / "open"))->settings);
  CHECK(contains(open, "heads 8 (open_clip_config.json), activation quick (open_clip_config.json)"));
  CHECK(contains(open, "mean 0.5,0.4,0.3 (open_clip_config.json)"));
  // A CLIP that was trained on to name ImageNet's classes has no projection any more.
  Shapes tuned = original_vit(vit(768, 2, 16, 4));
  tuned.erase("patch_embed.proj.bias");
  tuned["norm_pre.weight"] = tuned["norm_pre.bias"] = {768};
  for (const Index rows : {Index{1000}, Index{512}}) {
    tuned["head.weight"] = {rows, 768};
    write_zeros(folder / "tuned.safetensors", tuned);
    CHECK(contains(settings_text(describe_backbone(Weights(folder / "tuned.safetensors"))->settings),
                   rows == 1000 ? "feature token" : "feature maskclip"));
  }
  // A config.json beside a single file may be another model's.
  write_text(folder / "config.json", R"({"hidden_size": 768, "num_attention_heads": 2})");
  write_zeros(folder / "lone.safetensors", original_vit(vit(384, 2, 16, 4)));
  CHECK(contains(settings_text(describe_backbone(Weights(folder / "lone.safetensors"))->settings),
                 "heads 6 (by the width)"));
  write_zeros(folder / "odd.safetensors", original_vit(vit(320, 1, 16, 4)));
  CHECK(contains(message_of([&] { describe_backbone(Weights(folder / "odd.safetensors")); }),
                 "width 320, of which the number of attention heads is not known"));
}
