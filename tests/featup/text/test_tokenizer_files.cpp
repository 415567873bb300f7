// Files that are damaged, hostile, or of a kind that is not known: one clear line each.
#include <zlib.h>

#include "core/files/gzip.h"
#include "tests/featup/text/small_tokenizers.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string gzip_of(const std::string& text) { return deflated(text, MAX_WBITS + 16); }

std::string opening(const std::string& path) {
  return message_of([&] { open_tokenizer(path); });
}

/// The error of a tokenizer.json after a change; empty if it opens.
std::string changed(Json file, const std::string& pointer, const Json& value) {
  const TempFolder folder;
  file[Json::json_pointer(pointer)] = value;
  return message_of([&] { open_json(folder, file); });
}

}  // namespace

TEST_CASE("tokenizer files: what was looked for") {
  const TempFolder folder;
  CHECK(opening(folder.path()) == folder.path() +
                                      ": has none of the tokenizer's files: tokenizer.json; vocab.json and merges.txt; "
                                      "bpe_simple_vocab_16e6.txt.gz.");
  write_bytes(folder / "spiece.model", "x");
  CHECK(contains(opening(folder.path()), "Its spiece.model is not read: put tokenizer.json beside it."));
  write_bytes(folder / "vocab.json", "{}");
  CHECK(contains(opening(folder.path()), "vocab.json: the file merges.txt beside it is missing."));
  CHECK(contains(opening(folder / "nothing"), folder / "nothing"));
  write_bytes(folder / "empty", "");
  CHECK(contains(opening(folder / "empty"), folder / "empty"));
}

TEST_CASE("tokenizer files: gzip that is cut off, changed, followed by more, or a bomb") {
  const TempFolder folder;
  const std::string path = folder / "bpe_simple_vocab_16e6.txt.gz", good = gzip_of(kSmallMerges);
  write_bytes(path, good);
  CHECK(opening(folder.path()).empty());
  CHECK(open_tokenizer(path)->ids("cat", 77) == Ids{523, 513, 524});
  for (std::size_t n = 2; n < good.size(); ++n) {
    write_bytes(path, good.substr(0, n));
    REQUIRE(contains(opening(path), ".gz: is cut off or damaged: only "));
  }
  for (std::size_t i = good.size() - 8; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    write_bytes(path, bad);
    CHECK(contains(opening(path), "is cut off or damaged"));
  }
  write_bytes(path, good + "xyz");
  CHECK(contains(opening(path), ".gz: 3 bytes follow the end of the gzip."));
  write_bytes(path, gzip_of(std::string(40 << 20, 'a')));
  CHECK(contains(opening(path), ".gz: unpacks to more than 33554432 bytes."));
}

TEST_CASE("tokenizer files: merges that cannot be") {
  const TempFolder folder;
  const std::string path = folder / "merges.txt";
  const auto with = [&](const std::string& more) {
    write_bytes(path, kSmallMerges + more);
    return opening(path);
  };
  CHECK(with("\r\n\n").empty());
  CHECK(contains(with("c a\n"), "merges.txt: has the piece 'ca' twice."));
  CHECK(contains(with("c\n"), "merges.txt: line 13, 'c', is not two pieces with a space between."));
  CHECK(contains(with("a b c\n"), "line 13"));
  CHECK(contains(with(" a\n"), "line 13"));
  CHECK(contains(with("xy z\n"), "merges.txt: the vocabulary has no piece 'xy'."));
  CHECK(contains(with(std::string("\0\1\2 \xff", 5)), "merges.txt: the vocabulary has no piece '"));
  write_bytes(path, "#version: 0.2\n");
  CHECK(contains(opening(path), "holds no merges."));
  // The pair twice, where the vocabulary gives the numbers.
  write_bytes(path, kSmallMerges + "c a\n");
  write_bytes(folder / "vocab.json", clip_vocabulary(merges_of(kSmallMerges)).dump());
  CHECK(contains(opening(folder.path()), "vocab.json: has the merge 'c a' twice."));
}

