// The program as its users meet it: run, look at exit code, lines and files.
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "core/ops.h"
#include "tests/support.h"
#include "tools/image_io.h"
#include "tools/scene.h"

using namespace fu;
using namespace fu::test;

namespace {

struct Outcome {
  int code = -1;
  std::string out, err;
};

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Outcome run(const TempFolder& folder, const std::string& arguments, const std::string& environment = "") {
  const std::string command = "cd '" + folder.path() + "' && " + environment + " '" FU_PROGRAM "' " + arguments + " >'" + (folder / ".out") +
                              "' 2>'" + (folder / ".err") + "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(folder / ".out"), slurp(folder / ".err")};
}

/// One line that begins as errors do, exit code 1, and nothing half-written.
void check_refused(const TempFolder& folder, const std::string& arguments, const std::string& part) {
  CAPTURE(arguments);
  const Outcome o = run(folder, arguments);
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.rfind("featup: error: ", 0) == 0);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  CHECK(contains(o.err, part));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) CHECK(!contains(entry.path().filename().string(), ".part-"));
}

}  // namespace

TEST_CASE("program: views, as an upsampler and as a measure") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 80, 96).image);
  const Outcome up = run(folder, "upsample scene.png --size 64 --upsampler views:6 --pca 3 --quiet");
  CAPTURE(up.err);
  CHECK(up.code == 0);
  CHECK(Weights(folder / "featup-out/scene.npy").read_single().shape() == Shape{64, 80, 3});
  const Outcome eval = run(folder, "eval views scene.png --size 64 --jitters 4 --upsampler views:3 --json");
  CAPTURE(eval.err);
  CHECK(eval.code == 0);
  const auto summary = nlohmann::json::parse(eval.out);
  for (const char* method : {"nearest", "bilinear", "bicubic", "jbu-classic", "builtin", "views:80", "views:3", "implicit"}) {
    const double value = summary.at("explained_variance").at(method).get<double>();
    CHECK(value < 1);
    CHECK(value > -2);
    CHECK(summary.at("images").at(0).at("explained_variance").at(method).get<double>() == value);
  }
  CHECK(summary.at("explained_variance").at("views:80").get<double>() > summary.at("explained_variance").at("nearest").get<double>());
  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "upsample scene.png --features f.npy --upsampler views", "needs a backbone");
  check_refused(folder, "eval views scene.png --features f.npy", "needs a backbone");
  check_refused(folder, "upsample scene.png --upsampler views:0", "write views, views:N");
  check_refused(folder, "eval views scene.png --size 16", "must have more at the backbone");
}

TEST_CASE("program: a probe's table, and rendered scenes") {
  const TempFolder folder;
  for (const char* part : {"train", "val"}) {
    std::filesystem::create_directories(folder / part);
    std::filesystem::create_directories(folder / (std::string(part) + "_labels"));
    for (int i = 0; i < 2; ++i) {
      const Scene2d scene = render_scene(static_cast<std::uint64_t>(i + (part[0] == 'v' ? 10 : 0)), 80, 96);
      Image labels{80, 96, {}};
      for (unsigned char label : scene.labels) labels.rgb.insert(labels.rgb.end(), 3, label > 0 ? 1 : 0);
      const std::string name = std::string("/") + std::to_string(i) + ".png";
      write_png(folder / (part + name), scene.image), write_png(folder / (part + std::string("_labels") + name), labels);
    }
  }
  const std::string data = "eval probe --images train --labels train_labels --val-images val --val-labels val_labels --classes 2 --seeds 2 --quiet ";
  REQUIRE(run(folder, "upsample val/0.png val/1.png --size 80x96 --upsampler bilinear -o made").code == 0);
  const Outcome probe = run(folder, data + "--only --upsampler builtin --upsampler views:2 --upsampler folder:made --slow-every 2 --json");
  CAPTURE(probe.err);
  CHECK(probe.code == 0);
  const auto table = nlohmann::json::parse(probe.out);
  CHECK(table["methods"].size() == 5);  // and bilinear on the photos of views:2
  CHECK(table["methods"][2]["method"] == "folder:made");
  CHECK(table["methods"][2]["accuracy"].get<double>() == doctest::Approx(table["methods"][0]["accuracy"].get<double>()).epsilon(1e-3));
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
  std::filesystem::remove(folder / "val_labels/1.png");
  check_refused(folder, data, "holds no labels for");
  write_png(folder / "val_labels/1.png", render_scene(1, 40, 40).image);
  check_refused(folder, data, "its photo");

  const Outcome scenes = run(folder, "eval scene --scenes 2 --size 64 --only --upsampler jbu-classic --upsampler views:2 --slow-every 2 --json");
  CAPTURE(scenes.err);
  CHECK(scenes.code == 0);
  const auto outlines = nlohmann::json::parse(scenes.out);
  CHECK(outlines["methods"].size() == 3);
  for (const auto& one : outlines["methods"]) {
    CHECK(one["outline_f"].get<double>() > 0.05);
    CHECK(one["click_iou"].get<double>() > 0.1);
  }
  CHECK(std::filesystem::exists(folder / "featup-out/eval-scene.svg"));
}

