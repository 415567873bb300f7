// Words from the command line to scores of a photo.
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "tests/featup/text/small_clip.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("program: words become a matrix, and a photo's scores") {
  const TempFolder folder;
  write_png(folder / "scene.png", render_scene(2, 48, 64).image);
  write_small_clip(folder / "clip");
  const Outcome o =
      run(folder, "text 'cat, the dog ,photo' --backbone clip --templates one -o words.safetensors --json");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  const auto summary = nlohmann::json::parse(o.out);
  CHECK(summary.at("words") == std::vector<std::string>{"cat", "the dog", "photo"});
  CHECK(summary.at("channels") == 24);
  const Weights words(folder / "words.safetensors");
  const Tensor matrix = words.read("words");
  REQUIRE(matrix.shape() == Shape{24, 3});
  CHECK(words.metadata().at("words") == "cat\nthe dog\nphoto");
  for (Index k = 0; k < 3; ++k) {
    double square = 0;
    for (Index c = 0; c < 24; ++c) square += std::pow(double(matrix.data()[c * 3 + k]), 2);
    CHECK(square == doctest::Approx(1));
  }
  const Outcome up = run(folder, "upsample scene.png --backbone clip --size 48 --project words.safetensors --quiet");
  CAPTURE(up.err);
  REQUIRE(up.code == 0);
  CHECK(Weights(folder / "featup-out/scene.npy").read_single().dim(2) == 3);
  // The same words from a file, in a template of one's own; a sentence that is too long is told.
  write_bytes(folder / "list.txt", "cat\nthe dog\n\nphoto\n");
  write_bytes(folder / "mine.txt", "a photo of a {}.\n");
  REQUIRE(run(folder, "text --words list.txt --backbone clip --templates mine.txt -o again.safetensors --quiet").code ==
          0);
  CHECK(same_bits(Weights(folder / "again.safetensors").read("words"), matrix));
  REQUIRE(run(folder, "text --words list.txt --backbone clip --templates one -o again.npy --quiet").code == 0);
  CHECK(same_bits(Weights(folder / "again.npy").read_single(), matrix));
  CHECK(contains(run(folder, "text 'cat dog cat dog cat dog cat dog cat dog' --backbone clip -o long.safetensors").err,
                 "is longer than the encoder takes"));

  check_refused(folder, "text ' , ' --backbone clip", "has no words in it");
  check_refused(folder, "text cat --words list.txt --backbone clip", "Give one of", 2);
  check_refused(folder, "text cat --backbone clip --templates list.txt", "has no {} for the word");
  check_refused(folder, "text cat --backbone words.safetensors", "holds no text encoder of CLIP or SigLIP");
  std::filesystem::create_directories(folder / "small");
  write_random(folder / "small/model.safetensors", small_clip(500));
  check_refused(folder, "text cat --backbone small --tokenizer clip", "is of another model");
  check_refused(folder, "text cat --backbone small", "has none of the tokenizer's files");
}