TEST_CASE("tokenizer files: vocabularies with missing, double or impossible pieces") {
  const Json clip = clip_json(merges_of(kSmallMerges)), siglip = siglip_json(), gemma = siglip2_json();
  CHECK(contains(changed(clip, "/model/vocab/cat<~1w>", 512), "have the same number 512."));
  CHECK(contains(changed(clip, "/model/vocab/new", -1), "piece 'new' has the number -1, expected 0 to 1048575."));
  CHECK(contains(changed(clip, "/model/vocab/new", 1 << 30), "piece 'new' has the number 1073741824"));
  CHECK(contains(changed(clip, "/model/vocab/new", 18446744073709551615ull),
                 "'model.vocab.new' is 18446744073709551615"));
  CHECK(contains(changed(clip, "/model/vocab/new", "x"), "'model.vocab.new' is \"x\", expected an integer."));
  Json less = clip;
  less["model"]["vocab"].erase("a");
  CHECK(contains(changed(less, "/x", 0), "'model': the vocabulary has no piece 'a'."));
  CHECK(contains(changed(clip, "/model/merges/0", "c zz"), "'model': the vocabulary has no piece 'zz'."));
  CHECK(contains(changed(clip, "/model/merges/5", "c a"), "'model': has the merge 'c a' twice."));
  less = gemma;
  less["model"]["vocab"].erase("<0xAB>");
  CHECK(contains(changed(less, "/x", 0), "has no piece '<0xAB>'."));
  CHECK(contains(changed(siglip, "/model/vocab/4/0", "a"), "'model.vocab': has the piece 'a' twice."));
  CHECK(contains(changed(siglip, "/model/vocab/4/0", ""), "piece 4, '', is empty or has no finite score."));
  CHECK(contains(changed(siglip, "/model/unk_id", 11), "unk_id is 11, which is none of its 11 pieces."));
  CHECK(contains(changed(siglip, "/model/unk_id", nullptr), "'model.unk_id' is null, expected an integer."));
  CHECK(contains(changed(siglip, "/model/vocab", Json::array()), "unk_id is 2, which is none of its 0 pieces."));
  CHECK(contains(changed(gemma, "/added_tokens/0/id", 5), "is 5, but the vocabulary has 0 for '<pad>'."));
  CHECK(contains(changed(gemma, "/added_tokens/0/id", -5), "'added_tokens[0].id' is -5, expected a number from 0"));
}

TEST_CASE("tokenizer files: what is not known is refused by name") {
  const Json clip = clip_json(merges_of(kSmallMerges)), siglip = siglip_json(), gemma = siglip2_json();
  CHECK(
      contains(changed(siglip, "/normalizer/normalizers/1", {{"type", "NFKC"}}),
               "tokenizer.json: 'normalizer.normalizers[1].type' is NFKC, which is not supported; known are Sequence, "
               "Lowercase, NFC, Replace, Prepend, Strip, Precompiled."));
  CHECK(contains(changed(siglip, "/pre_tokenizer", {{"type", "Digits"}}),
                 "'pre_tokenizer.type' is Digits, which is not"));
  CHECK(contains(changed(siglip, "/pre_tokenizer/prepend_scheme", "first"), "is first, which is not supported"));
  CHECK(
      contains(changed(clip, "/pre_tokenizer/pretokenizers/0/behavior", "Contiguous"), "is Contiguous, which is not"));
  CHECK(contains(changed(clip, "/pre_tokenizer/pretokenizers/0/pattern/Regex", "(?i)a"),
                 "the regular expression '(?i)a'"));
  CHECK(contains(changed(clip, "/pre_tokenizer/pretokenizers/1/add_prefix_space", true), "expected false"));
  CHECK(contains(changed(clip, "/post_processor/type", "X"), "'post_processor.type' is X, which is not supported"));
  CHECK(contains(changed(clip, "/model/dropout", 0.1), "'model.dropout' is 0.1, expected none."));
  CHECK(contains(changed(clip, "/model/continuing_subword_prefix", "##"), "expected none."));
  CHECK(contains(changed(gemma, "/model/ignore_merges", true), "'model.ignore_merges' is true, expected false."));
  CHECK(contains(changed(siglip, "/model/byte_fallback", true), "expected false."));
  CHECK(contains(changed(clip, "/model/type", "WordPiece"), "'model' of type 'WordPiece' is none of these: CLIP's"));
  CHECK(contains(changed(clip, "/model/end_of_word_suffix", nullptr), "is none of these: CLIP's"));
  CHECK(contains(changed(gemma, "/model/byte_fallback", false), "is none of these"));
  CHECK(contains(changed(gemma, "/added_tokens/0/single_word", true), "'added_tokens[0].single_word' is true"));
  CHECK(contains(changed(gemma, "/normalizer/content", std::string(17, 'x')), "has more than 16 characters."));
  // Gemma's own file, not SigLIP 2's.
  Json own = gemma;
  own["post_processor"] = Json::parse(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<bos>"}},
    {"Sequence": {"id": "A"}}], "special_tokens": {"<bos>": {"ids": [2]}}})");
  CHECK(contains(changed(own, "/x", 0), "'post_processor' puts no end token behind a text"));
}