TEST_CASE("program: training a stack, killed and resumed, gives the same bits; what it writes is an upsampler") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "photos/deep/er");
  for (int i = 0; i < 6; ++i)
    write_png(folder / ((i % 2 ? "photos/deep/er/" : "photos/") + std::to_string(i) + ".png"),
              render_scene(static_cast<std::uint64_t>(i), 80, 96).image);
  std::ofstream(folder / "photos/deep/broken.jpg") << "no picture";
  const std::string options =
      "train photos --size 64 --steps 40 --batch 2 --jitters 2 --radius 2 --kernel 8 --levels 3 --key-dim 8 --crf-samples 50 ";
  const Outcome whole = run(folder, options + "-o whole.safetensors --export whole.ckpt --json");
  CAPTURE(whole.err);
  REQUIRE(whole.code == 0);
  const auto summary = nlohmann::json::parse(whole.out);
  CHECK(summary.at("steps").get<int>() == 40);
  CHECK(summary.at("images").get<int>() == 6);
  CHECK(summary.at("unreadable").get<int>() == 1);
  CHECK(summary.at("explained_variance").get<double>() > 0);
  CHECK(summary.at("explained_variance_bilinear").get<double>() > 0);
  // Killed somewhere after its first checkpoint, as often as it takes to be there.
  const std::string kill =
      "sh -c \"'" FU_PROGRAM "' " + options +
      "-o killed.safetensors --checkpoint 0 $RESUME --quiet & p=\\$!; n=0; while [ ! -f killed.safetensors ] && [ \\$n -lt 400 ]; do sleep "
      "0.02; n=\\$((n+1)); done; sleep 0.2; kill -9 \\$p; wait\"";
  const std::string in = "cd '" + folder.path() + "' && ";
  CHECK(std::system((in + "RESUME= ; export RESUME; " + kill + " 2>/dev/null").c_str()) >= 0);
  REQUIRE(std::filesystem::exists(folder / "killed.safetensors"));
  const int steps = std::stoi(Weights(folder / "killed.safetensors").metadata().at("step"));
  CAPTURE(steps);
  CHECK(steps >= 1);
  // What was being written when it was killed has another name, and may be left there; later checks look for such leavings of their own.
  std::vector<std::filesystem::path> unfinished;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    if (contains(entry.path().filename().string(), ".part-")) unfinished.push_back(entry.path());
  for (const auto& path : unfinished) std::filesystem::remove(path);
  const Outcome resumed = run(folder, options + "-o killed.safetensors --resume --quiet");
  CAPTURE(resumed.err);
  REQUIRE(resumed.code == 0);
  const Weights a(folder / "whole.safetensors"), b(folder / "killed.safetensors");
  REQUIRE(a.entries().size() == b.entries().size());
  for (const auto& [name, entry] : a.entries()) {
    CAPTURE(name);
    CHECK(same_bits(a.read(name), b.read(name)));
  }
  check_refused(folder, options + "-o whole.safetensors", "is there already");
  check_refused(folder, options + "-o whole.safetensors --resume --lr 0.1", "other settings");
  check_refused(folder, options + "-o other.safetensors --resume", "nothing to resume");
  check_refused(folder, options + "-o photos/0.safetensors", "is also an input");  // its picture would be
  check_refused(folder, options + "-o other.safetensors --export photos/0.png", "is also an input");
  check_refused(folder, "train photos/deep/broken.jpg --size 64 -o none.safetensors", "cannot be read");
  check_refused(folder, "train nowhere --size 64", "no such folder");
  check_refused(folder, "train photos --size 60", "multiples of the patch");
  for (const char* stack : {"whole.safetensors", "whole.ckpt"}) {
    const Outcome up = run(folder, "upsample photos/0.png --size 64 --pca 3 --quiet -o up --upsampler " + std::string(stack));
    CAPTURE(up.err);
    CHECK(up.code == 0);
  }
}

