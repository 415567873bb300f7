// Classes of pixels from the command line.
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "core/ops.h"
#include "featup/classes/masks.h"
#include "featup/probes/probe.h"
#include "tests/featup/backbones/stages.h"
#include "tests/featup/text/small_clip.h"
#include "tests/tools/program.h"
#include "tools/media/label_picture.h"

using namespace fu;
using namespace fu::test;

namespace {

using Json = nlohmann::json;

Json summary_of(const TempFolder& folder, const std::string& arguments) {
  const Outcome o = run(folder, arguments + " --json");
  CAPTURE(arguments);
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  return Json::parse(o.out);
}

Labels labels_in(const std::string& path, Index height, Index width) {
  const Image picture = read_label_picture(path);
  REQUIRE(picture.height == height);
  REQUIRE(picture.width == width);
  Labels labels;
  for (Index p = 0; p < height * width; ++p) labels.push_back(picture.rgb[usize(3 * p)]);
  return labels;
}

void write_probe_of_builtin(const TempFolder& folder, const std::string& name, Probe::Kind kind, Index outputs) {
  const auto backbone = open_backbone("builtin");
  Random random(11);
  Probe probe;
  probe.kind = kind;
  probe.channels = backbone->channels();
  probe.weight = random.normal({outputs, probe.channels}), probe.bias = random.normal({outputs});
  for (Index i = 0; i < outputs; ++i) probe.names.push_back("output " + std::to_string(i));
  probe.backbone = backbone->describe(), probe.settings = settings_text(backbone->settings());
  probe.unit = kind == Probe::Kind::numbers ? "m" : "";
  // Whatever the photo: output 0 is 3, plus little.
  if (kind == Probe::Kind::numbers) {
    probe.weight = unary(Unary::affine, probe.weight, real(1e-6));
    probe.bias = Tensor::from({1}, {3}), probe.centre = Tensor::from({1}, {3});
  }
  write_probe(folder / name, probe);
}

}  // namespace

TEST_CASE("program: segment by words writes labels, overlay, heatmaps, masks, scores and a page") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 48, 64).image);
  write_small_clip(folder / "clip");
  const Json s = summary_of(folder,
                            "segment scene.png --backbone clip --text 'cat, the dog, photo' --size 48 --masks rle "
                            "--scores --upsampler bilinear -o out");
  CHECK(s.at("words_encoded") == 3);
  CHECK(s.at("channels") == 3);
  CHECK(s.at("out_size") == std::vector<int>{48, 64});
  REQUIRE(s.at("classes").size() == 3);
  CHECK(s["classes"][1]["name"] == "the dog");
  CHECK(std::filesystem::exists(folder / s["classes"][1]["heatmap"].get<std::string>()));
  CHECK(s["classes"][1]["heatmap"] == "out/scene.heatmaps/1-the-dog.png");
  for (const auto& path : s.at("outputs")) CHECK(std::filesystem::exists(folder / path.get<std::string>()));
  // The label picture is the best score of every pixel, and its areas are those of the summary.
  const Labels labels = labels_in(folder / "out/scene.labels.png", 48, 64);
  const Tensor scores = Weights(folder / "out/scene.scores.npy").read_single();
  REQUIRE(scores.shape() == Shape{48, 64, 3});
  std::vector<Index> pixels(3);
  for (std::size_t p = 0; p < labels.size(); ++p) {
    const real* const v = scores.data() + 3 * p;
    CHECK(std::max_element(v, v + 3) - v == labels[p]);
    ++pixels[labels[p]];
  }
  for (std::size_t k = 0; k < 3; ++k) CHECK(s["classes"][k]["pixels"] == pixels[k]);
  const Json masks = Json::parse(slurp(folder / "out/scene.masks.json"));
  CHECK(masks["categories"].size() == 3);
  for (const Json& one : masks["annotations"]) {
    const auto number = one["category_id"].get<std::size_t>();
    CHECK(one["area"] == pixels[number]);
    const auto mask = mask_of_counts(one["segmentation"]["counts"].get<std::string>(), 48, 64);
    CHECK(std::count(mask.begin(), mask.end(), 1) == pixels[number]);
  }
  CHECK(contains(slurp(folder / "out/scene.html"), "the dog"));
  // Scores are cosines; once more, the words are remembered, and give the same.
  for (Index i = 0; i < scores.size(); ++i) CHECK(std::abs(static_cast<double>(scores.data()[i])) <= 1.0001);
  const Json again = summary_of(folder,
                                "segment scene.png --backbone clip --text 'cat, the dog, photo' --size 48 --masks "
                                "polygons --no-heatmaps --no-html --upsampler bilinear -o again");
  CHECK(again.at("words_encoded") == 0);
  CHECK(slurp(folder / "again/scene.labels.png") == slurp(folder / "out/scene.labels.png"));
  CHECK(!std::filesystem::exists(folder / "again/scene.heatmaps"));
  CHECK(!std::filesystem::exists(folder / "again/scene.html"));
  CHECK(Json::parse(slurp(folder / "again/scene.masks.json"))["annotations"][0]["segmentation"][0].size() >= 8);
  // The same vectors from files: of `featup text`, and as a bare array.
  REQUIRE(run(folder, "text 'cat, the dog, photo' --backbone clip -o words.safetensors --quiet").code == 0);
  write_npy(folder / "words.npy", Weights(folder / "words.safetensors").read("words"));
  const std::string rest = " --backbone clip --size 48 --no-heatmaps --upsampler bilinear";
  summary_of(folder, "segment scene.png --words words.safetensors -o ready" + rest);
  summary_of(folder, "segment scene.png --words words.npy -o bare" + rest);
  CHECK(labels_in(folder / "ready/scene.labels.png", 48, 64) == labels);
  CHECK(labels_in(folder / "bare/scene.labels.png", 48, 64) == labels);
  check_refused(folder, "segment scene.png --backbone clip --text cat --words words.npy", "from one place");
  check_refused(folder, "segment scene.png --backbone clip", "from one place");
  check_refused(folder, "segment scene.png --text cat", "has no text encoder");
  check_refused(folder, "segment scene.png --backbone clip --text cat --feature token", "24 channels, the features 64");
  check_refused(folder, "segment scene.png --words words.npy", "for the backbone's features");
}

