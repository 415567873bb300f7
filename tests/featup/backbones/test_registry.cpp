// The registry of backbone families: what can be opened, and what is said of what cannot.
#include "featup/backbones/registry.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "core/ops.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("backbones: every family file is in families.def, by its own name, and can be used") {
  std::set<std::string> files, listed;
  for (const auto& entry : std::filesystem::directory_iterator(FU_SOURCE_DIR "/featup/backbones")) {
    const std::string name = entry.path().stem().string(), begin = "family_";
    if (name.compare(0, begin.size(), begin) == 0) files.insert(name.substr(begin.size()));
  }
  for (const BackboneFamily& family : backbone_families()) {
    CAPTURE(family.name);
    CHECK(listed.insert(family.name).second);
    CHECK(!family.summary.empty());
    CHECK(!family.features.empty());
    CHECK(static_cast<bool>(family.open));
    CHECK(static_cast<bool>(family.carried) != static_cast<bool>(family.recognise));
  }
  CHECK(files == listed);
}

TEST_CASE("backbones: help says what there is") {
  CHECK(backbone_choices() ==
        "builtin (a small transformer inside the program), or weights of DINO, DINOv2, DeiT, MAE, ViT, I-JEPA, DINOv3, "
        "CLIP, SigLIP, ResNet, DeepLab or ConvNeXt, as a file or a folder");
  CHECK(backbone_names() == std::vector<std::string>{"builtin"});
  CHECK(backbone_features() == std::vector<std::string>{"auto", "token", "key", "query", "value", "value-path", "cls",
                                                        "attention", "maskclip", "clip", "image", "dilated", "stage"});
}

TEST_CASE("backbones: the one that the library carries") {
  const auto backbone = open_backbone("builtin");
  CHECK(backbone->describe() == "built-in transformer (distilled from DeiT-Tiny), 4 blocks of width 192, patch 16");
  CHECK(open_backbone("builtin", {"key"})->describe() == backbone->describe() + ", feature key");
  CHECK(backbone->features(Tensor::zeros({1, 32, 48, 3})).shape() == Shape{1, 2, 3, 192});
}

TEST_CASE("backbones: a file is recognised by its names, under any prefix, the shortest one first") {
  const TempFolder folder;
  const Tensor kernel = Tensor::zeros({64, 3, 16, 16});
  std::string prefix;
  write_safetensors(folder / "student", {{"student.backbone.patch_embed.proj.weight", kernel},
                                         {"teacher.patch_embed.proj.weight", kernel}});
  const Weights student(folder / "student");
  REQUIRE(recognise_backbone(student, prefix));
  CHECK(recognise_backbone(student, prefix)->name == "dino");
  CHECK(prefix == "teacher.");
  write_safetensors(folder / "other", {{"conv1.weight", kernel}});
  CHECK(!recognise_backbone(Weights(folder / "other"), prefix));
  CHECK(contains(message_of([&] { open_backbone(folder / "other"); }),
                 "other: holds no backbone of a known family. Choices are builtin"));
}

TEST_CASE("backbones: what cannot be opened is answered with the choices") {
  CHECK(message_of([] { open_backbone("hog"); }) ==
        "[backbone] hog: is neither a file nor a backbone's name. Choices are " + backbone_choices() + ".");
  CHECK(
      contains(message_of([] { open_backbone("builtin", {"clip"}); }),
               "builtin: has no feature 'clip'. Choices are token, key, query, value, value-path, cls or attention."));
}