TEST_CASE("program: folders, shards, and what is finished already") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "photos/deep");
  for (int i = 0; i < 5; ++i)
    write_png(folder / ((i % 2 ? "photos/deep/" : "photos/") + std::to_string(i) + ".png"),
              render_scene(static_cast<std::uint64_t>(i), 48, 48).image);
  const auto count = [&](const std::string& what) {
    const auto files = std::filesystem::directory_iterator(folder / "out");
    return std::count_if(begin(files), end(files), [&](const auto& file) { return contains(file.path().filename().string(), what); });
  };
  const auto skipped = [](const Outcome& o) { return nlohmann::json::parse(o.out).at("skipped").get<int>(); };
  const Outcome first = run(folder, "features photos -o out --size 48 --shard 2/2 --json");
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  CHECK(count(".lr.npy") == 2);
  CHECK(skipped(first) == 0);
  std::filesystem::remove(std::filesystem::directory_iterator(folder / "out")->path());
  CHECK(skipped(run(folder, "features photos -o out --size 48 --shard 2/2 --json")) == 1);
  CHECK(run(folder, "features photos -o out --size 48 --shard 1/2 --quiet").code == 0);
  CHECK(count(".lr.npy") == 5);
  CHECK(run(folder, "upsample photos -o out --size 48 --pca 3 --shard 1/3 --quiet").code == 0);
  CHECK(skipped(run(folder, "upsample photos -o out --size 48 --pca 3 --skip-finished --json")) == 2);
  CHECK(count(".png") == 5);
  check_refused(folder, "features photos --shard 3/2", "give I/N");
  check_refused(folder, "features photos --shard 0", "give I/N");
  std::filesystem::create_directories(folder / "none");
  check_refused(folder, "features none", "no pictures");
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
  CHECK(run(folder, "query " + file + " --size 90x110 --pca 4 --crop 20,30,40,50 -o part.safetensors --format safetensors --quiet").code == 0);
  CHECK(run(folder, "query " + file + " --size 90x110 --pca 4 --layout chw -o planes.npy --quiet").code == 0);
  const Tensor whole = Weights(folder / "whole.npy").read_single(), part = Weights(folder / "part.safetensors").read_single();
  CHECK(whole.shape() == Shape{90, 110, 4});
  CHECK(part.shape() == Shape{40, 50, 4});
  bool equal = true;
  for (Index i = 0; i < 40 * 50 * 4; ++i) equal = equal && part.data()[i] == whole.data()[((20 + i / 200) * 110 + 30) * 4 + i % 200];
  CHECK(equal);
  CHECK(same_bits(Weights(folder / "planes.npy").read_single().permute({1, 2, 0}), whole));
  write_npy(folder / "points.npy", Tensor::from({2, 2}, {0, 0, 31.5, 40.25}));
  CHECK(run(folder, "query " + file + " --points points.npy --image scene.png -o points_out.npy --quiet").code == 0);
  CHECK(Weights(folder / "points_out.npy").read_single().dim(0) == 2);

  // A network as published but small, out of time, and on again.
  const std::string network = "fit scene.png --size 64 --compat published --views 6 --pca 8 --frequencies 4 --held-out 2 -o n.safetensors ";
  const Outcome first = run(folder, network + "--steps 3 --time-budget 1e-6");
  CHECK(contains(first.out, "time is up"));
  CHECK(run(folder, network + "--steps 3 --quiet").code == 0);
  const Outcome on = run(folder, network + "--resume n.safetensors --steps 5 --json");
  CAPTURE(on.err);
  REQUIRE(on.code == 0);
  CHECK(nlohmann::json::parse(on.out).at("steps").get<int>() == 5);
  for (const char* ablation : {"--no-grid --no-color-features", "--no-grid --downsampler simple --kernel 8", "--no-uncertainty --tv 0", "--pca 5"})
    CHECK(run(folder, std::string("fit scene.png --size 64 --views 4 --steps 2 --frequencies 3 --held-out 2 --quiet -o a.safetensors ") + ablation)
              .code == 0);
  CHECK(run(folder, "query a.safetensors -o a.npy --quiet").code == 0);

  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "fit scene.png --features f.npy", "needs a backbone");
  check_refused(folder, "fit scene.png -o picture.png", "both the result and its picture");
  check_refused(folder, network + "--steps 5 --resume n.safetensors --lr 1e-3", "was made with other options");
  check_refused(folder, "fit scene.png --size 64 --resume n.safetensors", "holds a network under way");
  check_refused(folder, "query " + file + " --size 60000x60000", "more than 2^28 pixels");
  check_refused(folder, "query " + file + " --points points.npy --size 9x9", "do not go with them");
  check_refused(folder, "query f.npy", "is no fitted map");
  check_refused(folder, "query " + file + " --crop 0,0,100,10", "--crop '0,0,100,10'");
  check_refused(folder, "query " + file + " --points f.npy", "points are (N,2)");
  write_npy(folder / "outside.npy", Tensor::from({1, 2}, {0, 1000}));
  check_refused(folder, "query " + file + " --points outside.npy", "outside the photo");
  write_npy(folder / "wide.npy", Tensor::zeros({3, 2}));
  check_refused(folder, "query " + file + " --project wide.npy", "a projection is");
  check_refused(folder, "query " + file + " -o " + file, "is also an input");
  write_png(folder / "other.png", render_scene(3, 80, 96).image);
  check_refused(folder, "fit other.png --size 64 --resume n.safetensors --compat published --frequencies 4 --pca 8", "is a fit of another photo");
}

