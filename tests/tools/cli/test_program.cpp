// The program on photos, folders and files: what it makes, and what it refuses.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "core/ops.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

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
  for (const char* method :
       {"nearest", "bilinear", "bicubic", "jbu-classic", "builtin", "views:80", "views:3", "fit"}) {
    const double value = summary.at("explained_variance").at(method).get<double>();
    CHECK(value < 1);
    CHECK(value > -2);
    CHECK(summary.at("images").at(0).at("explained_variance").at(method).get<double>() == value);
  }
  CHECK(summary.at("explained_variance").at("views:80").get<double>() >
        summary.at("explained_variance").at("nearest").get<double>());
  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "upsample scene.png --features f.npy --upsampler views", "needs a backbone");
  check_refused(folder, "eval views scene.png --features f.npy", "needs a backbone");
  check_refused(folder, "upsample scene.png --upsampler views:0", "write views, views:N");
  for (const char* smoothness : {"0", "", "nan", "0.1x", "2000", " 1"})
    check_refused(folder, std::string("upsample scene.png --upsampler 'implicit:") + smoothness + "'", "S above 0");
  check_refused(folder, "eval views scene.png --size 16", "must have more at the backbone");
}

TEST_CASE("program: folders, shards, and what is finished already") {
  const TempFolder folder;
  write_scenes(folder, 5, 48, 48);
  const auto count = [&](const std::string& what) {
    const auto files = std::filesystem::recursive_directory_iterator(folder / "out");
    return std::count_if(begin(files), end(files),
                         [&](const auto& file) { return contains(file.path().filename().string(), what); });
  };
  const auto skipped = [](const Outcome& o) { return nlohmann::json::parse(o.out).at("skipped").get<int>(); };
  const Outcome first = run(folder, "features photos -o out --size 48 --shard 2/2 --json");
  CAPTURE(first.err);
  REQUIRE(first.code == 0);
  CHECK(count(".lr.npy") == 2);
  CHECK(skipped(first) == 0);
  CHECK(std::filesystem::exists(folder / "out/deep/er/1.lr.npy"));
  REQUIRE(std::filesystem::remove(folder / "out/2.lr.npy"));
  CHECK(skipped(run(folder, "features photos -o out --size 48 --shard 2/2 --json")) == 1);
  CHECK(run(folder, "features photos -o out --size 48 --shard 1/2 --quiet").code == 0);
  CHECK(count(".lr.npy") == 5);
  CHECK(run(folder, "upsample photos -o out --size 48 --pca 3 --shard 1/3 --quiet").code == 0);
  CHECK(skipped(run(folder, "upsample photos -o out --size 48 --pca 3 --skip-finished --json")) == 2);
  CHECK(count(".png") == 5);
  check_refused(folder, "features photos --shard 3/2", "give I/N", 2);
  check_refused(folder, "features photos --shard 0", "give I/N", 2);
  std::filesystem::create_directories(folder / "none");
  check_refused(folder, "features none", "no pictures");
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
  for (const char* key : {"inputs", "outputs", "backbone", "upsampler", "seconds", "threads", "isa", "peak_rss_mb"})
    CHECK(j.contains(key));
  CHECK(Weights(folder / "featup-out/photo.npy").read_single().shape() == Shape{224, 304, 192});
  const Image picture = read_image(folder / "featup-out/photo.png");
  CHECK(picture.height == 224);
  CHECK(picture.width == 3 * 304 + 8);
  CHECK(run(folder, "upsample photo.png").out.find("224x304x192 features from 14x19") != std::string::npos);
  CHECK(run(folder, "upsample photo.png --quiet").out.empty());
}

TEST_CASE("program: quality is a method by another name, and a fit's smoothness counts") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(2, 64, 80).image);
  const auto described = [&](const std::string& options) {
    const Outcome o = run(folder, "upsample a.png --size 48 --pca 3 --json " + options);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return nlohmann::json::parse(o.out).at("upsampler").get<std::string>();
  };
  CHECK(contains(described("--quality best -o best"), "smoothness 0.3"));
  CHECK(contains(described("--quality fast -o fast"), "built-in JBU stack"));
  CHECK(contains(described("--upsampler implicit:0.3 -o firm"), "smoothness 0.3"));
  described("--upsampler fit:0.01 -o loose");
  CHECK(slurp(folder / "best/a.npy") == slurp(folder / "firm/a.npy"));
  CHECK(slurp(folder / "best/a.npy") != slurp(folder / "loose/a.npy"));
  CHECK(run(folder, "upsample a.png --quality best --upsampler bilinear").code == 2);
  write_npy(folder / "f.npy", Tensor::zeros({4, 5, 2}));
  check_refused(folder, "upsample a.png --features f.npy --quality best", "needs a backbone");
}

