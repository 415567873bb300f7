// SigLIP's head: one query over all tokens, against its definition; and its value path.
#include "core/ops.h"
#include "featup/backbones/attention_pool.h"
#include "featup/backbones/backbone.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("siglip: the pooled vector is attention of one learned query, and a norm and an MLP behind it") {
  Random random(5);
  AttentionPool pool(8, 2, 6, Activation::tanh_gelu, real(1e-6), &random);
  std::map<std::string, Tensor> p;
  pool.save(p);
  const Tensor tokens = random.normal({2, 5, 8});
  const Tensor expected = [&] {
    const Tensor probe = p.at("probe").reshape({1, 8}), qkv = p.at("attn.qkv.weight"), bias = p.at("attn.qkv.bias");
    const auto rows = [&](Index part, const Tensor& x) {
      return linear(x, qkv.slice(part * 8, (part + 1) * 8).clone(), bias.slice(part * 8, (part + 1) * 8).clone());
    };
    std::vector<Tensor> images;
    for (Index b = 0; b < 2; ++b) {
      const Tensor x = tokens.slice(b, b + 1).reshape({5, 8}).clone();
      const Tensor q = rows(0, probe), k = rows(1, x), v = rows(2, x);
      std::vector<Tensor> heads;
      for (Index h = 0; h < 2; ++h) {
        const auto part = [&](const Tensor& t) { return slice(t, 1, h * 4, (h + 1) * 4); };
        const Tensor scores = unary(Unary::affine, matmul(part(q), part(k), false, true), real(0.5));
        heads.push_back(matmul(softmax(scores, 1), part(v)));
      }
      const Tensor y = linear(concat(heads, 1), p.at("attn.proj.weight"), p.at("attn.proj.bias"));
      const Tensor n = layer_norm(y, p.at("norm.weight"), p.at("norm.bias"), real(1e-6));
      const Tensor hidden = linear(n, p.at("mlp.fc1.weight"), p.at("mlp.fc1.bias"), Activation::tanh_gelu);
      images.push_back(y + linear(hidden, p.at("mlp.fc2.weight"), p.at("mlp.fc2.bias")));
    }
    return concat(images, 0).reshape({2, 1, 8});
  }();
  CHECK(relative_error(pool.pooled(tokens), expected) <= 1e-5);
  // Of a single token the query sees nothing else: that is the value path.
  const Tensor one = tokens.reshape({10, 1, 8});
  CHECK(relative_error(pool.value_path(tokens).reshape({10, 1, 8}), pool.pooled(one)) <= 1e-5);
  pool.set_trainable(false);
  pool.pack();
  CHECK(relative_error(pool.pooled(tokens), expected) <= 1e-5);
}

TEST_CASE("siglip: image and maskclip of a file") {
  const TempFolder folder;
  Shapes shapes = hf_siglip({128, 2, 8, 4, 0, 96});
  const std::string head = "vision_model.head.";
  shapes[head + "attention.in_proj_bias"] = {384};
  shapes[head + "attention.out_proj.weight"] = {128, 128}, shapes[head + "attention.out_proj.bias"] = {128};
  shapes[head + "mlp.fc1.weight"] = {80, 128}, shapes[head + "mlp.fc1.bias"] = {80};
  shapes[head + "mlp.fc2.weight"] = {128, 80}, shapes[head + "mlp.fc2.bias"] = {128};
  write_random(folder / "siglip", shapes);
  const Tensor image = Random(2).normal({1, 24, 40, 3});
  const auto open = [&](const char* feature) { return open_backbone(folder / "siglip", {feature}); };
  CHECK(open("image")->features(image).shape() == Shape{1, 1, 1, 128});
  CHECK(open("image")->whole_image());
  const Tensor map = open("maskclip")->features(image), tokens = open("token")->features(image);
  CHECK(map.shape() == Shape{1, 3, 5, 128});
  CHECK(relative_error(map, tokens) > 1e-3);
  CHECK(contains(message_of([&] { open("clip"); }), "has no feature 'clip'"));
}