TEST_CASE("program: a page in which features can be touched") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 64, 80).image);
  CHECK(run(folder, "fit scene.png --size 64 --views 6 --held-out 2 --quiet").code == 0);
  CHECK(contains(run(folder, "info featup-out/scene.fit.safetensors").out, "featup show --html"));
  const Outcome page = run(folder, "show --html featup-out/scene.fit.safetensors -o page.html");
  CAPTURE(page.err);
  CHECK(page.code == 0);
  const std::string text = slurp(folder / "page.html");
  CHECK(text.size() < 4000000);
  CHECK(contains(text, "data:image/png;base64,"));
  CHECK(!contains(text, "/*DATA*/"));
  CHECK(!contains(text, "://"));  // no network
  const std::size_t begin = text.find("const data = ") + 13;
  const auto data = nlohmann::json::parse(text.substr(begin, text.find(";\n", begin) - begin));
  CHECK(data["name"] == "scene");
  CHECK(data["high"]["height"] == 64);
  CHECK(data["high"]["width"] == 80);
  CHECK(data["low"]["height"] == 4);
  CHECK(data["high"]["values"].get<std::string>().size() == (64 * 80 * data["scales"].size() + 2) / 3 * 4);
  CHECK(data["maps"].size() == 2);
  CHECK(data["curves"].size() == 2);
  if (std::filesystem::exists("/usr/bin/chromium")) {
    const std::string browser =
        "HOME='" + folder.path() + "' timeout 120 /usr/bin/chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run " +
        "--disable-background-networking --disable-component-update --disable-sync --user-data-dir='" + (folder / "profile") +
        "' --virtual-time-budget=5000 --dump-dom 'file://" + (folder / "page.html") + "' >'" + (folder / "dom") + "' 2>/dev/null";
    REQUIRE(std::system(browser.c_str()) == 0);
    const std::string dom = slurp(folder / "dom");
    CHECK(contains(dom, "data-ready=\"1\""));  // the script ran to its end
    CHECK(contains(dom, "of the photo is alike"));
    CHECK(contains(dom, "uncertainty: from"));
  } else {
    MESSAGE("skipped: no browser to open the page in");
  }

  CHECK(run(folder, "upsample scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "features scene.png --size 64 --quiet").code == 0);
  CHECK(run(folder, "show --html featup-out/scene.npy --image scene.png --low featup-out/scene.lr.npy -o map.html").code == 0);
  CHECK(contains(slurp(folder / "map.html"), "\"name\":\"scene\""));
  check_refused(folder, "show --html featup-out/scene.npy featup-out/scene.npy", "one fit or one map");
  check_refused(folder, "show --html featup-out/scene.fit.safetensors --image scene.png", "holds its photo");
  check_refused(folder, "show featup-out/scene.npy --image scene.png", "go with --html");
  check_refused(folder, "show --html featup-out/scene.npy --image scene.png -o scene.png", "scene.png");
  CHECK(run(folder, "upsample scene.png --quality best --upsampler bilinear").code == 2);
  CHECK(run(folder, "upsample scene.png --size 32 --pca 3 --quality best --quiet -o best").code == 0);
}

TEST_CASE("program: a photo becomes features and a picture") {
  const TempFolder folder;
  write_png(folder / "photo.png", render_scene(7, 240, 320).image);
  const Outcome o = run(folder, "upsample photo.png --json");
  REQUIRE(o.code == 0);
  const auto j = nlohmann::json::parse(o.out);
  CHECK(j.at("command") == "upsample");
  CHECK(j.at("in_size") == nlohmann::json({224, 304}));
  CHECK(j.at("lr_size") == nlohmann::json({14, 19}));
  CHECK(j.at("out_size") == nlohmann::json({224, 304}));
  CHECK(j.at("channels") == 192);
  for (const char* key : {"inputs", "outputs", "backbone", "upsampler", "seconds", "threads", "isa", "peak_rss_mb"}) CHECK(j.contains(key));
  CHECK(Weights(folder / "featup-out/photo.npy").read_single().shape() == Shape{224, 304, 192});
  const Image picture = read_image(folder / "featup-out/photo.png");
  CHECK(picture.height == 224);
  CHECK(picture.width == 3 * 304 + 8);
  CHECK(run(folder, "upsample photo.png").out.find("224x304x192 features from 14x19") != std::string::npos);
  CHECK(run(folder, "upsample photo.png --quiet").out.empty());
}

TEST_CASE("program: options of upsample") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 100, 140).image);
  write_png(folder / "b.png", render_scene(2, 140, 100).image);
  REQUIRE(run(folder, "upsample a.png b.png -o two --upsampler bicubic").code == 0);
  CHECK(Weights(folder / "two/b.npy").read_single().shape() == Shape{320, 224, 192});
  REQUIRE(run(folder, "upsample a.png -o o --size 64x96 --out-size 50x70 --pca 2 --format safetensors --dtype f16 --layout chw").code == 0);
  const Weights w(folder / "o/a.safetensors");
  CHECK(w.shape("features") == Shape{2, 50, 70});
  CHECK(w.entries().at("features").type == DType::f16);
  CHECK(w.metadata().at("layout") == "chw");
  Random random(1);
  const Tensor projection = random.normal({192, 5});
  write_npy(folder / "p.npy", projection);
  REQUIRE(run(folder, "upsample a.png -o q --project p.npy").code == 0);
  REQUIRE(run(folder, "upsample a.png -o q2").code == 0);
  const Tensor projected = Weights(folder / "q/a.npy").read_single(), whole = Weights(folder / "q2/a.npy").read_single();
  CHECK(projected.dim(2) == 5);
  CHECK(relative_error(projected.reshape({-1, 5}), matmul(whole.reshape({-1, 192}), projection)) <= 1e-5);
  REQUIRE(run(folder, "features a.png -o f").code == 0);
  CHECK(Weights(folder / "f/a.lr.npy").read_single().shape() == Shape{14, 20, 192});
  REQUIRE(run(folder, "upsample a.png -o g --features f/a.lr.npy --upsampler bilinear").code == 0);
  CHECK(Weights(folder / "g/a.npy").read_single().shape() == Shape{224, 320, 192});
  REQUIRE(run(folder, "show f/a.lr.npy q2/a.npy -o s.png").code == 0);
  CHECK(read_image(folder / "s.png").height == 224);
}

