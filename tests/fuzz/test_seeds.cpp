// The small valid files that fuzzing starts from, in corpus/. With FU_WRITE_SEEDS=1 in the environment they are made
// anew. Pictures and files as PyTorch writes them are copies of tests/pictures and tests/fixtures.
#include <cstdlib>
#include <filesystem>

#include "core/files/weights.h"
#include "core/random.h"
#include "featup/classes/words.h"
#include "featup/fit/fitted_map.h"
#include "featup/probes/probe.h"
#include "tests/core/file_bytes.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/featup/text/small_tokenizers.h"
#include "tests/fuzz/changes.h"
#include "tests/fuzz/fuzz.h"

using namespace fu;
using namespace fu::fuzz;

namespace {

namespace fs = std::filesystem;

Random random_numbers(3);

const std::string kCorpus = FU_SOURCE_DIR "/tests/fuzz/corpus";

void write_arrays(const std::string& folder) {
  write_npy(folder + "/npy/f32", random_numbers.normal({2, 3, 4}));
  write_npy(folder + "/npy/f16", random_numbers.normal({2, 3}), DType::f16);
  write_npy(folder + "/npy/f64", random_numbers.normal({3}), DType::f64);
  write_safetensors(folder + "/safetensors/two",
                    {{"a", random_numbers.normal({2, 3})}, {"b", random_numbers.normal({4})}}, {{"k", "v"}});
  write_safetensors(folder + "/safetensors/f16", {{"a", random_numbers.normal({2, 3})}}, {}, DType::f16);
  write_torch(folder + "/torch_zip/model", "model",
              {{"w", random_numbers.normal({2, 3})}, {"b", random_numbers.normal({3})}});
  for (const char* name : {"dtypes_and_views", "nested_model_key", "plain_state_dict"})
    fs::copy_file(cat(FU_SOURCE_DIR "/tests/fixtures/", name, ".pth"), cat(folder, "/torch_zip/", name));
  fs::copy_file(FU_SOURCE_DIR "/tests/fixtures/legacy_format.pth", folder + "/torch_legacy/legacy_format");
  const std::string array = test::read_bytes(folder + "/npy/f32");
  test::write_bytes(folder + "/npz/stored", test::zip({{"a.npy", array}, {"b.npy", array}}));
  test::write_bytes(folder + "/npz/deflated", test::zip({{"a.npy", array}}, 8));
  test::write_bytes(
      folder + "/shard_index/two",
      R"({"metadata": {"total_size": 8}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})");
  const std::string sides = "\x02\x02";
  const std::string map = folder + "/features/map";
  write_npy(map, random_numbers.normal({2, 2, 8}));
  test::write_bytes(map, sides + test::read_bytes(map));
  test::write_bytes(folder + "/features/not_a_map", sides + test::read_bytes(folder + "/npy/f32"));
}

void write_pictures(const std::string& folder) {
  for (const char* name : {"alpha.png", "deep.png", "grey.pgm", "palette.png", "rgb.bmp", "rgb.ppm", "rgb.tga",
                           "cmyk.jpg", "orientation_6.jpg"})
    fs::copy_file(cat(FU_SOURCE_DIR "/tests/pictures/", name), cat(folder, "/picture/", name));
  fs::copy_file(FU_SOURCE_DIR "/tests/pictures/orientation_6.jpg", folder + "/exif/orientation_6.jpg");
  test::write_bytes(folder + "/picture/bits.pbm", "P4\n9 2\n\x55\x80\xaa\x00");
}

void write_models(const std::string& folder) {
  FittedMap fit;
  fit.photo = {4, 6, std::vector<unsigned char>(4 * 6 * 3, 90)};
  fit.low = random_numbers.normal({1, 2, 3, 4});
  fit.pca.components = random_numbers.normal({2, 4});
  fit.pca.mean = random_numbers.normal({4});
  fit.grid = random_numbers.normal({1, 2, 3, 2});
  fit.extra = {{"history", Tensor::from({1, 4}, {10, 0, 0.5f, 0.25f})}};
  fit.settings = {{"explained", "0.75"}, {"views", "20"}, {"steps", "5"}, {"seconds", "1.5"}};
  fit.save(folder + "/fitted_map/grid");
  fit.network_options.frequencies = 1;
  fit.network = std::make_shared<ImplicitNetwork>(fit.network_options, 2, &random_numbers);
  fit.save(folder + "/fitted_map/network");

  std::map<std::string, Tensor> level;
  const std::string p = "upsampler.up1.";
  level[p + "range_temp"] = Tensor::full(Shape{}, real(0.3));
  level[p + "sigma_spatial"] = Tensor::full(Shape{}, real(0.8));
  level[p + "range_proj.0.weight"] = random_numbers.normal({4, 3, 1, 1});
  level[p + "range_proj.0.bias"] = random_numbers.normal({4});
  level[p + "range_proj.3.weight"] = random_numbers.normal({4, 4, 1, 1});
  level[p + "range_proj.3.bias"] = random_numbers.normal({4});
  level[p + "fixup_proj.0.weight"] = random_numbers.normal({49, 52, 1, 1});
  level[p + "fixup_proj.0.bias"] = random_numbers.normal({49});
  level[p + "fixup_proj.3.weight"] = random_numbers.normal({49, 49, 1, 1});
  level[p + "fixup_proj.3.bias"] = random_numbers.normal({49});
  write_safetensors(folder + "/upsampler/stack", level);

  test::VitSizes sizes;
  sizes.dim = 64, sizes.depth = 1, sizes.patch = 8, sizes.grid = 2, sizes.hidden = 8;
  test::write_random(folder + "/backbone/vit", test::original_vit(sizes));

  Probe probe;
  probe.weight = random_numbers.normal({2, 4});
  probe.bias = random_numbers.normal({2});
  probe.names = {"road", "sky"};
  probe.backbone = "a backbone";
  probe.channels = 4;
  write_probe(folder + "/probe/classes", probe);
  write_safetensors(folder + "/words/matrix", {{"words", random_numbers.normal({8, 2})}});
}

void write_texts(const std::string& folder) {
  test::write_bytes(folder + "/model_config/vit",
                    R"({"model_type": "vit", "hidden_size": 64, "num_attention_heads": 1, "layer_norm_eps": 1e-6, )"
                    R"("hidden_act": "gelu", "id2label": {"0": "cat", "1": "dog"}})");
  test::write_bytes(folder + "/model_config/timm", R"({"architecture": "vit_small_patch16_224", "pretrained_cfg": )"
                                                   R"({"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}})");
  test::write_bytes(folder + "/tokenizer/json", "\x01" + test::clip_json(test::merges_of(test::kSmallMerges)).dump());
  test::write_bytes(folder + "/tokenizer/merges", std::string("\x02#version: 0.2\n") + test::kSmallMerges);
  test::write_bytes(folder + "/command_line/upsample",
                    "upsample\nphoto.png\n--size\n224\n--upsampler\nbuiltin\n-o\nout");
  test::write_bytes(folder + "/command_line/fit", "fit\nphoto.png\n--views=80\n--quality\nbest\n--max-memory\n200M");
  test::write_bytes(folder + "/command_line/eval", "eval\nprobe\nphotos\n--labels\nlabels\n--fine\n--seed\n3");
  test::write_bytes(folder + "/command_line/wrong", "upsampel\n--siz\n-1\n--out-size\n12x");
  test::write_bytes(folder + "/c_interface/upsample",
                    std::string("\x01\x20\x18\x01\x64\x00\x00\x18\x00\x01\x00\x00\x00\x00", 14));
  test::write_bytes(folder + "/c_interface/features",
                    std::string("\x01\x20\x18\x01\x64\x01\x01\x02\x02\x08\x05\x18\x00\x01\x10\x10\x01\x00\x02", 19));
  test::write_bytes(folder + "/c_interface/probe",
                    std::string("\x04\x02", 2) + test::read_bytes(folder + "/probe/classes"));
}

