// Classifiers behind backbones: what they say of an image, and where.
#include "core/files/weights.h"
#include "core/ops.h"
#include "featup/classes/classifier.h"
#include "featup/photo/preprocess.h"
#include "tests/core/file_bytes.h"
#include "tests/featup/backbones/stages.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tools/media/image_io.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A small ViT by the original names, with heads.
std::map<std::string, Tensor> small_vit(const TempFolder& folder) {
  write_random(folder / "bare.safetensors", original_vit({64, 2, 8, 3, 0, 96}), real(0.3));
  return tensors_of(Weights(folder / "bare.safetensors"));
}

}  // namespace

TEST_CASE("classifier: a transformer's reads the class token, and the patches' value paths") {
  const TempFolder folder;
  auto t = small_vit(folder);
  Random random(5);
  const Tensor head = random.normal({7, 64}), bias = random.normal({7});
  t["head.weight"] = head, t["head.bias"] = bias;
  write_safetensors(folder / "vit.safetensors", t);
  const Classifier classifier(folder / "vit.safetensors", {});
  CHECK(classifier.classes().size() == 7);
  CHECK(classifier.classes().names[6] == "6");
  CHECK(classifier.classes().kind == ScoreKind::activation);
  CHECK(classifier.backbone()->feature() == "value-path");
  const Tensor image = random.normal({1, 24, 24, 3});
  const Tensor cls = open_backbone(folder / "vit.safetensors", feature_of("cls"))->features(image);
  CHECK(relative_error(classifier.logits(image), linear(cls.reshape({1, 64}), head, bias)) < kTolerance);
  // A distilled one's second head is averaged with the first.
  const Tensor second = random.normal({7, 64}), second_bias = random.normal({7});
  t["head_dist.weight"] = second, t["head_dist.bias"] = second_bias;
  write_safetensors(folder / "distilled.safetensors", t);
  const Classifier distilled(folder / "distilled.safetensors", {});
  const ChannelMap& both = distilled.classes().map;
  CHECK(relative_error(both.matrix, unary(Unary::affine, (head + second).permute({1, 0}).clone(), real(0.5))) <
        kTolerance);
  t.erase("head_dist.weight"), t.erase("head_dist.bias");
  // Names of classes beside the weights.
  write_bytes(folder / "config.json", R"({"id2label": {"0": "a", "1": "b, bee", "2": "c", "3": "d", "4": "e", "5": "f",
    "6": "g"}})");
  CHECK(Classifier(folder / "vit.safetensors", {}).classes().names[1] == "b, bee");
  const Classes two = chosen_classes(classifier.classes(), {6, 1});
  CHECK(two.names == std::vector<std::string>{"6", "1"});
  CHECK(two.map.matrix.data()[0] == head.data()[6 * 64]);
  CHECK(two.map.offset.data()[1] == bias.data()[1]);
  CHECK(contains(message_of([&] { chosen_classes(classifier.classes(), {7}); }), "class 7: there are 7, from 0 to 6"));
  t["head.weight"] = random.normal({7, 32});
  write_safetensors(folder / "narrow.safetensors", t);
  CHECK(contains(message_of([&] { Classifier(folder / "narrow.safetensors", {}); }), "expected (classes,64)"));
  CHECK(contains(message_of([&] { Classifier(folder / "bare.safetensors", {}); }), "has no classifier"));
  CHECK(!has_classifier(Weights(folder / "bare.safetensors")));
  CHECK(has_classifier(Weights(folder / "vit.safetensors")));
  CHECK(contains(message_of([&] { Classifier(folder / "vit.safetensors", feature_of("token")); }), "leave feature"));
}

TEST_CASE("classifier: a ResNet's is the mean of its map of logits; one of texts is none") {
  const TempFolder folder;
  write_random(folder / "bare.safetensors", resnet(8, {1, 1, 1, 1}), real(0.3));
  auto t = tensors_of(Weights(folder / "bare.safetensors"));
  const Index channels = open_backbone(folder / "bare.safetensors")->channels();
  Random random(6);
  t["fc.weight"] = random.normal({5, channels}), t["fc.bias"] = random.normal({5});
  write_safetensors(folder / "resnet.safetensors", t);
  const Classifier classifier(folder / "resnet.safetensors", {});
  const Tensor image = random.normal({2, 64, 64, 3});
  const Tensor map = classifier.backbone()->features(image);
  const ChannelMap& m = classifier.classes().map;
  const Tensor logits = linear(map, m.matrix.permute({1, 0}), m.offset);
  CHECK(relative_error(classifier.logits(image), mean(logits.reshape({2, 4, 5}), 1).reshape({2, 5})) < 1e-5);
  write_random(folder / "clip.safetensors", hf_clip({64, 1, 8, 4, 0, 96}, 24));
  CHECK(contains(message_of([&] { Classifier(folder / "clip.safetensors", {}); }), "has no classifier"));
}

TEST_CASE("classifier: DeiT finds the cat, and lights it") {
  FU_NEEDS_SHARED(shared);
  const Classifier classifier(shared + "/models/deit_tiny_patch16_224.safetensors", {});
  const Image photo = cover(read_image(shared + "/photos/chelsea.png"), 224, 224);
  const Tensor image = normalize(photo), logits = classifier.logits(image);
  const real* v = logits.data();
  CHECK(std::max_element(v, v + 1000) - v == 285);  // Egyptian cat
  std::vector<Index> cats = {281, 282, 283, 284, 285};
  const Classes classes = chosen_classes(classifier.classes(), cats);
  const Tensor map = linear(classifier.backbone()->features(image), classes.map.matrix.permute({1, 0}), Tensor());
  // The cat fills the left and the middle; the background is to the right and above.
  double cat = 0, behind = 0;
  for (Index i = 5; i < 12; ++i)
    for (const Index k : {Index{0}, Index{1}, Index{4}}) {
      for (Index j = 1; j < 8; ++j) cat += static_cast<double>(map.data()[(i * 14 + j) * 5 + k]) / 147;
      for (Index j = 12; j < 14; ++j) behind += static_cast<double>(map.data()[((i - 5) * 14 + j) * 5 + k]) / 42;
    }
  CHECK(cat > behind + 3);
}
