// featup probe train, as users run it: from label pictures to a probe, killed and gone on with, refused in one line.
#include <nlohmann/json.hpp>

#include "featup/backbones/backbone.h"
#include "featup/probes/probe_trainer.h"
#include "tests/tools/program.h"
#include "tools/cli/probe_data.h"
#include "tools/media/indexed_png.h"

using namespace fu;
using namespace fu::test;

namespace {

constexpr Index kHeight = 70, kWidth = 90;  // no whole patches

std::vector<std::uint16_t> millimetres(const RenderedScene& scene) {
  std::vector<std::uint16_t> all;
  for (float depth : scene.depth) all.push_back(static_cast<std::uint16_t>(static_cast<double>(depth) * 1000));
  return all;
}

Image grey(const std::vector<unsigned char>& levels, Index height, Index width) {
  Image image{height, width, {}};
  for (unsigned char level : levels) image.rgb.insert(image.rgb.end(), 3, level);
  return image;
}

/// Scenes photos/N.png, labels/N.png (0 background, 1 objects, 255 a column), depth/N.png in millimetres.
void write_labelled(const TempFolder& folder, int count) {
  for (const char* name : {"photos", "labels", "depth"}) std::filesystem::create_directories(folder / name);
  for (int i = 0; i < count; ++i) {
    const RenderedScene scene = render_scene(static_cast<std::uint64_t>(i), kHeight, kWidth);
    std::vector<unsigned char> labels;
    for (std::size_t p = 0; p < scene.labels.size(); ++p)
      labels.push_back(p % kWidth == 40 ? 255 : scene.labels[p] > 0 ? 1 : 0);
    const std::string name = "/" + std::to_string(i) + ".png";
    write_png(folder / ("photos" + name), scene.image);
    write_png(folder / ("labels" + name), grey(labels, kHeight, kWidth));
    write_gray16_png(folder / ("depth" + name), kHeight, kWidth, millimetres(scene).data());
  }
}

/// What eval probe trains from the same folders.
Probe as_eval_probe_trains(const TempFolder& folder, ProbeOptions options) {
  const auto backbone = open_backbone("builtin");
  std::string none;
  std::vector<LabelledFeatures> photos;
  for (const LabelledPhoto& pair : labelled_photos(folder / "photos", folder / "labels", none)) {
    const CutPhoto cut(pair, backbone->patch());
    photos.push_back(cut.with_features(backbone->features(normalize(cut.photo))));
  }
  return train_probe(photos, options);
}

void check_same(const Probe& a, const Probe& b) {
  CHECK(same_bits(a.hidden_weight, b.hidden_weight));
  CHECK(same_bits(a.weight, b.weight));
  CHECK(same_bits(a.bias, b.bias));
}

/// Starts the program, waits until it has written `file`, which may have been there before, and then `wait` seconds
/// more, and sends a signal.
Outcome run_and_signal(const TempFolder& folder, const std::string& arguments, const std::string& file, double wait,
                       const std::string& number) {
  const std::string line = "touch begun; '" FU_PROGRAM "' " + arguments + " & p=\\$!; n=0; while ! { [ -s '" + file +
                           "' ] && [ '" + file +
                           "' -nt begun ]; } && [ \\$n -lt 3000 ]; do sleep 0.01; n=\\$((n+1)); " + "done; sleep " +
                           std::to_string(wait) + "; kill -" + number + " \\$p; wait \\$p";
  return run_shell(folder, "sh -c \"" + line + "\"");
}

const std::string kTrain = "probe train --images photos --labels labels ";

}  // namespace

