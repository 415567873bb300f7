// Text to numbers, compared with the original code's where ../shared is there, with small vocabularies otherwise.
#include "core/files/gzip.h"
#include "tests/featup/text/small_tokenizers.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("tokenizers: CLIP's reference texts, from each kind of file") {
  FU_NEEDS_SHARED(shared);
  const std::string packed = shared + "/backbones/bpe_simple_vocab_16e6.txt.gz";
  const Json vectors = Json::parse(read_bytes(shared + "/backbones/bpe_vectors.json"));
  const std::string text = gunzip(MappedFile(packed), 1 << 25);
  const Merges::Pairs merges = merges_of(text, 48894);
  const TempFolder simple, pair, strings, pairs;
  write_bytes(simple / "bpe_simple_vocab_16e6.txt", text);
  write_bytes(pair / "vocab.json", clip_vocabulary(merges).dump());
  std::string lines = "#version: 0.2\n";
  for (const auto& [left, right] : merges) lines += left + " " + right + "\n";
  write_bytes(pair / "merges.txt", lines);
  write_bytes(strings / "tokenizer.json", clip_json(merges).dump());
  write_bytes(pairs / "tokenizer.json", clip_json(merges, true).dump());
  for (const std::string& path : {packed, simple.path(), pair.path(), strings.path(), pairs.path()}) {
    CAPTURE(path);
    const auto tokenizer = open_tokenizer(path);
    CHECK(tokenizer->pieces() == 49408);
    CHECK(tokenizer->padding() == -1);
    REQUIRE(vectors.size() >= 15);
    for (const auto& vector : vectors.items()) {
      CAPTURE(vector.key());
      CHECK(tokenizer->ids(vector.key(), 77) == vector.value().get<Ids>());
    }
  }
  CHECK(open_tokenizer(pair.path())->describe() ==
        "CLIP's byte-pair encoding, 49408 pieces, from vocab.json and merges.txt");
}

TEST_CASE("tokenizers: CLIP's rules with eleven merges") {
  const TempFolder merges, pair, json;
  write_bytes(merges / "bpe_simple_vocab_16e6.txt", kSmallMerges);
  write_bytes(pair / "merges.txt", kSmallMerges);
  write_bytes(pair / "vocab.json", clip_vocabulary(merges_of(kSmallMerges)).dump());
  write_bytes(json / "tokenizer.json", clip_json(merges_of(kSmallMerges)).dump());
  for (const std::string& path : {merges.path(), pair.path(), json.path(), pair / "merges.txt", pair / "vocab.json"}) {
    CAPTURE(path);
    const auto clip = open_tokenizer(path);
    CHECK(clip->pieces() == 525);
    CHECK(clip->ids("", 77) == Ids{523, 524});
    CHECK(clip->ids(" \t\n\xc2\xa0 ", 77) == Ids{523, 524});
    // A letter is its byte - 33, and 256 more at the end of a word.
    CHECK(clip->ids("A  cat, the&#32;DOG's", 77) == Ids{523, 320, 513, 267, 517, 515, 522, 524});
    CHECK(clip->ids("photo 12", 77) == Ids{523, 521, 272, 273, 524});
    CHECK(clip->ids("\xe2\x80\x99s 'S", 77) == Ids{523, 522, 522, 524});  // a curly apostrophe
    CHECK(clip->ids("\xc3\xa9", 77) == Ids{523, 127, 358, 524});
    CHECK(clip->ids("e\xcc\x81", 77) == Ids{523, 127, 358, 524});
    CHECK(clip->ids("cat &amp;lt; &amp &nosuch;", 77).size() == 13);
    CHECK(clip->ids("cat<|endoftext|>dog", 77) == Ids{523, 513, 524, 515, 524});
    CHECK(clip->ids(std::string("c\0a\1t", 5), 77) == Ids{523, 513, 524});
    CHECK(clip->ids("\xff", 77) == clip->ids("\xef\xbf\xbd", 77));
  }
}

TEST_CASE("tokenizers: a text that is too long is cut before the end token") {
  const TempFolder folder;
  write_bytes(folder / "merges.txt", kSmallMerges);
  const auto clip = open_tokenizer(folder / "merges.txt");
  bool cut = true;
  CHECK(clip->ids("the cat the dog", 6, &cut) == Ids{523, 517, 513, 517, 515, 524});
  CHECK(!cut);
  CHECK(clip->ids("the cat the dog", 5, &cut) == Ids{523, 517, 513, 517, 524});
  CHECK(cut);
  CHECK(clip->ids("the cat", 2, &cut) == Ids{523, 524});
  CHECK(cut);
  CHECK(contains(message_of([&] { clip->ids("cat", 1); }), "[tokenizer] length 1 is not within 2 (start and end) and"));
  CHECK(contains(message_of([&] { clip->ids("cat", Index{1} << 40); }), "[tokenizer] length"));
  CHECK(contains(message_of([&] { clip->ids(std::string((1 << 24) + 1, 'a'), 77); }),
                 "the text has 16777217 bytes, at most 16777216 are read."));
}