TEST_CASE("program: one thread and two, and every instruction set") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(3, 120, 120).image);
  REQUIRE(run(folder, "upsample a.png -o one --threads 1").code == 0);
  REQUIRE(run(folder, "upsample a.png -o two --threads 2").code == 0);
  CHECK(slurp(folder / "one/a.npy") == slurp(folder / "two/a.npy"));
  const Tensor expected = Weights(folder / "one/a.npy").read_single();
  for (const Kernels* table : all_kernels()) {
    REQUIRE(run(folder, "upsample a.png -o other", std::string("FU_ISA=") + table->isa).code == 0);
    CHECK(relative_error(Weights(folder / "other/a.npy").read_single(), expected) <= 1e-5);
  }
  const Outcome o = run(folder, "upsample a.png", "FU_ISA=mmx");
  CHECK(o.code == 1);
  CHECK(contains(o.err, "'mmx' is not an instruction set that this program and processor have: reference, baseline"));
}

TEST_CASE("program: wrong input gets one line, exit code 1, and nothing half-written") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 64, 64).image);
  write_png(folder / "dot.png", Image{1, 1, {1, 2, 3}});
  std::ofstream(folder / "bad.jpg") << "\xff\xd8\xff nonsense";
  std::ofstream(folder / "big.ppm") << "P6\n20000 20000\n255\n";
  std::ofstream(folder / "junk.pth") << "junk";
  write_npy(folder / "square.npy", Tensor::zeros({3, 4}));
  write_npy(folder / "wide.npy", Tensor::full({4, 4, 6}, NAN));
  check_refused(folder, "upsample none.png", "none.png: cannot be opened: No such file");
  std::filesystem::create_directories(folder / "empty");
  check_refused(folder, "upsample dot.png", "has 1x1 pixels, less than one patch");
  check_refused(folder, "upsample big.ppm", "has 20000x20000 pixels");
  check_refused(folder, "upsample bad.jpg", "bad.jpg: is damaged");
  check_refused(folder, "upsample empty", "has no pictures in it");
  check_refused(folder, "features a.png --features .", "is not a regular file");
  check_refused(folder, "upsample a.png --backbone junk.pth", "fit none of them");
  check_refused(folder, "upsample a.png --backbone square.npy", "holds no vision transformer");
  check_refused(folder, "upsample a.png --upsampler square.npy", "holds no JBU stack");
  check_refused(folder, "upsample a.png --upsampler sharp", "'sharp' is neither builtin, nearest");
  check_refused(folder, "upsample a.png --project square.npy", "the features have 192 channels");
  check_refused(folder, "upsample a.png --pca 193", "keep at most that many");
  check_refused(folder, "upsample a.png --features wide.npy", "is not a finite number");
  check_refused(folder, "upsample a.png --size 0", "give the short side in pixels");
  check_refused(folder, "upsample a.png --size 100x100", "patches are 16 pixels wide");
  check_refused(folder, "upsample a.png --out-size 5", "give height x width");
  check_refused(folder, "upsample a.png --out-size 65536x65536", "[memory]");
  check_refused(folder, "upsample a.png --max-memory 1M", "would exceed the limit");
  check_refused(folder, "upsample a.png --max-memory none", "give a number of bytes");
  check_refused(folder, "upsample a.png -o a.png", "cannot be made a folder");
  check_refused(folder, "upsample a.png ./a.png", "would both be written as 'a'");
  check_refused(folder, "upsample a.png -o /proc/none", "cannot be made a folder");
  check_refused(folder, "info junk.pth", "fit none of them");
  check_refused(folder, "show square.npy", "a feature map is");
  CHECK(!std::filesystem::exists(folder / "featup-out/a.npy"));
  const Outcome partly = run(folder, "upsample none.png a.png");  // one failure does not stop the others
  CHECK(partly.code == 1);
  CHECK(std::filesystem::exists(folder / "featup-out/a.npy"));
}