TEST_CASE("probe train: gives the bits of eval probe's probe, and says what it is worth") {
  const TempFolder folder;
  write_labelled(folder, 5);
  const Outcome o = run(folder, kTrain + "-o p.safetensors --pixels 300 --batch 64 --seed 3 --json");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  const auto summary = nlohmann::json::parse(o.out);
  CHECK(summary["kind"] == "classes");
  CHECK(summary["images"]["learned_from"] == 5);
  CHECK(summary["images"]["held_out"] == 1);
  CHECK(summary["held_out"]["iou"].size() == 2);
  CHECK(summary["held_out"]["mean_iou"].get<double>() > 25);
  CHECK(summary["held_out"]["pixels"] == 64 * 79);  // cut to patches, without the column
  CHECK(contains(slurp(folder / "p.confusion.svg"), "predicted"));
  CHECK(!std::filesystem::exists(folder / "p.safetensors.cache"));
  const Probe probe = read_probe(folder / "p.safetensors");
  CHECK(probe.names == std::vector<std::string>{"0", "1"});
  CHECK(probe.size == "own");
  CHECK(contains(probe.settings, "feature"));
  ProbeOptions options;
  options.outputs = 2, options.pixels = 300, options.batch = 64, options.seed = 3;
  options.epochs = summary["epochs"]["trained"].get<Index>();
  check_same(probe, as_eval_probe_trains(folder, options));

  std::ofstream(folder / "names.txt") << "ground, or sky\nthing\n";
  const Outcome two = run(folder, kTrain +
                                      "-o q.safetensors --validation 0 --epochs 2 --hidden 7 --pixels 100 "
                                      "--class-names names.txt --threads 1");
  CAPTURE(two.err);
  CHECK(contains(two.out, "no photo was held out"));
  options.pixels = 100, options.batch = 1024, options.epochs = 2, options.hidden = 7, options.seed = 0;
  const Probe named = read_probe(folder / "q.safetensors");
  check_same(named, as_eval_probe_trains(folder, options));
  CHECK(named.names == std::vector<std::string>{"ground, or sky", "thing"});
  CHECK(contains(run(folder, "info q.safetensors").out, "2 classes from 192 channels by a hidden layer of 7 units"));
}

TEST_CASE("probe train: killed at any stage, the same command goes on to the same bits") {
  const TempFolder folder;
  write_labelled(folder, 6);
  const std::string options = kTrain + "--pixels 400 --batch 64 --epochs 150 --patience 500 --quiet ";
  REQUIRE(run(folder, options + "-o whole.safetensors").code == 0);
  const Probe whole = read_probe(folder / "whole.safetensors");
  const std::string cache = "killed.safetensors.cache";
  struct Stop {
    const char *file, *signal;
    double wait;
  };
  for (const Stop& stop : {Stop{"/photos.bin", "KILL", 0}, Stop{"/state.safetensors", "KILL", 0.05},
                           Stop{"/state.safetensors", "HUP", 0.5}, Stop{"/state.safetensors", "TERM", 0.2}}) {
    CAPTURE(stop.file);
    CAPTURE(stop.signal);
    const Outcome stopped = run_and_signal(folder, options + "--checkpoint 0 -o killed.safetensors", cache + stop.file,
                                           stop.wait, stop.signal);
    if (std::string(stop.signal) != "KILL") {
      CHECK(stopped.code == 1);
      CHECK(contains(stopped.err, "the same command goes on from killed.safetensors.cache"));
    }
    REQUIRE(std::filesystem::exists(folder / cache));
    CHECK(!std::filesystem::exists(folder / "killed.safetensors"));
  }
  const std::string other = options + "-o killed.safetensors --lr 0.002";
  const Outcome refused = run(folder, other);
  CHECK(refused.code == 1);
  CHECK(contains(refused.err, "lr=0.001 (now 0.002)"));
  CHECK(contains(refused.err, "--restart"));
  const Outcome resumed = run(folder, options + "-o killed.safetensors --json");
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  CHECK(nlohmann::json::parse(resumed.out)["resumed"] == true);
  check_same(read_probe(folder / "killed.safetensors"), whole);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    CHECK(!contains(entry.path().filename().string(), ".cache"));
    CHECK(!contains(entry.path().filename().string(), ".part-"));
  }
  run_and_signal(folder, options + "--checkpoint 0 -o killed.safetensors", cache + "/state.safetensors", 0, "KILL");
  CHECK(run(folder, other + " --restart").code == 0);
  CHECK(!same_bits(read_probe(folder / "killed.safetensors").weight, whole.weight));
}