TEST_CASE("tokenizers: SigLIP's unigrams take the most probable cut") {
  const TempFolder folder;
  const auto siglip = open_json(folder, siglip_json());
  CHECK(siglip->describe() == "SigLIP's unigram model, 11 pieces, from tokenizer.json");
  CHECK(siglip->pieces() == 11);
  CHECK(siglip->padding() == 1);
  CHECK(siglip->ids("", 64) == Ids{1});
  CHECK(siglip->ids("?!", 64) == Ids{1});
  CHECK(siglip->ids("ab c", 64) == Ids{8, 3, 9, 1});
  CHECK(siglip->ids("abc", 64) == Ids{4, 10, 1});
  CHECK(siglip->ids(" A.B!\t a", 64) == Ids{8, 4, 1});
  CHECK(siglip->ids("zz a", 64) == Ids{3, 2, 4, 1});  // unknown characters in a row are one
  CHECK(siglip->ids("a </s> ab", 64) == Ids{4, 1, 8, 1});
  bool cut = false;
  CHECK(siglip->ids("a a a a", 3, &cut) == Ids{4, 4, 1});
  CHECK(cut);
  // Where the file does not say how text is cleaned, it is done all the same.
  Json bare = siglip_json();
  bare["normalizer"] = nullptr;
  CHECK(open_json(folder, bare)->ids(" A.B!\t a", 64) == Ids{8, 4, 1});
  write_bytes(folder / "tokenizer_config.json", R"({"pad_token": {"content": "<pad>"}})");
  CHECK(open_tokenizer(folder.path())->padding() == 0);
}

TEST_CASE("tokenizers: SigLIP 2's characters fall back to bytes") {
  const TempFolder folder;
  const auto gemma = open_json(folder, siglip2_json());
  CHECK(gemma->describe() == "SigLIP 2's byte-pair encoding, 266 pieces, from tokenizer.json");
  CHECK(gemma->pieces() == 267);  // one token was added
  CHECK(gemma->padding() == 0);
  CHECK(gemma->ids("", 64) == Ids{1});
  CHECK(gemma->ids("AB ab", 64) == Ids{263, 265, 1});
  CHECK(gemma->ids("a  a", 64) == Ids{261, 260, 264, 1});
  CHECK(gemma->ids(" a", 64) == Ids{264, 1});
  CHECK(gemma->ids("\xc3\x89", 64) == Ids{4 + 0xc3, 4 + 0xa9, 1});  // in lower case
  CHECK(gemma->ids(std::string("a\0b", 3), 64) == Ids{261, 4, 262, 1});
  CHECK(gemma->ids("a\n\nb<pad>", 64) == Ids{261, 266, 262, 0, 1});
  CHECK(gemma->ids("abab", 2) == Ids{263, 1});
}

namespace {

/// OpenAI's loop, as the definition: all pairs of the lowest rank, from left to right, until none is known.
std::vector<std::string> merged_ref(std::vector<std::string> word, const Merges::Pairs& ranks) {
  for (;;) {
    std::size_t best = ranks.size();
    for (std::size_t i = 0; i + 1 < word.size(); ++i)
      for (std::size_t r = 0; r < best; ++r)
        if (ranks[r].first == word[i] && ranks[r].second == word[i + 1]) best = r;
    if (best == ranks.size()) return word;
    std::vector<std::string> next;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool pair = i + 1 < word.size() && ranks[best].first == word[i] && ranks[best].second == word[i + 1];
      next.push_back(pair ? word[i] + word[i + 1] : word[i]);
      i += pair;
    }
    word = next;
  }
}

}  // namespace

TEST_CASE("tokenizers: merges equal their definition, in any order of ranks") {
  Random random(7);
  const auto below = [&](std::size_t n) { return usize(random.below(static_cast<Index>(n))); };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> known = {"a", "b", "c"};
    Merges::Pairs ranks;
    for (int i = 0; i < 25; ++i) {
      const std::string left = known[below(known.size())], right = known[below(known.size())];
      if (std::find(known.begin(), known.end(), left + right) != known.end()) continue;
      ranks.emplace_back(left, right);
      known.push_back(left + right);
    }
    for (std::size_t i = ranks.size(); i > 1; --i) std::swap(ranks[i - 1], ranks[below(i)]);
    Vocabulary vocabulary;
    for (const std::string& piece : known) vocabulary.add(piece, static_cast<Index>(vocabulary.size()), "test");
    const Merges merges(vocabulary, ranks, MergeOrder::rounds, "test");
    std::vector<std::string> word;
    std::vector<Symbol> symbols;
    for (std::size_t n = below(60); n > 0; --n) {
      word.push_back(known[below(3)]);
      symbols.push_back(vocabulary.find(word.back()));
    }
    Ids ids, wanted;
    for (const std::string& piece : merged_ref(word, ranks)) wanted.push_back(vocabulary.find(piece));
    merges.apply(symbols, 1000, ids);
    REQUIRE(ids == wanted);
  }
}

TEST_CASE("tokenizers: the first pieces of a long text are those of the whole") {
  const TempFolder clip_folder, siglip_folder, gemma_folder;
  write_bytes(clip_folder / "bpe_simple_vocab_16e6.txt", kSmallMerges);
  const auto clip = open_tokenizer(clip_folder.path());
  const auto siglip = open_json(siglip_folder, siglip_json()), gemma = open_json(gemma_folder, siglip2_json());
  Random random(3);
  std::string text;
  while (text.size() < 200000) text += "abcaba the  cat."[usize(random.below(16))];
  for (const Tokenizer* tokenizer : {clip.get(), siglip.get(), gemma.get()}) {
    for (const std::string& one : {text, std::string(200000, 'a'), std::string(200000, '\xff')}) {
      bool cut = true;
      Ids all = tokenizer->ids(one, Index{1} << 20, &cut);
      CHECK(!cut);
      Ids some = tokenizer->ids(one, 77, &cut);
      CHECK(cut == (all.size() > 77));
      const std::size_t same = std::min<std::size_t>(all.size(), 77) - 1;
      CHECK(std::equal(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(same), all.begin()));
      CHECK(some.back() == all.back());
    }
  }
}