void write_requests(const std::string& folder) {
  const auto write = [&](const char* name, const std::string& head, const std::string& body) {
    test::write_bytes(folder + "/http/" + name, head + "\n" + body);
  };
  const std::string picture = test::read_bytes(FU_SOURCE_DIR "/tests/pictures/rgb.png"),
                    grey = "P5\n32 16\n255\n" + std::string(32 * 16, 'x');
  write("upsample", "POST /v1/upsample?out-size=24x40&pca=3&dtype=f16&layout=chw\nlocalhost:8080\nimage/png\n*/*",
        picture);
  write("features", "POST /v1/features?size=16&format=json\n127.0.0.1\n\napplication/json", grey);
  write("own_size", "POST /v1/upsample?size=own\n[::1]:80\napplication/octet-stream\n", grey);
  write("health", "GET /health\nlocalhost\n\n", "");
  write("metrics", "HEAD /metrics\nlocalhost\n\n", "");
  write("refused", "POST /v1/upsample?size=0x\nexample.org\ntext/plain\n", "no picture");
}

}  // namespace

TEST_CASE("fuzz: seeds are made anew where that is asked for") {
  if (!std::getenv("FU_WRITE_SEEDS")) return;
  for (const Target& target : targets()) {
    const fs::path folder = kCorpus + "/" + target.name;
    fs::create_directories(folder);
    for (const auto& file : fs::directory_iterator(folder))
      if (file.path().filename().string().rfind("found-", 0) != 0) fs::remove(file.path());
  }
  write_arrays(kCorpus);
  write_pictures(kCorpus);
  write_models(kCorpus);
  write_texts(kCorpus);
  write_requests(kCorpus);
}

TEST_CASE("fuzz: every target ends well with its seeds, and with changed copies of them") {
  for (const Target& target : targets()) {
    CAPTURE(std::string(target.name));
    const std::vector<Bytes> seeds = read_folder(kCorpus + "/" + target.name);
    CHECK(!seeds.empty());
    run_changed(target, seeds, 300);
  }
  set_memory_limit(0);
  set_cache_limit(kNoCacheLimit);
  set_threads(0);
}

TEST_CASE("fuzz: sums are right again after a repair") {
  std::string zip = test::zip({{"a.npy", "some bytes"}});
  const std::string before = zip;
  zip[zip.find("some bytes")] = 'S';
  const std::string broken = zip;
  repair(Repair::zip_sums, reinterpret_cast<unsigned char*>(zip.data()), zip.size());
  CHECK(zip != broken);
  CHECK(zip == test::zip({{"a.npy", "Some bytes"}}));
  std::string png = test::read_bytes(FU_SOURCE_DIR "/tests/pictures/rgb.png");
  const std::string good = png;
  png[29] = static_cast<char>(png[29] ^ 1);  // of the first chunk's sum
  repair(Repair::png_sums, reinterpret_cast<unsigned char*>(png.data()), png.size());
  CHECK(png == good);
  std::string tensors = test::safetensors("{}");
  tensors[6] = 1;
  repair(Repair::safetensors_length, reinterpret_cast<unsigned char*>(tensors.data()), tensors.size());
  CHECK(tensors == test::safetensors("{}"));
}
