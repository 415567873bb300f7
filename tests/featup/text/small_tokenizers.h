// Tokenizers of a few pieces, one of each kind, as texts of their files.
#pragma once

#include <nlohmann/json.hpp>

#include "core/files/mapped_file.h"
#include "featup/text/byte_pair_models.h"
#include "featup/text/tokenizer.h"
#include "featup/text/unicode.h"
#include "tests/core/file_bytes.h"

namespace fu::test {

using Json = nlohmann::json;
using Ids = std::vector<Index>;

/// Merge r is piece 512 + r; start and end are 523 and 524.
inline const std::string kSmallMerges =
    "#version: 0.2\nc a\nca t</w>\nd o\ndo g</w>\nt h\nth e</w>\np h\no t\nph ot\nphot o</w>\n' s</w>\n";

/// Lines of a merges file as pairs, without its comment, at most `most`.
inline Merges::Pairs merges_of(const std::string& text, std::size_t most = 100000) {
  Merges::Pairs pairs;
  std::istringstream in(text.substr(text.find('\n') + 1));
  for (std::string left, right; pairs.size() < most && in >> left >> right;) pairs.emplace_back(left, right);
  return pairs;
}

/// vocab.json as CLIP's numbers follow from the merges.
inline Json clip_vocabulary(const Merges::Pairs& merges) {
  Json vocabulary = Json::object();
  Index next = 0;
  for (const char* suffix : {"", kWordEnd})
    for (const unsigned char byte : bytes_in_order()) {
      std::string piece;
      append_utf8(character_of_byte(byte), piece);
      vocabulary[piece + suffix] = next++;
    }
  for (const auto& [left, right] : merges) vocabulary[left + right] = next++;
  vocabulary["<|startoftext|>"] = next++;
  vocabulary["<|endoftext|>"] = next;
  return vocabulary;
}

inline Json special(Index id, const std::string& text, bool normalized = false) {
  return {{"id", id},        {"content", text},          {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", normalized}, {"special", true}};
}

/// As Hugging Face writes CLIP's; its merges as "a b", or as pairs.
inline Json clip_json(const Merges::Pairs& merges, bool as_pairs = false) {
  const Json vocabulary = clip_vocabulary(merges);
  const Index start = vocabulary["<|startoftext|>"], end = vocabulary["<|endoftext|>"];
  Json list = Json::array();
  for (const auto& [left, right] : merges) list.push_back(as_pairs ? Json{left, right} : Json(left + " " + right));
  Json file = Json::parse(R"({"version": "1.0", "truncation": null, "padding": null,
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
      {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Removed", "invert": true,
      "pattern": {"Regex": "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"}},
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}]},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
      "end_of_word_suffix": "</w>", "fuse_unk": false}})");
  file["added_tokens"] = {special(start, "<|startoftext|>", true), special(end, "<|endoftext|>")};
  file["post_processor"] = {
      {"type", "RobertaProcessing"}, {"sep", {"<|endoftext|>", end}}, {"cls", {"<|startoftext|>", start}}};
  file["model"]["vocab"] = vocabulary;
  file["model"]["merges"] = list;
  return file;
}

/// SigLIP's: pieces and scores of which the most probable cut is easily found by hand.
inline Json siglip_json() {
  return Json::parse(R"({"truncation": null, "padding": null,
    "added_tokens": [{"id": 1, "content": "</s>", "single_word": false, "lstrip": true, "rstrip": true,
      "normalized": false, "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"},
      {"type": "Replace", "pattern":
        {"Regex": "[!\"\\#\\$%\\&'\\(\\)\\*\\+,\\-\\./:;<=>\\?@\\[\\\\\\]\\^_`\\{\\|\\}\\~]"},
       "content": ""},
      {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
      {"type": "Strip", "strip_left": true, "strip_right": true}]},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "prepend_scheme": "always"},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
      "pair": [], "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
    "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": [["<pad>", 0], ["</s>", 0], ["<unk>", 0],
      ["▁", -3], ["▁a", -2], ["a", -4], ["b", -4], ["ab", -5], ["▁ab", -4.5], ["c", -6], ["bc", -3]]}})");
}

/// SigLIP 2's: bytes are 4 to 259.
inline Json siglip2_json() {
  Json file = Json::parse(R"({"padding": null, "added_tokens": [],
    "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
      "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
      "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true,
      "vocab": {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "▁": 260, "a": 261, "b": 262, "ab": 263, "▁a": 264,
        "▁ab": 265}, "merges": ["a b", "▁ ab", "▁ a"]}})");
  for (Index b = 0; b < 256; ++b) {
    char piece[8];
    std::snprintf(piece, sizeof piece, "<0x%02X>", static_cast<unsigned>(b));
    file["model"]["vocab"][piece] = 4 + b;
  }
  const char* names[] = {"<pad>", "<eos>", "<bos>", "<unk>"};
  for (Index i = 0; i < 4; ++i) file["added_tokens"].push_back(special(i, names[i]));
  file["added_tokens"].push_back(special(266, "\n\n"));
  return file;
}

inline std::unique_ptr<Tokenizer> open_json(const TempFolder& folder, const Json& file) {
  write_bytes(folder / "tokenizer.json", file.dump());
  return open_tokenizer(folder.path());
}

}  // namespace fu::test
