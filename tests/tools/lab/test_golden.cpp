// The reference cases from PyTorch, with every instruction set.
#include "tools/lab/golden.h"

#include <filesystem>
#include <fstream>

#include "core/files/weights.h"
#include "core/ops.h"
#include "core/random.h"
#include "featup/backbones/backbone.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// `naive`: also with the reference kernels, which take a minute for a real photo. `wide`: also with the target of that
/// name, whose vectors this processor has in halves.
void check_folder(const std::string& folder, const std::string& shared, bool naive, bool wide = true) {
  for (const Kernels* table : all_kernels()) {
    if (!naive && table == all_kernels().front()) continue;
    if (!wide && table->isa == std::string("wide")) continue;
    const WithKernels use(*table);
    CAPTURE(std::string(table->isa));
    for (const std::string& path : golden_files(folder)) {
      const GoldenResult r = run_golden(path, shared);
      CAPTURE(r.name);
      CAPTURE(r.detail);
      CAPTURE(r.error);
      CHECK((r.status == GoldenResult::Status::passed || r.status == GoldenResult::Status::skipped));
    }
  }
}

}  // namespace

TEST_CASE("golden: all cases") {
  CHECK(golden_files(FU_SOURCE_DIR "/tests/golden").size() == 79);
  say_missing_kernels();
  check_folder(FU_SOURCE_DIR "/tests/golden", "", true);
}

TEST_CASE("golden: checkpoints") { check_folder(FU_SOURCE_DIR "/tests/fixtures", "", true); }

TEST_CASE("golden: photos and real weights") {
  FU_NEEDS_SHARED(shared);
  check_folder(shared + "/golden_real", shared, false);
  check_folder(shared + "/fixtures", shared, false);
}

TEST_CASE("golden: attention upsamplers") {
  FU_NEEDS_SHARED(shared);
  CHECK(golden_files(shared + "/upsamplers").size() == 11);
#if defined(FU_ADDRESS_SANITIZER)
  CHECK(run_golden(shared + "/upsamplers/anyup_random_wide.safetensors", "").status == GoldenResult::Status::passed);
#else
  check_folder(shared + "/upsamplers", "", false, false);
  for (const Kernels* table : all_kernels()) {
    if (table->isa != std::string("wide")) continue;  // forty times as slow in attention: one case of each method
    const WithKernels use(*table);
    for (const char* name : {"anyup_random_square", "jafar_vits14_bird_left", "naf_half"})
      CHECK(run_golden(shared + "/upsamplers/" + name + ".safetensors", "").status == GoldenResult::Status::passed);
  }
#endif
}

TEST_CASE("golden: backbones") {
  FU_NEEDS_SHARED(shared);
  CHECK(golden_files(shared + "/backbones").size() == 30);
#if defined(FU_ADDRESS_SANITIZER)  // minutes for each instruction set
  for (const std::string& path : golden_files(shared + "/backbones"))
    CHECK(run_golden(path, "").status == GoldenResult::Status::passed);
#else
  check_folder(shared + "/backbones", "", false);
#endif
}

