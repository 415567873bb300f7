#include <cmath>
#include <filesystem>

#include "core/files/bytes.h"
#include "featup/text/byte_pair_models.h"
#include "featup/text/clean_text.h"
#include "featup/text/json_steps.h"
#include "featup/text/tokenizer_files.h"
#include "featup/text/unicode.h"
#include "featup/text/unigram.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

enum class Kind { clip, siglip, siglip2 };

/// "model.merges": a list of "a b", or of ["a", "b"].
Merges::Pairs read_merges(const JsonNode& node) {
  Merges::Pairs pairs;
  const std::size_t n = node.size();
  if (n > Merges::kMost)
    throw node.bad("has " + std::to_string(n) + " merges, at most " + std::to_string(Merges::kMost) + " are read.");
  pairs.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const JsonNode merge = node[i];
    if (merge.is_list()) {
      if (merge.size() != 2) throw merge.unexpected("two pieces");
      pairs.emplace_back(merge[0].text(), merge[1].text());
      continue;
    }
    const std::string text = merge.text();
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
      throw merge.unexpected("two pieces with a space between");
    pairs.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return pairs;
}

std::shared_ptr<const PieceModel> read_unigram(const JsonNode& model) {
  if (model.find("byte_fallback").flag(false)) throw model.find("byte_fallback").unexpected("false");
  const JsonNode list = model.find("vocab");
  std::vector<std::pair<std::string, double>> pieces;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonNode piece = list[i];
    if (piece.size() != 2) throw piece.unexpected("a piece and its score");
    pieces.emplace_back(piece[0].text(), piece[1].number());
  }
  return make_unigram_model(pieces, model.find("unk_id").integer(), list.title());
}

std::shared_ptr<const PieceModel> read_byte_pairs(const JsonNode& model, Kind kind) {
  const JsonNode dropout = model.find("dropout"), prefix = model.find("continuing_subword_prefix");
  if (dropout.is_there() && std::abs(dropout.number()) > 0) throw dropout.unexpected("none");
  if (!prefix.text("").empty()) throw prefix.unexpected("none");
  if (model.find("ignore_merges").flag(false)) throw model.find("ignore_merges").unexpected("false");
  Vocabulary vocabulary = read_vocabulary(model.find("vocab"));
  const JsonNode list = model.find("merges");
  const Merges::Pairs merges = read_merges(list);
  return kind == Kind::clip ? make_byte_model(std::move(vocabulary), merges, MergeOrder::lowest, {}, model.title())
                            : make_character_model(std::move(vocabulary), merges, model.title());
}

Kind kind_of(const JsonNode& model, bool bytes) {
  const std::string type = model.find("type").text(model.find("merges").is_there() ? "BPE" : "");
  if (type == "Unigram" && !bytes) return Kind::siglip;
  if (type == "BPE") {
    const std::string suffix = model.find("end_of_word_suffix").text("");
    if (bytes && suffix == kWordEnd) return Kind::clip;
    if (!bytes && suffix.empty() && model.find("byte_fallback").flag(false)) return Kind::siglip2;
  }
  throw model.bad("of type '" + printable(type) +
                  "' is none of these: CLIP's (BPE of bytes, words end with </w>), SigLIP's (Unigram), SigLIP 2's (BPE "
                  "with byte_fallback).");
}

/// What happens to a text before the tokenizer in the code that the models were trained with. A file may say parts of
/// it again: each is such that a second time changes nothing.
TextStep cleaning_of(Kind kind) {
  if (kind == Kind::clip) return clean_for_clip;
  if (kind == Kind::siglip) return clean_for_siglip;
  return [](const std::u32string& text) { return lower_case(text, false); };
}