TEST_CASE("probe train: numbers, from pictures of 16 bits and from arrays") {
  const TempFolder folder;
  write_labelled(folder, 5);
  const std::string numbers = "probe train --images photos --pixels 400 --batch 64 --epochs 20 --lr 5e-3 --json ";
  const Outcome o = run(folder, numbers + "--labels depth --label-scale 0.001 --unit m -o d.safetensors");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  const auto depth = nlohmann::json::parse(o.out)["held_out"]["numbers"][0];
  CHECK(depth["rmse"].get<double>() < depth["deviation"].get<double>());
  CHECK(depth["within_1.25"].get<double>() > 5);
  CHECK(depth["absolute_relative_error"].get<double>() > 0);
  const Probe probe = read_probe(folder / "d.safetensors");
  CHECK(probe.kind == Probe::Kind::numbers);
  CHECK(probe.unit == "m");
  CHECK(probe.centre.data()[0] > 1);
  CHECK(probe.centre.data()[0] < 60);
  CHECK(!std::filesystem::exists(folder / "d.confusion.svg"));

  // Three numbers a pixel; where one is NaN there is no measurement.
  std::filesystem::create_directories(folder / "arrays");
  for (int i = 0; i < 5; ++i) {
    Tensor x = Random(static_cast<std::uint64_t>(i)).normal({kHeight, kWidth, 3});
    for (Index p = 0; p < kHeight * kWidth; ++p)
      if (p % 3 == 0) x.data()[3 * p + 1] = NAN;
    write_npy(folder / ("arrays/" + std::to_string(i) + ".npy"), x);
  }
  const Outcome three = run(folder, numbers + "--labels arrays -o n.safetensors --size 48");
  CAPTURE(three.err);
  REQUIRE(three.code == 0);
  CHECK(nlohmann::json::parse(three.out)["held_out"]["numbers"].size() == 3);
  CHECK(read_probe(folder / "n.safetensors").size == "48");
  CHECK(read_probe(folder / "n.safetensors").outputs() == 3);
}

TEST_CASE("probe train: labels lie where the backbone sees them, whatever the size") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "photos"), std::filesystem::create_directories(folder / "labels");
  Image photo{60, 100, {}}, labels{60, 100, {}};
  for (Index i = 0; i < 60; ++i)
    for (Index j = 0; j < 100; ++j) {
      const bool on = i >= 21 && i < 45 && j >= 33 && j < 62;
      photo.rgb.insert(photo.rgb.end(), 3, on ? 255 : 0), labels.rgb.insert(labels.rgb.end(), 3, on ? 1 : 0);
    }
  write_png(folder / "photos/a.png", photo), write_png(folder / "labels/a.png", labels);
  for (const char* size : {"own", "32", "96", "64x64", "32x96"}) {
    CAPTURE(size);
    ProbeDataOptions options;
    options.size = size;
    const ProbePhotos photos(folder / "photos", folder / "labels", "", "", options);
    CHECK(photos.outputs() == 2);
    const PreparedPhoto p = photos.prepare(0, 16);
    CHECK(p.seen.height % 16 == 0);
    CHECK(p.part.height == p.targets.height);
    const Image seen = resize_antialiased(p.seen, p.targets.height, p.targets.width);
    double difference = 0;
    for (std::size_t i = 0; i < p.targets.labels.size(); ++i) {
      CHECK(p.part.rgb[3 * i] == (p.targets.labels[i] ? 255 : 0));
      difference += std::abs(seen.rgb[3 * i] / 255.0 - p.targets.labels[i]);
    }
    CHECK(difference / static_cast<double>(p.targets.labels.size()) < 0.05);  // blurred, not shifted
  }
}

TEST_CASE("probe train: from upsampled features") {
  const TempFolder folder;
  write_labelled(folder, 3);
  const std::string fine = kTrain + "--fine --pixels 200 --epochs 2 --quiet ";
  REQUIRE(run(folder, fine + "-o b.safetensors").code == 0);
  CHECK(read_probe(folder / "b.safetensors").upsampler == "builtin");
  REQUIRE(run(folder, fine + "--upsampler bilinear --hidden 4 -o l.safetensors").code == 0);
  REQUIRE(run(folder, kTrain + "--pixels 200 --epochs 2 --hidden 4 --quiet -o c.safetensors").code == 0);
  // Interpolated to all pixels, or only to the drawn ones.
  CHECK(relative_error(read_probe(folder / "l.safetensors").weight, read_probe(folder / "c.safetensors").weight) <
        1e-3);
  check_refused(folder, kTrain + "--upsampler bilinear", "--upsampler goes with --fine");
}

TEST_CASE("probe train: memory does not grow with the photos") {
  const TempFolder folder;
  write_labelled(folder, 2);
  for (const char* name : {"many", "many_labels"}) std::filesystem::create_directories(folder / name);
  for (int i = 0; i < 60; ++i) {
    const std::string name = "/" + std::to_string(i) + ".png";
    std::filesystem::create_symlink(folder / "photos/0.png", folder / ("many" + name));
    std::filesystem::create_symlink(folder / "labels/0.png", folder / ("many_labels" + name));
  }
  const std::string options = " --pixels 3000 --epochs 1 --json -o p.safetensors";
  const auto peak = [&](const std::string& folders) {
    const Outcome o = run(folder, "probe train " + folders + options);
    REQUIRE(o.code == 0);
    return nlohmann::json::parse(o.out)["peak_rss_mb"].get<double>();
  };
  const double few = peak("--images photos --labels labels"), many = peak("--images many --labels many_labels");
#ifndef FU_ADDRESS_SANITIZER  // that sanitizer keeps freed memory for a while
  CHECK(many < few + 20);     // their samples are 140 MB
#else
  CHECK(many < few + 400);
#endif
}

