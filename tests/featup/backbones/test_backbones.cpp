#include "featup/backbones/backbone.h"

#include "core/files/weights.h"
#include "core/ops.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("vit: real weights, any size and aspect, batches, threads") {
  FU_NEEDS_SHARED(shared);
  const std::string weights = shared + "/models/deit_tiny_patch16_224.safetensors";
  const auto backbone = open_backbone(weights);
  CHECK(backbone->channels() == 192);
  CHECK(backbone->patch() == 16);
  Random random(2);
  const Tensor images = random.normal({2, 64, 96, 3});
  const Tensor f = backbone->features(images);
  CHECK(f.shape() == Shape{2, 4, 6, 192});
  CHECK(same_bits(f.slice(1, 2), backbone->features(images.slice(1, 2))));
  {
    const WithThreads one(1);
    CHECK(same_bits(f, backbone->features(images)));
  }
  CHECK(open_backbone(weights, {"key"})->features(images).shape() == Shape{2, 4, 6, 192});
  CHECK(contains(message_of([&] { backbone->features(Tensor::zeros({1, 60, 64, 3})); }), "multiples of 16"));
  CHECK(contains(message_of([&] { open_backbone(shared + "/models/clip_jbu_stack_cocostuff.ckpt"); }),
                 "holds no backbone of a known family. Choices are builtin (a small transformer inside the program), "
                 "or weights of "
                 "DINO, "));
}

TEST_CASE("vit: a register is a token without position, behind cls; layer scale multiplies; other grids resize") {
  const TempFolder folder;
  Random random(8);
  constexpr Index kDim = 64, kPatch = 14, kGrid = 3;
  std::map<std::string, Tensor> t = {{"patch_embed.proj.weight", random.normal({kDim, 3, kPatch, kPatch})},
                                     {"patch_embed.proj.bias", random.normal({kDim})},
                                     {"cls_token", random.normal({1, 1, kDim})},
                                     {"norm.weight", random.normal({kDim})},
                                     {"norm.bias", random.normal({kDim})}};
  for (const auto& [name, shape] : std::map<std::string, Shape>{{"norm1.weight", {kDim}},
                                                                {"norm1.bias", {kDim}},
                                                                {"norm2.weight", {kDim}},
                                                                {"norm2.bias", {kDim}},
                                                                {"attn.qkv.weight", {3 * kDim, kDim}},
                                                                {"attn.qkv.bias", {3 * kDim}},
                                                                {"attn.proj.weight", {kDim, kDim}},
                                                                {"attn.proj.bias", {kDim}},
                                                                {"mlp.fc1.weight", {2 * kDim, kDim}},
                                                                {"mlp.fc1.bias", {2 * kDim}},
                                                                {"mlp.fc2.weight", {kDim, 2 * kDim}},
                                                                {"mlp.fc2.bias", {kDim}}})
    t["blocks.0." + name] = unary(Unary::affine, random.normal(shape), real(0.2));
  const Tensor extra = random.normal({1, 1, kDim}), cls_position = random.normal({1, kDim}),
               patches = random.normal({kGrid * kGrid, kDim});
  // One extra token, once as DINOv2's register, once as DeiT's distillation token with a position of zero: the same
  // network.
  auto with_register = t, with_distillation = t;
  with_register["register_tokens"] = extra;
  with_register["pos_embed"] =
      concat(std::vector<Tensor>{cls_position, patches}, 0).reshape({1, 1 + kGrid * kGrid, kDim});
  with_distillation["dist_token"] = extra;
  with_distillation["pos_embed"] = concat(std::vector<Tensor>{cls_position, Tensor::zeros({1, kDim}), patches}, 0)
                                       .reshape({1, 2 + kGrid * kGrid, kDim});
  write_safetensors(folder / "register", with_register);
  write_safetensors(folder / "distillation", with_distillation);
  const Tensor same_grid = random.normal({1, 3 * kPatch, 3 * kPatch, 3}),
               other_grid = random.normal({2, 2 * kPatch, 5 * kPatch, 3});
  for (const Tensor& image : {same_grid, other_grid})
    for (const char* feature : {"token", "key", "value"}) {
      BackboneOptions options;
      options.feature = feature;
      options.positions = "dino";  // registers mean another rule
      CHECK(relative_error(open_backbone(folder / "register", options)->features(image),
                           open_backbone(folder / "distillation", options)->features(image)) <= 1e-5);
    }
  const Tensor plain = open_backbone(folder / "register")->features(same_grid);
  // Layer scale of 1 changes nothing, of 0 leaves the embedded patches.
  auto scaled = with_register;
  scaled["blocks.0.ls1.gamma"] = scaled["blocks.0.ls2.gamma"] = Tensor::full({kDim}, 1);
  write_safetensors(folder / "scaled", scaled);
  CHECK(relative_error(open_backbone(folder / "scaled")->features(same_grid), plain) <= 1e-6);
  CHECK(contains(open_backbone(folder / "scaled")->describe(),
                 "DINOv2 transformer with 1 registers, 1 blocks of width 64, patch 14"));
  scaled["blocks.0.ls1.gamma"] = scaled["blocks.0.ls2.gamma"] = Tensor::zeros({kDim});
  write_safetensors(folder / "zero", scaled);
  const Tensor kernel = t["patch_embed.proj.weight"].permute({0, 2, 3, 1});
  const Tensor embedded =
      conv2d(same_grid, kernel, t["patch_embed.proj.bias"], kPatch, 0) + patches.reshape({1, kGrid, kGrid, kDim});
  CHECK(relative_error(open_backbone(folder / "zero")->features(same_grid),
                       layer_norm(embedded, t["norm.weight"], t["norm.bias"], real(1e-6))) <= 1e-5);
  // What does not fit is named.
  auto broken = with_register;
  broken["pos_embed"] = random.normal({1, 8, kDim});
  write_safetensors(folder / "broken", broken);
  CHECK(contains(message_of([&] { open_backbone(folder / "broken"); }),
                 "'pos_embed' has shape (1,8,64), expected (1,1 + n*n,64) or (1,n*n,64)"));
  broken = with_register;
  broken["blocks.0.attn.proj.weight"] = Tensor::full({kDim, kDim}, NAN);
  write_safetensors(folder / "broken", broken);
  CHECK(contains(message_of([&] { open_backbone(folder / "broken"); }),
                 "tensor 'blocks.0.attn.proj.weight' holds a number that is infinite or none"));
}
