// featup convert, and --precision.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: weights are converted, described, and used") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 48, 64).image);
  const auto upsampled = [&](const std::string& arguments) {
    const Outcome o = run(folder, "upsample scene.png --size 48 --out-size 24x32 -o out --quiet " + arguments);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    return Weights(folder / "out/scene.npy").read_single();
  };
  const Tensor full = upsampled("");
  for (const std::string type : {"f32", "f16", "bf16", "int8"}) {
    CAPTURE(type);
    const Outcome o = run(folder, "convert builtin --dtype " + type + " -o " + type + ".safetensors --json");
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    const auto summary = nlohmann::json::parse(o.out);
    CHECK(summary.at("dtype") == type);
    CHECK(summary.at("outputs") == std::vector<std::string>{type + ".safetensors"});
    CHECK(summary.at("bytes").at("after") == std::filesystem::file_size(folder / (type + ".safetensors")));
    const Tensor converted = upsampled("--backbone " + type + ".safetensors");
    CHECK(same_bits(upsampled("--precision " + type), converted));
    CHECK(same_bits(converted, full) == (type == "f32" || type == "f16"));  // the library carries it as f16
    const Outcome info = run(folder, "info " + type + ".safetensors --all");
    CAPTURE(info.out);
    CHECK(contains(info.out, "backbone (--backbone " + type + ".safetensors)"));
    CHECK(contains(info.out, " MB"));
    if (type != "f32") CHECK(contains(info.out, "precision " + type + " (as the file has them)"));
    CHECK(contains(info.out, type == "int8" ? " i8 " : " " + type + " "));
  }
  REQUIRE(run(folder, "convert bf16.safetensors").code == 0);
  const Tensor widened = upsampled("--backbone featup-out/bf16-f32.safetensors"),
               narrow = upsampled("--precision bf16");
  CHECK(same_bits(widened, upsampled("--backbone bf16.safetensors --precision f32")));
  if (kernels().rounds_bf16)  // activations too, where weights are narrow
    CHECK(relative_error(widened, narrow) < .03);
  else
    CHECK(same_bits(widened, narrow));
}

TEST_CASE("program: what cannot be converted is refused in a line") {
  const TempFolder folder;
  write_safetensors(folder / "words.safetensors", {{"words", Tensor::zeros({3, 4})}});
  check_refused(folder, "convert words.safetensors --dtype int8 -o out.safetensors", "holds no backbone");
  check_refused(folder, "convert words.safetensors -o words.safetensors", "is also an input");
  check_refused(folder, "convert missing.pth -o out.safetensors", "is neither a file nor a backbone's name");
  check_refused(folder, "convert builtin --dtype int4 -o out.safetensors", "int4", 2);
  CHECK(!std::filesystem::exists(folder / "out.safetensors"));
  CHECK(run(folder, "convert words.safetensors -o out.safetensors").code == 0);
  std::filesystem::create_directories(folder / "model");
  std::filesystem::rename(folder / "words.safetensors", folder / "model/model.safetensors");
  check_refused(folder, "convert model -o model/model.safetensors", "is also an input");
}