TEST_CASE("program: options of upsample") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(1, 100, 140).image);
  write_png(folder / "b.png", render_scene(2, 140, 100).image);
  REQUIRE(run(folder, "upsample a.png b.png -o two --upsampler bicubic").code == 0);
  CHECK(Weights(folder / "two/b.npy").read_single().shape() == Shape{320, 224, 192});
  REQUIRE(run(folder,
              "upsample a.png -o o --size 64x96 --out-size 50x70 --pca 2 --format safetensors --dtype f16 --layout chw")
              .code == 0);
  const Weights w(folder / "o/a.safetensors");
  CHECK(w.shape("features") == Shape{2, 50, 70});
  CHECK(w.entries().at("features").type == DType::f16);
  CHECK(w.metadata().at("layout") == "chw");
  Random random(1);
  const Tensor projection = random.normal({192, 5});
  write_npy(folder / "p.npy", projection);
  REQUIRE(run(folder, "upsample a.png -o q --project p.npy").code == 0);
  REQUIRE(run(folder, "upsample a.png -o q2").code == 0);
  const Tensor projected = Weights(folder / "q/a.npy").read_single(),
               whole = Weights(folder / "q2/a.npy").read_single();
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
  REQUIRE(run(folder, "upsample a.png --size 96 -o one --threads 1").code == 0);
  REQUIRE(run(folder, "upsample a.png --size 96 -o two --threads 2").code == 0);
  CHECK(slurp(folder / "one/a.npy") == slurp(folder / "two/a.npy"));
  const Tensor expected = Weights(folder / "one/a.npy").read_single();
  for (const Kernels* table : all_kernels()) {
    REQUIRE(run(folder, "upsample a.png --size 96 -o other", std::string("FU_ISA=") + table->isa).code == 0);
    CHECK(relative_error(Weights(folder / "other/a.npy").read_single(), expected) <= 1e-5);
  }
  const Outcome o = run(folder, "upsample a.png", "FU_ISA=mmx");
  CHECK(o.code == 1);
  CHECK(contains(o.err, "'mmx' is not an instruction set that this program and processor have: reference, baseline"));
}

TEST_CASE("program: an illegal instruction gets one line, and leaves nothing half-written") {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(3, 120, 120).image);
  // The signal is ignored until the program asks for it.
  const Outcome o =
      run_shell(folder, "sh -c \"trap '' ILL; '" FU_PROGRAM
                        "' upsample a.png --upsampler views:40 --quiet & p=\\$!; while kill -ILL \\$p; do "
                        "sleep 0.01; done 2>/dev/null; wait \\$p\"");
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.rfind("featup: error: the processor refused an instruction", 0) == 0);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  if (std::filesystem::exists(folder / "featup-out")) CHECK(std::filesystem::is_empty(folder / "featup-out"));
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
  check_refused(folder, "features a.png --features .", "is a folder without weights");
  check_refused(folder, "upsample a.png --backbone junk.pth", "fit none of them");
  check_refused(folder, "upsample a.png --backbone square.npy", "holds no backbone of a known family");
  check_refused(folder, "upsample a.png --backbone hog",
                "hog: is neither a file nor a backbone's name. Choices are builtin");
  check_refused(folder, "upsample a.png --upsampler square.npy", "holds no upsampler's weights");
  check_refused(folder, "upsample a.png --upsampler sharp", "'sharp' is no upsampler");
  check_refused(folder, "upsample a.png --project square.npy", "the features have 192 channels");
  check_refused(folder, "upsample a.png --pca 193", "keep at most that many");
  check_refused(folder, "upsample a.png --features wide.npy", "is not a finite number");
  check_refused(folder, "upsample a.png --size 0", "give the short side in pixels", 2);
  check_refused(folder, "upsample a.png --size 100x100", "patches are 16 pixels wide");
  check_refused(folder, "upsample a.png --out-size 5", "give height x width", 2);
  for (const char* method : {"builtin", "bicubic", "jbu-classic", "views:4", "views:4+builtin", "fit"})
    check_refused(folder, std::string("upsample a.png --out-size 65536x65536 --upsampler ") + method, "[memory]");
  check_refused(folder, "upsample a.png --max-memory 1M", "would exceed the limit");
  check_refused(folder, "upsample a.png --max-memory none", "give a number of bytes", 2);
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

TEST_CASE("program: info says what files are") {
  const TempFolder folder;
  CHECK(contains(run(folder, "info " FU_SOURCE_DIR "/tests/fixtures/nested_model_key.pth").out,
                 "PyTorch zip, 13 tensors"));
  const auto j =
      nlohmann::json::parse(run(folder, "info " FU_SOURCE_DIR "/tests/fixtures/legacy_format.pth --json").out);
  CHECK(j.at("format") == "PyTorch legacy");
  CHECK(j.at("tensors") == 13);
}

TEST_CASE("program: PyTorch's numbers, from the photo's file and the checkpoints") {
  FU_NEEDS_SHARED(shared);
  const TempFolder folder;
  const std::string models = shared + "/models/";
  const std::string common = " --backbone " + models + "deit_tiny_patch16_224.safetensors --size 224x224";
  for (const char* stack : {"clip", "maskclip"}) {
    const Outcome o = run(folder, "upsample " + shared + "/photos/chelsea.png" + common + " --upsampler " + models +
                                      stack + "_jbu_stack_cocostuff.ckpt");
    REQUIRE(o.code == 0);
    CHECK(contains(o.err,
                   "made for 512 channels; the features have 192, so its levels are used without its last mixing."));
    const Tensor result = Weights(folder / "featup-out/chelsea.npy").read_single();
    const Tensor expected = Weights(shared + "/golden_real/chelsea.safetensors")
                                .read(std::string("out.jbu_") + stack + "_first8")
                                .permute({0, 2, 3, 1});
    Tensor first({1, 224, 224, 8});
    for (Index p = 0; p < 224 * 224; ++p) std::copy_n(result.data() + p * 192, 8, first.data() + p * 8);
    CHECK(relative_error(first, expected) <= 1e-4);
  }
  // One file that holds backbone, norm, stack and mixing.
  const std::string hub = shared + "/fixtures/dino16_like_jbu.ckpt";
  REQUIRE(
      run(folder, "upsample " + shared + "/photos/coffee.png --backbone " + hub + " --upsampler " + hub + " --size 96")
          .code == 0);
  CHECK(contains(run(folder, "info " + hub).out, "norm of the backbone's features, 128 channels"));
}