TEST_CASE("program: segment by a probe of classes or numbers, at the size it learned with") {
  const TempFolder folder;
  // Not whole patches: 3 rows and 5 columns are cut off, and take over their neighbours' labels.
  write_png(folder / "scene.png", render_scene(3, 67, 85).image);
  write_probe_of_builtin(folder, "probe.safetensors", Probe::Kind::classes, 4);
  const Json s = summary_of(folder, "segment scene.png --probe probe.safetensors --masks rle -o out");
  CHECK(s.at("in_size") == std::vector<int>{64, 80});
  CHECK(s["classes"][3]["name"] == "output 3");
  const Labels labels = labels_in(folder / "out/scene.labels.png", 67, 85);
  CHECK(std::equal(labels.begin(), labels.begin() + 85, labels.begin() + 85));  // one row is cut off above
  CHECK(read_image(folder / "out/scene.overlay.png").height >= 67);
  CHECK(read_image(folder / s["classes"][0]["heatmap"].get<std::string>()).width == 85);
  const Json tiles = summary_of(folder, "probe apply scene.png --probe probe.safetensors --tile 32 -o tiles");
  CHECK(contains(tiles.at("backbone").get<std::string>(), "in windows of 32 pixels"));
  labels_in(folder / "tiles/scene.labels.png", 67, 85);
  CHECK(tiles.at("in_size") == std::vector<int>{64, 80});
  write_probe_of_builtin(folder, "depth.safetensors", Probe::Kind::numbers, 1);
  const Json numbers = summary_of(folder, "segment scene.png --probe depth.safetensors --size 64 -o numbers");
  CHECK(numbers["numbers"][0]["unit"] == "m");
  const Tensor values = Weights(folder / "numbers/scene.numbers.npy").read_single();
  REQUIRE(values.shape() == Shape{67, 85, 1});
  for (Index p = 0; p < values.size(); ++p) CHECK(values.data()[p] == doctest::Approx(3).epsilon(1e-3));
  CHECK(std::filesystem::exists(folder / "numbers/scene.numbers.png"));
  check_refused(folder, "fit scene.png --size own", "Give the short side, or HxW");
  check_refused(folder, "segment scene.png --probe depth.safetensors --html", "the probe gives numbers");
  check_refused(folder, "segment scene.png --probe scene.png", "scene.png");
  check_refused(folder, "segment scene.png --probe probe.safetensors --layer 2", "with other settings");
}

TEST_CASE("program: segment by the classifier in a file; eval cam") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(4, 48, 64).image);
  write_random(folder / "bare.safetensors", original_vit({64, 2, 8, 6, 0, 96}), real(0.3));
  auto t = tensors_of(Weights(folder / "bare.safetensors"));
  Random random(5);
  t["head.weight"] = random.normal({12, 64}), t["head.bias"] = random.normal({12});
  write_safetensors(folder / "vit.safetensors", t);
  const Json likely = summary_of(folder, "segment scene.png --backbone vit.safetensors --head --size 48 -o out");
  REQUIRE(likely["classes"].size() == 5);
  CHECK(likely["classes"][0]["probability"] >= likely["classes"][1]["probability"].get<double>());
  labels_in(folder / "out/scene.labels.png", 48, 64);
  std::ofstream names(folder / "names.txt");
  for (int i = 0; i < 12; ++i) names << "kind " << i << ", a synonym of " << i << "\n";
  names.close();
  const std::string head = "segment scene.png --backbone vit.safetensors --head --size 48 ";
  const Json chosen = summary_of(folder, head + "--class-names names.txt --classes '3-5, A SYNONYM OF 9,0'");
  std::vector<std::string> found;
  for (const Json& one : chosen["classes"]) found.push_back(one["name"].get<std::string>().substr(0, 6));
  CHECK(found == std::vector<std::string>{"kind 3", "kind 4", "kind 5", "kind 9", "kind 0"});
  check_refused(folder, head + "--classes 12", "there are 12 classes, from 0 to 11");
  check_refused(folder, head + "--classes cat", "'cat' is no class");
  check_refused(folder, head + "--class-names vit.safetensors", "vit.safetensors");
  check_refused(folder, "segment scene.png --backbone bare.safetensors --head", "has no classifier");
  CHECK(run(folder, "segment scene.png --backbone vit.safetensors --text cat --classes 1").code == 2);

  const Json cam = summary_of(folder,
                              "eval cam scene.png --backbone vit.safetensors --size 48x64 --only --upsampler "
                              "builtin -o cam");
  REQUIRE(cam["methods"].size() == 2);
  CHECK(cam["methods"][1]["method"] == "builtin");
  const double whole = cam["images"][0]["probability"], masked = cam["images"][0]["masked"]["bilinear"];
  CHECK(cam["methods"][0]["average_drop"].get<double>() ==
        doctest::Approx(100 * std::max(0.0, whole - masked) / whole));
  CHECK(cam["methods"][0]["average_increase"] == (masked > whole ? 100 : 0));
  CHECK(std::filesystem::exists(folder / "cam/eval-cam.svg"));
}