TEST_CASE("probe train: what it cannot learn from is refused in one line") {
  const TempFolder folder;
  write_labelled(folder, 2);
  const std::string train = kTrain + "--pixels 10 --epochs 1 -o p.safetensors ";
  std::ofstream(folder / "names.txt") << "one\n";
  check_refused(folder, train + "--class-names names.txt", "names.txt: has 1 names, and there are 2 classes");
  check_refused(folder, train + "--size 60x60", "multiples of that");
  check_refused(folder, train + "--backbone nowhere", "nowhere");
  check_refused(folder, kTrain + "-o labels/0.png", "is also an input");
  check_refused(folder, "probe train --images photos --labels depth --classes 3", "holds numbers, not classes");
  check_refused(folder, "probe train --images photos --labels depth --kind classes", "16 bits");
  check_refused(folder, train + "--kind numbers", "8 bits a pixel");

  write_png(folder / "labels/1.png", render_scene(1, kHeight, kWidth).image);
  check_refused(folder, train, "is a picture of colours, not of classes");
  write_png(folder / "labels/1.png", grey(std::vector<unsigned char>(1600, 1), 40, 40));
  check_refused(folder, train, "has 40x40 pixels, its photo 70x90");
  std::filesystem::remove(folder / "labels/1.png");
  check_refused(folder, train, "holds no labels for");
  const std::vector<unsigned char> none(usize(kHeight * kWidth), 255);
  for (const char* name : {"labels/0.png", "labels/1.png"}) write_png(folder / name, grey(none, kHeight, kWidth));
  std::filesystem::remove_all(folder / "p.safetensors.cache");
  check_refused(folder, train, "all pixels of all pictures are 255");
  check_refused(folder, train + "--classes 3", "has a class from 0 to 2");
  CHECK(!std::filesystem::exists(folder / "p.safetensors.cache"));

  const std::string arrays = "probe train --images photos --labels arrays -o n.safetensors ";
  std::filesystem::create_directories(folder / "arrays");
  for (const char* name : {"arrays/0.npy", "arrays/1.npy"})
    write_npy(folder / name, Tensor::full({kHeight, kWidth}, NAN));
  check_refused(folder, arrays, "no pixel of the photos has a number");
  CHECK(!std::filesystem::exists(folder / "n.safetensors.cache"));
  write_npy(folder / "arrays/0.npy", Tensor::zeros({kHeight, kWidth + 1}));
  check_refused(folder, arrays, "has 70x91 pixels, its photo 70x90");
  write_npy(folder / "arrays/0.npy", Tensor::zeros({kHeight}));
  check_refused(folder, arrays, "numbers of pixels are (H,W) or (H,W,K)");
  write_npy(folder / "arrays/0.npy", Tensor::zeros({kHeight, kWidth, 2}));
  check_refused(folder, arrays, "has 1 numbers a pixel");
  CHECK(run(folder, "probe train --images photos").code == 2);
  CHECK(run(folder, train + "--val-images photos").code == 2);
  CHECK(run(folder, train + "--pixels 0").code == 2);
}

TEST_CASE("eval depth: two small scenes") {
  const TempFolder folder;
  const Outcome o = run(folder,
                        "eval depth --scenes 2 --learn 4 --size 64 --only --upsampler jbu-classic --upsampler "
                        "views:2 --slow-every 2 --json");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  const auto table = nlohmann::json::parse(o.out)["methods"];
  REQUIRE(table.size() == 5);
  CHECK(table[2]["method"] == "bilinear, there");
  CHECK(table[2]["scenes"] == 1);
  CHECK(table[4]["method"] == "always the mean");
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(table[i]["rmse"].get<double>() > 0);
    CHECK(table[i]["rmse"].get<double>() < table[4]["rmse"].get<double>());
    CHECK(table[i]["within_1.25"].get<double>() > 5);
  }
  CHECK(contains(slurp(folder / "featup-out/eval-depth.svg"), "views:2"));
  CHECK(read_image(folder / "featup-out/eval-depth.png").width > 190);
}