TEST_CASE("program: wrong usage gets exit code 2; help and version 0") {
  const TempFolder folder;
  for (const char* arguments :
       {"", "upsample", "frobnicate", "upsample a.png --nonsense", "upsample a.png --dtype f64", "upsample a.png --pca none", "info"}) {
    CAPTURE(arguments);
    const Outcome o = run(folder, arguments);
    CHECK(o.code == 2);
    CHECK(o.err.rfind("featup: error: ", 0) == 0);
  }
  CHECK(contains(run(folder, "--version").out, "featup 0."));
  CHECK(contains(run(folder, "upsample a.png --bakbone hog").err, "did you mean '--backbone'?"));
  CHECK(contains(run(folder, "eval prob").err, "did you mean 'probe'?"));
  CHECK(contains(run(folder, "upsmaple a.png").err, "did you mean 'upsample'?"));
  CHECK(!contains(run(folder, "upsample a.png --frobnicate").err, "did you mean"));
  CHECK(contains(run(folder, "help").out, "upsample"));
  CHECK(run(folder, "help eval probe").out == run(folder, "eval probe --help").out);
  CHECK(run(folder, "help nonsense").code == 2);
  const std::string page = run(folder, "man").out;
  CHECK(contains(page, ".SS featup eval probe"));
  CHECK(contains(page, "\\-\\-upsampler"));
  std::ofstream(folder / "completion") << run(folder, "completion bash").out;
  const auto complete = [&](const std::string& words, int at) {
    const std::string script = "bash -c 'source \"" + (folder / "completion") + "\"; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) +
                               "; _featup; echo \"${COMPREPLY[*]}\"' >'" + (folder / ".words") + "'";
    CHECK(std::system(script.c_str()) == 0);
    return slurp(folder / ".words");
  };
  CHECK(complete("featup ups", 1) == "upsample\n");
  CHECK(complete("featup eval pr", 2) == "probe\n");
  CHECK(complete("featup upsample --dty", 2) == "--dtype\n");
  CHECK(complete("featup upsample --dtype f", 3) == "f32 f16\n");
  CHECK(complete("featup eval probe --val-im", 3) == "--val-images\n");
  CHECK(contains(run(folder, "completion zsh").out, "bashcompinit"));
  CHECK(run(folder, "--help").code == 0);
  for (const char* command : {"upsample", "features", "fit", "query", "train", "show", "eval views", "eval probe", "eval scene", "info"}) {
    const Outcome o = run(folder, std::string(command) + " --help");
    CHECK(o.code == 0);
    CHECK(contains(o.out, "Example: featup"));
  }
}

