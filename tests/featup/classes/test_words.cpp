// Vectors of words in files: those made elsewhere, and those that are kept beside the weights.
#include <fstream>

#include "core/files/weights.h"
#include "featup/classes/words.h"
#include "tests/featup/text/small_clip.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("words: embeddings made elsewhere are read in either order, and brought to length 1") {
  const TempFolder folder;
  Random random(1);
  const Tensor m = random.normal({6, 3});
  write_npy(folder / "ck.npy", m);
  write_npy(folder / "kc.npy", m.permute({1, 0}).clone());
  const Words words = read_words(folder / "ck.npy", 6);
  CHECK(words.names == std::vector<std::string>{"0", "1", "2"});
  CHECK(words.score.scale == 100);
  CHECK(!words.score.sigmoid);
  CHECK(same_bits(read_words(folder / "kc.npy", 6).matrix, words.matrix));
  double square = 0, length = 0;
  for (Index c = 0; c < 6; ++c) {
    square += std::pow(static_cast<double>(words.matrix.data()[3 * c + 2]), 2);
    length += std::pow(static_cast<double>(m.data()[3 * c + 2]), 2);
  }
  CHECK(square == doctest::Approx(1));
  CHECK(static_cast<double>(words.matrix.data()[2]) ==
        doctest::Approx(static_cast<double>(m.data()[2]) / std::sqrt(length)).epsilon(1e-5));
  CHECK(contains(message_of([&] { read_words(folder / "ck.npy", 5); }), "expected (5,words) or (words,5)"));
  Tensor with_zeros = m.clone();
  for (Index c = 0; c < 6; ++c) with_zeros.data()[3 * c] = 0;
  write_npy(folder / "zero.npy", with_zeros);
  CHECK(contains(message_of([&] { read_words(folder / "zero.npy", 6); }), "the vector of word 0 is zero"));
  write_safetensors(folder / "names.safetensors", {{"words", m}}, {{"words", "a\nb"}});
  CHECK(contains(message_of([&] { read_words(folder / "names.safetensors", 6); }), "names 2 words, and has 3 vectors"));
  write_safetensors(folder / "scale.safetensors", {{"words", m}}, {{"scale", "many"}});
  CHECK(contains(message_of([&] { read_words(folder / "scale.safetensors", 6); }), "its 'scale' is 'many'"));
}

TEST_CASE("words: what was encoded once is kept beside the weights") {
  const TempFolder folder;
  write_small_clip(folder / "clip");
  const WordSource source{folder / "clip", "", prompt_templates("one"), {}};
  const std::string kept = kept_words_path(folder / "clip");
  CHECK(kept == folder / "clip/featup-words.safetensors");
  Index encoded = -1;
  const Words first = encode_or_recall(source, {"cat", "the dog"}, true, nullptr, &encoded);
  CHECK(encoded == 2);
  CHECK(std::filesystem::exists(kept));
  // Again, in another order and with a new word; the old ones keep their bits.
  const Words again = encode_or_recall(source, {"photo", "the dog", "cat", "cat"}, true, nullptr, &encoded);
  CHECK(encoded == 1);
  CHECK(again.names == std::vector<std::string>{"photo", "the dog", "cat", "cat"});
  for (Index c = 0; c < 24; ++c) {
    CHECK(again.matrix.data()[4 * c + 2] == first.matrix.data()[2 * c]);
    CHECK(again.matrix.data()[4 * c + 1] == first.matrix.data()[2 * c + 1]);
  }
  const Words all = encode_or_recall(source, {"cat", "photo", "the dog"}, true, nullptr, &encoded);
  CHECK(encoded == 0);
  CHECK(all.score.scale == first.score.scale);
  CHECK(all.encoder == first.encoder);
  // Other sentences are other vectors; so are other weights.
  WordSource other = source;
  other.templates = {"{}"};
  const Words bare = encode_or_recall(other, {"cat"}, true, nullptr, &encoded);
  CHECK(encoded == 1);
  CHECK(bare.matrix.data()[0] != first.matrix.data()[0]);
  std::filesystem::last_write_time(
      folder / "clip/model.safetensors",
      std::filesystem::last_write_time(folder / "clip/model.safetensors") + std::chrono::seconds(5));
  encode_or_recall(other, {"cat"}, true, nullptr, &encoded);
  CHECK(encoded == 1);
  // A damaged file is made anew; without leave it is neither read nor written.
  std::ofstream(kept) << "damaged";
  CHECK(same_bits(encode_or_recall(source, {"cat"}, true, nullptr, &encoded).matrix.reshape({24}),
                  first.matrix.permute({1, 0}).slice(0, 1).clone().reshape({24})));
  CHECK(encoded == 1);
  std::filesystem::remove(kept);
  encode_or_recall(source, {"cat"}, false, nullptr, &encoded);
  CHECK(!std::filesystem::exists(kept));
}
