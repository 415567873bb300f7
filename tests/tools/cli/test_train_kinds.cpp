// Training of the upsamplers that attend from pixels to cells, as users run it.
#include <nlohmann/json.hpp>

#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: training AnyUp and NAF, killed and resumed, gives the same bits; what it writes is an upsampler") {
  const TempFolder folder;
  write_scenes(folder, 6, 80, 96);
  struct Training {
    const char *kind, *loss;
  };
  for (const Training& t :
       {Training{"anyup", "--loss crops --crops 2"}, Training{"naf", "--jitters 2 --kernel 8 --crf-samples 50"}}) {
    CAPTURE(t.kind);
    const std::string options =
        std::string("train photos --size 64 --steps 24 --batch 2 --upscale 2 --kind ") + t.kind + " " + t.loss + " ";
    const Outcome whole = run(folder, options + "--threads 1 --json -o whole.safetensors --export only.safetensors");
    CAPTURE(whole.err);
    REQUIRE(whole.code == 0);
    const auto summary = nlohmann::json::parse(whole.out);
    CHECK(summary.at("kind") == t.kind);
    CHECK(summary.at("steps") == 24);
    CHECK(summary.at("explained_variance").is_number());
    kill_a_training(folder, options + "-o killed.safetensors", "killed.safetensors", 24);
    const Outcome resumed = run(folder, options + "--threads 2 --quiet -o killed.safetensors --resume");
    CAPTURE(resumed.err);
    REQUIRE(resumed.code == 0);
    check_same_tensors(folder / "whole.safetensors", folder / "killed.safetensors");
    // The checkpoint and its export are one upsampler.
    for (const char* file : {"whole", "only"}) {
      const Outcome up = run(folder, std::string("upsample photos/0.png --size 64 --quiet -o ") + file +
                                         " --upsampler " + file + ".safetensors");
      CAPTURE(up.err);
      REQUIRE(up.code == 0);
    }
    CHECK(slurp(folder / "whole/0.npy") == slurp(folder / "only/0.npy"));
    const Outcome info = run(folder, "info whole.safetensors");
    CHECK(contains(info.out, "upsampler (--upsampler whole.safetensors)"));
    CHECK(!contains(info.out, "unusable"));
    // A training goes on from another's weights, of the same kind alone.
    const std::string start = options + "-o next.safetensors --init only.safetensors ";
    const Outcome next = run(folder, start + "--quiet --time-budget 0.1");
    CAPTURE(next.err);
    CHECK(next.code == 0);
    check_refused(folder, options + "-o next.safetensors --resume", "other settings");
    const Outcome on = run(folder, start + "--quiet --resume --time-budget 0.1");
    CAPTURE(on.err);
    CHECK(on.code == 0);
    check_refused(folder, "train photos --kind jafar -o x.safetensors --init only.safetensors",
                  std::string("holds an upsampler of the kind ") + t.kind + ", not jafar");
    for (const char* file : {"whole", "only", "killed", "next"})
      std::filesystem::remove(folder / (std::string(file) + ".safetensors"));
  }
}

TEST_CASE("program: an option of training that has no meaning for the kind or the loss is refused") {
  const TempFolder folder;
  write_scenes(folder, 1, 80, 96);
  const std::string train = "train photos --size 64 -o x.safetensors ";
  check_refused(folder, train + "--kind naf --levels 3", "--levels is for --kind jbu, and that is naf here");
  check_refused(folder, train + "--kind naf --no-mixing", "--no-mixing is for --kind jbu");
  check_refused(folder, train + "--kind anyup --compat published", "--compat is for --kind jbu");
  check_refused(folder, train + "--upscale 4", "--upscale is for --kind anyup, jafar, naf, and that is jbu here");
  check_refused(folder, train + "--crops 3", "--crops is for --loss crops, and that is views here");
  check_refused(folder, train + "--loss crops --crf 0.1", "--crf is for --loss views, and that is crops here");
  check_refused(folder, train + "--kind naf --export x.ckpt", "PyTorch's files are for --kind jbu");
  check_refused(folder, train + "--init builtin", "has no mixing of channels at its end");
  CHECK(contains(run(folder, "train --help").out, "pixels of the map for each cell of the features"));
}
