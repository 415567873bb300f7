// The program with backbones of other families: what it says of them, the options that files leave open, and refusals.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: a folder of a model; every output of CLIP; what was taken is said in one line and in the summary") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 48, 64).image);
  std::filesystem::create_directories(folder / "clip");
  write_random(folder / "clip/model.safetensors", hf_clip({128, 2, 8, 4}, 24));
  std::ofstream(folder / "clip/config.json")
      << R"({"model_type": "clip", "vision_config": {"num_attention_heads": 4, "hidden_act": "gelu"}})";
  const struct {
    const char* feature;
    Shape shape;
  } outputs[] = {{"auto", {6, 8, 24}},  {"clip", {6, 8, 24}},     {"token", {6, 8, 128}},
                 {"key", {6, 8, 128}},  {"value", {6, 8, 128}},   {"cls", {1, 1, 128}},
                 {"image", {1, 1, 24}}, {"attention", {6, 8, 4}}, {"query", {6, 8, 128}}};
  for (const auto& [feature, shape] : outputs) {
    const Outcome o =
        run(folder, std::string("features scene.png --backbone clip/ --size 48 --feature ") + feature + " --json");
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    CHECK(Weights(folder / "featup-out/scene.lr.npy").read_single().shape() == shape);
    const auto settings = nlohmann::json::parse(o.out).at("backbone_settings");
    CHECK(settings.at("heads").at("value") == "4");
    CHECK(settings.at("heads").at("from") == "config.json");
    CHECK(settings.at("activation").at("value") == "erf");
    CHECK(settings.at("mean").at("from") == "usual for CLIP");
    CHECK(contains(o.err, "featup: note: CLIP transformer, 2 blocks of width 128, patch 8"));
    CHECK(contains(o.err, "heads 4 (config.json), activation erf (config.json)"));
  }
  CHECK(run(folder, "features scene.png --backbone clip --size 48 --quiet").err.empty());
  CHECK(run(folder, "features scene.png --size 48").err.find("note:") == std::string::npos);  // the built-in one
  const Outcome info = run(folder, "info clip");
  CAPTURE(info.err);
  CHECK(info.code == 0);
  CHECK(contains(info.out, "backbone (--backbone clip): CLIP transformer, 2 blocks of width 128, patch 8"));
  CHECK(contains(info.out, "heads 4 (config.json)"));

  for (const char* feature : {"cls", "attention", "image"})
    check_refused(folder, std::string("upsample scene.png --backbone clip --size 48 --feature ") + feature,
                  "is for `featup features` alone");
  check_refused(folder, "upsample scene.png --backbone clip --heads 7", "do not divide the width 128");
  check_refused(folder, "upsample scene.png --backbone clip --mean 1,2,3", "The options are --mean and --std.");
  check_refused(folder, "upsample scene.png --backbone clip --layer 3", "The option is --layer.");
  check_refused(folder, "upsample scene.png --feature clip", "has no feature 'clip'");
}

TEST_CASE("program: options change what the backbone gives; layers count from 1, and the last is the default") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 48, 64).image);
  write_random(folder / "vit.safetensors", original_vit({192, 2, 8, 4}), real(0.5));
  const auto features = [&](const std::string& options) {
    const Outcome o = run(folder, "features scene.png --backbone vit.safetensors --size 48 --quiet " + options);
    CAPTURE(options);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return Weights(folder / "featup-out/scene.lr.npy").read_single();
  };
  const Tensor usual = features("");
  CHECK(same_bits(usual, features("--layer 2 --heads 3 --act erf --eps 1e-6 --positions dino --feature token "
                                  "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225")));
  for (const char* option : {"--layer 1", "--heads 4", "--act quick", "--act tanh", "--eps 0.1", "--positions aa",
                             "--positions size", "--mean 0.5,0.5,0.5 --std 0.5,0.5,0.5", "--feature query"}) {
    CAPTURE(option);
    CHECK(relative_error(features(option), usual) > 1e-6);
  }
  // A stack is guided by the photo as it always is: the same numbers with any normalisation of the backbone.
  const Outcome o = run(folder,
                        "upsample scene.png --backbone vit.safetensors --size 48 --pca 2 --mean 0.5,0.5,0.5 "
                        "--std 0.5,0.5,0.5");
  CAPTURE(o.err);
  CHECK(o.code == 0);
}