TEST_CASE("golden: backbones are recognised by their names") {
  using Status = GoldenResult::Status;
  const TempFolder folder;
  Random random(2);
  const VitSizes sizes = {64, 1, 8, 2};
  std::map<std::string, Tensor> weights;
  for (const auto& [name, shape] : hf_vit(sizes)) weights[name] = random.normal(shape);
  write_safetensors(folder / "a.safetensors", weights);
  write_safetensors(folder / "other.safetensors", weights);  // nothing is expected of it: passed over
  const Tensor image = random.normal({1, 24, 16, 3});
  BackboneOptions options;
  options.norm_eps = 1e-3;
  const Tensor f = open_backbone(folder / "a.safetensors", options)->features(image);
  const auto write = [&](const std::string& name, real factor) {
    write_safetensors(folder / name,
                      {{"image.odd", image.permute({0, 3, 1, 2})},
                       {"features.odd", unary(Unary::affine, f, factor).reshape({3, 2, 64})}},
                      {{"heads", "1"}, {"eps", "1e-3"}, {"posmode", "size"}});
  };
  write("a.expected.safetensors", 1);
  write("b.expected.safetensors", 1);  // its weights are not there
  CHECK(golden_files(folder.path()) ==
        std::vector<std::string>{folder / "a.expected.safetensors", folder / "b.expected.safetensors"});
  CHECK(run_golden(folder / "a.expected.safetensors", "").status == Status::passed);
  CHECK(run_golden(folder / "b.expected.safetensors", "").status == Status::skipped);
  write("a.expected.safetensors", real(1.001));
  CHECK(run_golden(folder / "a.expected.safetensors", "").status == Status::failed);

  std::filesystem::create_directories(folder / "model");
  write_safetensors(folder / "model/model.safetensors", weights);
  std::ofstream(folder / "model/config.json") << R"({"num_attention_heads": 1, "layer_norm_eps": 1e-3})";
  const auto backbone_with = [&](const std::string& feature) { return open_backbone(folder / "model", {feature}); };
  const auto backbone = backbone_with("auto");
  write_safetensors(folder / "model/expected.safetensors",
                    {{"in.pixels", image.permute({0, 3, 1, 2})},
                     {"out.tokens", f.permute({0, 3, 1, 2})},
                     {"out.hidden1", backbone->hidden_state(image, 1)},
                     {"out.last", backbone->last_hidden_state(image)},
                     {"out.cls", backbone_with("cls")->features(image).reshape({1, 64})}});
  const GoldenResult r = run_golden(folder / "model", "");
  CAPTURE(r.detail);
  CHECK(r.status == Status::passed);
}

TEST_CASE("golden: an unknown op and a wrong number are failures") {
  const TempFolder folder;
  write_safetensors(folder / "a.safetensors", {{"in.x", Tensor::zeros({1})}}, {{"op", "no_such_op"}, {"attrs", "{}"}});
  CHECK(run_golden(folder / "a.safetensors", "").status == GoldenResult::Status::unknown);
  write_safetensors(folder / "b.safetensors", {{"in.x", Tensor::zeros({1})}, {"out.y", Tensor::full({1}, real(1.001))}},
                    {{"op", "exp"}, {"attrs", "{}"}});
  CHECK(run_golden(folder / "b.safetensors", "").status == GoldenResult::Status::failed);
  write_safetensors(folder / "c.safetensors", {{"in.x", Tensor::zeros({1})}, {"out.y", Tensor::full({2}, 1)}},
                    {{"op", "exp"}, {"attrs", "{}"}});
  CHECK(run_golden(folder / "c.safetensors", "").status == GoldenResult::Status::failed);
  // Gradients: one that is right, one that is not, and one of something that the op does not differentiate.
  const std::map<std::string, Tensor> exp_of_zero = {
      {"in.x", Tensor::zeros({1})}, {"out.y", Tensor::full({1}, 1)}, {"cot.y", Tensor::full({1}, 2)}};
  for (const real gradient : {real(2), real(2.01)}) {
    std::map<std::string, Tensor> tensors = exp_of_zero;
    tensors["grad.in.x"] = Tensor::full({1}, gradient);
    write_safetensors(folder / "d.safetensors", tensors, {{"op", "exp"}, {"attrs", "{}"}});
    const GoldenResult r = run_golden(folder / "d.safetensors", "");
    CHECK(r.gradients == 1);
    CHECK((r.status == GoldenResult::Status::passed) == (gradient == 2));
  }
  std::map<std::string, Tensor> tensors = exp_of_zero;
  tensors["grad.param.nothing"] = Tensor::full({1}, 1);
  write_safetensors(folder / "e.safetensors", tensors, {{"op", "exp"}, {"attrs", "{}"}});
  const GoldenResult r = run_golden(folder / "e.safetensors", "");
  CHECK(r.status == GoldenResult::Status::failed);
  CHECK(contains(r.detail, "no gradient for param.nothing"));
}
