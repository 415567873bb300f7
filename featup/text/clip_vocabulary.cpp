// CLIP's tokenizer from a list of merges, with or without a list of pieces.
#include <algorithm>
#include <filesystem>

#include "core/files/bytes.h"
#include "core/files/gzip.h"
#include "featup/text/byte_pair_models.h"
#include "featup/text/clean_text.h"
#include "featup/text/tokenizer_files.h"
#include "featup/text/unicode.h"

namespace fu {

namespace {

/// CLIP's file holds 262144 merges, of which the model knows these.
constexpr std::size_t kClipMerges = 49152 - 256 - 2;
/// The file has 3 MB; merges.txt of others up to 10.
constexpr std::size_t kMostMerges = std::size_t{1} << 25;
constexpr const char *kStart = "<|startoftext|>", *kEnd = "<|endoftext|>";

/// Special tokens, contractions, runs of letters, single numbers, runs of anything else. Upper and lower case count as
/// equal in the original. The text is in lower case, so that this only matters for the long s, U+017F.
constexpr const char* kWords =
    "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'\u017f|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

std::string read_text(const std::string& path) {
  const MappedFile file(path);
  if (is_gzip(file)) return gunzip(file, kMostMerges);
  require<FileError>(file.size() <= kMostMerges, path, ": has ", file.size(), " bytes; CLIP's merges have at most ",
                     kMostMerges, ".");
  return std::string(file.text(0, file.size()));
}

/// Two pieces a line, with a space between; the first line may be a comment with the version.
Merges::Pairs read_merges(const std::string& path) {
  const std::string text = read_text(path);
  Merges::Pairs pairs;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size() && pairs.size() < kClipMerges;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || (number == 1 && line.find("#version") != std::string::npos)) continue;
    const std::size_t space = line.find(' ');
    require<FileError>(space != std::string::npos && space > 0 && space + 1 < line.size() &&
                           line.find(' ', space + 1) == std::string::npos,
                       path, ": line ", number, ", '", printable(line), "', is not two pieces with a space between.");
    pairs.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  require<FileError>(!pairs.empty(), path, ": holds no merges.");
  return pairs;
}

std::unique_ptr<Tokenizer> make_clip(Vocabulary vocabulary, const Merges::Pairs& merges, const std::string& owner,
                                     const std::string& from) {
  TokenizerParts parts;
  parts.start = {vocabulary.at(kStart, owner)};
  parts.end = {vocabulary.at(kEnd, owner)};
  parts.description = cat("CLIP's byte-pair encoding, ", vocabulary.size(), " pieces, from ", from);
  parts.normalizers.emplace_back(clean_for_clip);
  parts.splits.emplace_back([words = Pattern(kWords, "words")](const Pieces& texts) {
    return split(texts, words, SplitBehavior::removed, true);
  });
  parts.model = make_byte_model(std::move(vocabulary), merges, MergeOrder::rounds, {kStart, kEnd}, owner);
  return make_tokenizer(std::move(parts));
}

}  // namespace

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::unique_ptr<Tokenizer> read_clip_vocabulary(const JsonNode& vocabulary, const std::string& merges) {
  return make_clip(read_vocabulary(vocabulary), read_merges(merges), vocabulary.path(),
                   file_name(vocabulary.path()) + " and " + file_name(merges));
}

std::unique_ptr<Tokenizer> read_clip_merges(const std::string& path) {
  const Merges::Pairs merges = read_merges(path);
  Vocabulary vocabulary;
  Index next = 0;
  for (const char* suffix : {"", kWordEnd})
    for (const unsigned char byte : bytes_in_order()) {
      std::string piece;
      append_utf8(character_of_byte(byte), piece);
      vocabulary.add(piece + suffix, next++, path);
    }
  for (const auto& [left, right] : merges) vocabulary.add(left + right, next++, path);
  for (const char* token : {kStart, kEnd}) vocabulary.add(token, next++, path);
  return make_clip(std::move(vocabulary), merges, path, file_name(path));
}

}  // namespace fu