TEST_CASE("tokenizer files: values of a wrong type, anywhere, and files that are cut off or changed") {
  const TempFolder folder;
  Random random(5);
  for (const Json& file : {clip_json(merges_of(kSmallMerges)), siglip_json(), siglip2_json()}) {
    const Json flat = file.flatten();
    std::size_t refused = 0, i = 0;
    for (const auto& [pointer, unused] : flat.items()) {
      if (++i % 64 && pointer.rfind("/model/vocab/", 0) == 0) continue;
      for (const Json& value :
           {Json(nullptr), Json(3), Json(-1.5), Json("x"), Json::array(), Json::object(), Json(true)}) {
        const std::string message = changed(file, pointer, value);
        refused += !message.empty();
        if (!message.empty()) REQUIRE(contains(message, "tokenizer.json: "));
      }
    }
    CHECK(refused > 100);
    const std::string text = file.dump();
    for (std::size_t n = 1; n < text.size(); n += 97) {
      write_bytes(folder / "tokenizer.json", text.substr(0, n));
      REQUIRE(contains(opening(folder.path()), "is no JSON object, or is cut off or damaged."));
    }
    for (int k = 0; k < 300; ++k) {
      std::string bad = text;
      bad[usize(random.below(static_cast<Index>(text.size())))] = static_cast<char>(random.below(256));
      write_bytes(folder / "tokenizer.json", bad);
      const std::string message = message_of([&] { open_tokenizer(folder.path())->ids("a cat ab \xff", 9); });
      if (!message.empty()) REQUIRE(contains(message, "tokenizer.json: "));
    }
  }
}

TEST_CASE("tokenizer files: millions of merges, of values, of brackets") {
  const TempFolder folder;
  const std::string path = folder / "tokenizer.json";
  std::string list = "\"a b\"";
  for (int i = 0; i < 1 << 21; ++i) list += ",\"a b\"";
  Json gemma = siglip2_json();
  gemma["model"]["merges"] = "HERE";
  std::string text = gemma.dump();
  text.replace(text.find("\"HERE\""), 6, "[" + list + "]");
  write_bytes(path, text);
  CHECK(contains(opening(path), "'model.merges' has 2097153 merges, at most 2097152 are read."));
  std::string values = "{\"a\":[0";
  for (int i = 0; i < 9 << 20; ++i) values += ",0";
  write_bytes(path, values + "]}");
  CHECK(contains(opening(path), "has more than 8388608 values."));
  write_bytes(path, "{\"a\":" + std::string(1 << 20, '['));
  CHECK(contains(opening(path), "is nested more than 32 deep."));
  write_bytes(path, "{" + std::string(65 << 20, ' ') + "}");
  CHECK(contains(opening(path), "a tokenizer has at most 67108864."));
}