TEST_CASE("program: info says what files are") {
  const TempFolder folder;
  CHECK(contains(run(folder, "info " FU_SOURCE_DIR "/tests/fixtures/nested_model_key.pth").out, "PyTorch zip, 13 tensors"));
  const auto j = nlohmann::json::parse(run(folder, "info " FU_SOURCE_DIR "/tests/fixtures/legacy_format.pth --json").out);
  CHECK(j.at("format") == "PyTorch legacy");
  CHECK(j.at("tensors") == 13);
}

TEST_CASE("program: PyTorch's numbers, from the photo's file and the checkpoints") {
  FU_NEEDS_SHARED(shared);
  const TempFolder folder;
  const std::string models = shared + "/models/";
  const std::string common = " --backbone " + models + "deit_tiny_patch16_224.safetensors --size 224x224";
  for (const char* stack : {"clip", "maskclip"}) {
    const Outcome o =
        run(folder, "upsample " + shared + "/photos/chelsea.png" + common + " --upsampler " + models + stack + "_jbu_stack_cocostuff.ckpt");
    REQUIRE(o.code == 0);
    CHECK(contains(o.err, "made for 512 channels; the features have 192, so its levels are used without its last mixing."));
    const Tensor result = Weights(folder / "featup-out/chelsea.npy").read_single();
    const Tensor expected =
        Weights(shared + "/golden_real/chelsea.safetensors").read(std::string("out.jbu_") + stack + "_first8").permute({0, 2, 3, 1});
    Tensor first({1, 224, 224, 8});
    for (Index p = 0; p < 224 * 224; ++p) std::copy_n(result.data() + p * 192, 8, first.data() + p * 8);
    CHECK(relative_error(first, expected) <= 1e-4);
  }
  // One file that holds backbone, norm, stack and mixing.
  const std::string hub = shared + "/fixtures/dino16_like_jbu.ckpt";
  REQUIRE(run(folder, "upsample " + shared + "/photos/coffee.png --backbone " + hub + " --upsampler " + hub + " --size 96").code == 0);
  CHECK(contains(run(folder, "info " + hub).out, "norm of the backbone's features, 128 channels"));
}