void read_added(const JsonNode& list, TokenizerParts& parts) {
  if (!list.is_there()) return;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonNode node = list[i];
    AddedToken token;
    const std::string content = node.find("content").text();
    token.text = decode_utf8(content);
    token.id = read_token_number(node.find("id"));
    token.strip_left = node.find("lstrip").flag(false), token.strip_right = node.find("rstrip").flag(false);
    token.normalized = node.find("normalized").flag(true);
    if (node.find("single_word").flag(false)) throw node.find("single_word").unexpected("false");
    if (content.empty()) throw node.find("content").unexpected("a text that is not empty");
    const Index own = parts.model->find(content);
    if (own >= 0 && own != token.id)
      throw node.find("id").bad("is " + std::to_string(token.id) + ", but the vocabulary has " + std::to_string(own) +
                                " for '" + printable(content) + "'.");
    parts.added.push_back(std::move(token));
  }
}

/// Number of a special token; -1 if there is none of this name.
Index find_token(const TokenizerParts& parts, const std::string& name) {
  const std::u32string text = decode_utf8(name);
  for (const AddedToken& token : parts.added)
    if (token.text == text) return token.id;
  return parts.model->find(name);
}

Index need_token(const TokenizerParts& parts, const std::string& name, const JsonNode& file) {
  const Index id = find_token(parts, name);
  require<FileError>(id >= 0, file.path(), ": has no token '", printable(name), "'.");
  return id;
}

void read_around(const JsonNode& file, Kind kind, TokenizerParts& parts) {
  const JsonNode post = file.find("post_processor");
  read_post_processor(post, parts.start, parts.end);
  if (parts.start.empty() && parts.end.empty()) {
    if (kind == Kind::clip) parts.start = {need_token(parts, "<|startoftext|>", file)};
    parts.end = {need_token(parts,
                            kind == Kind::clip     ? "<|endoftext|>"
                            : kind == Kind::siglip ? "</s>"
                                                   : "<eos>",
                            file)};
  }
  // Gemma's own file puts <bos> before a text and nothing behind it.
  if (parts.end.empty()) throw post.bad("puts no end token behind a text; the text encoders here need one.");
}

/// "padding.pad_id"; the pad_token of tokenizer_config.json; else the end token (SigLIP), or <pad> (SigLIP 2).
Index read_padding(const JsonNode& file, Kind kind, const TokenizerParts& parts) {
  if (kind == Kind::clip) return -1;
  const JsonNode id = file.find("padding").find("pad_id");
  if (id.is_there()) return read_token_number(id);
  const std::string beside = (fs::path(file.path()).parent_path() / "tokenizer_config.json").string();
  std::error_code none;
  if (fs::is_regular_file(beside, none)) {
    const JsonNode config = JsonNode::read(beside), token = config.find("pad_token");
    if (token.is_there()) return need_token(parts, token.is_text() ? token.text() : token.find("content").text(), file);
  }
  return kind == Kind::siglip ? parts.end.back() : need_token(parts, "<pad>", file);
}

}  // namespace

Vocabulary read_vocabulary(const JsonNode& node) {
  Vocabulary vocabulary;
  node.for_each(
      [&](const std::string& piece, const JsonNode& number) { vocabulary.add(piece, number.integer(), node.title()); });
  return vocabulary;
}

std::unique_ptr<Tokenizer> read_tokenizer_json(const JsonNode& file) {
  TokenizerParts parts;
  bool bytes = false;
  read_pre_tokenizer(file.find("pre_tokenizer"), parts.splits, bytes);
  const JsonNode model = file.find("model");
  const Kind kind = kind_of(model, bytes);
  parts.normalizers.push_back(cleaning_of(kind));
  read_normalizer(file.find("normalizer"), parts.normalizers);
  parts.model = kind == Kind::siglip ? read_unigram(model) : read_byte_pairs(model, kind);
  read_added(file.find("added_tokens"), parts);
  read_around(file, kind, parts);
  parts.padding = read_padding(file, kind, parts);
  const char* name = kind == Kind::clip     ? "CLIP's byte-pair encoding, "
                     : kind == Kind::siglip ? "SigLIP's unigram model, "
                                            : "SigLIP 2's byte-pair encoding, ";
  parts.description = cat(name, parts.model->pieces(), " pieces, from ", file_name(file.path()));
  return make_tokenizer(std::move(parts));
}

}  // namespace fu
