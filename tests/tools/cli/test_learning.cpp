// What learns, as users run it: fits, training, and the measures of what came of it.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: a probe's table, and rendered scenes") {
  const TempFolder folder;
  for (const char* part : {"train", "val"}) {
    std::filesystem::create_directories(folder / part);
    std::filesystem::create_directories(folder / (std::string(part) + "_labels"));
    for (int i = 0; i < 2; ++i) {
      const RenderedScene scene = render_scene(static_cast<std::uint64_t>(i + (part[0] == 'v' ? 10 : 0)), 80, 96);
      Image labels{80, 96, {}};
      for (unsigned char label : scene.labels) labels.rgb.insert(labels.rgb.end(), 3, label > 0 ? 1 : 0);
      const std::string name = std::string("/") + std::to_string(i) + ".png";
      write_png(folder / (part + name), scene.image),
          write_png(folder / (part + std::string("_labels") + name), labels);
    }
  }
  const std::string data =
      "eval probe --images train --labels train_labels --val-images val --val-labels val_labels --classes 2 --seeds 2 "
      "--quiet ";
  REQUIRE(run(folder, "upsample val/0.png val/1.png --size 80x96 --upsampler bilinear -o made").code == 0);
  const Outcome probe = run(
      folder, data + "--only --upsampler builtin --upsampler views:2 --upsampler folder:made --slow-every 2 --json");
  CAPTURE(probe.err);
  CHECK(probe.code == 0);
  const auto table = nlohmann::json::parse(probe.out);
  CHECK(table["methods"].size() == 5);  // and bilinear on the photos of views:2
  CHECK(table["methods"][2]["method"] == "folder:made");
  CHECK(table["methods"][2]["accuracy"].get<double>() ==
        doctest::Approx(table["methods"][0]["accuracy"].get<double>()).epsilon(1e-3));
  CHECK(table["methods"][0]["method"] == "bilinear");
  CHECK(table["methods"][0]["images"] == 2);
  CHECK(table["methods"][4]["images"] == 1);
  for (const auto& one : table["methods"]) {
    CHECK(one["accuracy"].get<double>() > 30);  // 18 steps from chance
    CHECK(one["mean_iou"].get<double>() > 25);
    CHECK(one["iou"].size() == 2);
  }
  CHECK(contains(slurp(folder / "featup-out/eval-probe.svg"), "views:2"));
  CHECK(read_image(folder / "featup-out/eval-probe.png").width > 200);
  std::filesystem::remove(folder / "made/1.npy");
  check_refused(folder, data + "--upsampler folder:made", "made: holds no 1.npy or 1.safetensors");
  std::filesystem::remove(folder / "val_labels/1.png");
  check_refused(folder, data, "holds no labels for");
  write_png(folder / "val_labels/1.png", Image{40, 40, std::vector<unsigned char>(4800, 1)});
  check_refused(folder, data, "its photo");
  write_png(folder / "val_labels/1.png", render_scene(1, 80, 96).image);
  check_refused(folder, data, "is a picture of colours, not of classes");

  const Outcome scenes =
      run(folder,
          "eval scene --scenes 2 --size 64 --only --upsampler jbu-classic --upsampler views:2 --slow-every 2 --json");
  CAPTURE(scenes.err);
  CHECK(scenes.code == 0);
  const auto outlines = nlohmann::json::parse(scenes.out);
  REQUIRE(outlines["methods"].size() == 4);
  CHECK(outlines["methods"][2]["method"] == "bilinear, there");
  CHECK(outlines["methods"][2]["scenes"] == 1);
  for (const auto& one : outlines["methods"]) {
    CHECK(one["outline_f"].get<double>() > 0.05);
    CHECK(one["click_iou"].get<double>() > 0.1);
  }
  CHECK(std::filesystem::exists(folder / "featup-out/eval-scene.svg"));
}

TEST_CASE("program: training a stack, killed and resumed, gives the same bits; what it writes is an upsampler") {
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  std::ofstream(folder / "photos/deep/broken.jpg") << "no picture";
  const std::string options =
      "train photos --size 64 --steps 40 --batch 2 --jitters 2 --radius 2 --kernel 8 --levels 3 --key-dim 8 "
      "--crf-samples 50 ";
  const Outcome whole = run(folder, options + "-o whole.safetensors --export whole.ckpt --json");
  CAPTURE(whole.err);
  REQUIRE(whole.code == 0);
  // The published code knows no filter of tokens: its file has none, and a note says so.
  for (const char* name : {"upsampler.token_filter", "upsampler.smoothing"}) {
    CHECK(Weights(folder / "whole.safetensors").has(name));
    CHECK(!Weights(folder / "whole.ckpt").has(name));
  }
  CHECK(contains(whole.err, "without the filter of tokens"));
  const auto summary = nlohmann::json::parse(whole.out);
  CHECK(summary.at("steps").get<int>() == 40);
  CHECK(summary.at("images").get<int>() == 6);
  CHECK(summary.at("unreadable").get<int>() == 1);
  CHECK(summary.at("explained_variance").get<double>() > 0);
  CHECK(summary.at("explained_variance_bilinear").get<double>() > 0);
  kill_a_training(folder, options + "-o killed.safetensors", "killed.safetensors", 40);
  const Outcome resumed = run(folder, options + "-o killed.safetensors --resume --quiet");
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  check_same_tensors(folder / "whole.safetensors", folder / "killed.safetensors");
  check_refused(folder, options + "-o whole.safetensors", "is there already");
  check_refused(folder, options + "-o whole.safetensors --resume --lr 0.1", "other settings");
  check_refused(folder, options + "-o other.safetensors --resume", "nothing to resume");
  check_refused(folder, options + "-o photos/0.safetensors", "is also an input");  // its picture would be
  check_refused(folder, options + "-o other.safetensors --export photos/0.png", "is also an input");
  check_refused(folder, "train photos/deep/broken.jpg --size 64 -o none.safetensors", "cannot be read");
  check_refused(folder, "train nowhere --size 64", "no such folder");
  check_refused(folder, "train photos --size 60", "multiples of the patch");
  for (const char* stack : {"whole.safetensors", "whole.ckpt"}) {
    const Outcome up =
        run(folder, "upsample photos/0.png --size 64 --pca 3 --quiet -o up --upsampler " + std::string(stack));
    CAPTURE(up.err);
    CHECK(up.code == 0);
  }
}

TEST_CASE("program: a fit, and what it answers") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 80, 96).image);
  const Outcome fit = run(folder, "fit scene.png --size 64 --views 30 --held-out 4 --json");
  CAPTURE(fit.err);
  REQUIRE(fit.code == 0);
  const auto summary = nlohmann::json::parse(fit.out);
  CHECK(summary.at("views").get<int>() == 30);
  CHECK(summary.at("explained_variance").get<double>() > summary.at("explained_variance_bilinear").get<double>());
  CHECK(summary.contains("loss"));
  CHECK(read_image(folder / "featup-out/scene.fit.png").height > 128);

  const std::string file = "featup-out/scene.fit.safetensors";
  CHECK(run(folder, "query " + file + " --size 90x110 --pca 4 -o whole.npy --quiet").code == 0);
  CHECK(
      run(folder, "query " + file +
                      " --size 90x110 --pca 4 --crop '20, 30,40, 50' -o part.safetensors --format safetensors --quiet")
          .code == 0);
  CHECK(run(folder, "query " + file + " --size 90x110 --pca 4 --layout chw -o planes.npy --quiet").code == 0);
  const Tensor whole = Weights(folder / "whole.npy").read_single(),
               part = Weights(folder / "part.safetensors").read_single();
  CHECK(whole.shape() == Shape{90, 110, 4});
  CHECK(part.shape() == Shape{40, 50, 4});
  bool equal = true;
  for (Index i = 0; i < 40 * 50 * 4; ++i)
    equal = equal && part.data()[i] == whole.data()[((20 + i / 200) * 110 + 30) * 4 + i % 200];
  CHECK(equal);
  CHECK(same_bits(Weights(folder / "planes.npy").read_single().permute({1, 2, 0}), whole));
  write_npy(folder / "points.npy", Tensor::from({2, 2}, {0, 0, 31.5, 40.25}));
  CHECK(run(folder, "query " + file + " --points points.npy --image scene.png -o points_out.npy --quiet").code == 0);
  CHECK(Weights(folder / "points_out.npy").read_single().dim(0) == 2);

  // A network as published but small, out of time, and on again.
  const std::string network =
      "fit scene.png --size 64 --compat published --views 6 --pca 8 --frequencies 4 --held-out 2 -o n.safetensors ";
  const Outcome first = run(folder, network + "--steps 3 --time-budget 1e-6");
  CHECK(contains(first.out, "time is up"));
  CHECK(run(folder, network + "--steps 3 --quiet").code == 0);
  const Outcome on = run(folder, network + "--resume n.safetensors --steps 5 --json");
  CAPTURE(on.err);
  REQUIRE(on.code == 0);
  CHECK(nlohmann::json::parse(on.out).at("steps").get<int>() == 5);
  for (const char* ablation : {"--no-grid --no-color-features", "--no-grid --downsampler simple --kernel 8",
                               "--no-uncertainty --tv 0", "--pca 5"})
    CHECK(
        run(folder,
            std::string(
                "fit scene.png --size 64 --views 4 --steps 2 --frequencies 3 --held-out 2 --quiet -o a.safetensors ") +
                ablation)
            .code == 0);
  CHECK(run(folder, "query a.safetensors -o a.npy --quiet").code == 0);

  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "fit scene.png --features f.npy", "needs a backbone");
  check_refused(folder, "fit scene.png -o picture.png", "both the result and its picture");
  check_refused(folder, network + "--steps 5 --resume n.safetensors --lr 1e-3", "was made with other options");
  check_refused(folder, "fit scene.png --size 64 --resume n.safetensors", "holds a network under way");
  check_refused(folder, "query " + file + " --size 60000x60000", "more than 2^28 pixels");
  check_refused(folder, "query " + file + " --points points.npy --size 9x9", "do not go with them", 2);
  check_refused(folder, "query f.npy", "is no fitted map");
  check_refused(folder, "query " + file + " --crop 0,0,100,10", "--crop '0,0,100,10'");
  for (const std::string crop : {"0,0,9", "0,0,9,9,", "0,0,9,9x", "0,0,9,99999999999999999999"})
    check_refused(folder, "query " + file + " --crop " + crop, "--crop '" + crop + "'", 2);
  check_refused(folder, "query " + file + " --points f.npy", "points are (N,2)");
  write_npy(folder / "outside.npy", Tensor::from({1, 2}, {0, 1000}));
  check_refused(folder, "query " + file + " --points outside.npy", "outside the photo");
  write_npy(folder / "wide.npy", Tensor::zeros({3, 2}));
  check_refused(folder, "query " + file + " --project wide.npy", "a projection is");
  check_refused(folder, "query " + file + " -o " + file, "is also an input");
  write_png(folder / "other.png", render_scene(3, 80, 96).image);
  check_refused(folder, "fit other.png --size 64 --resume n.safetensors --compat published --frequencies 4 --pca 8",
                "is a fit of another photo");
}
