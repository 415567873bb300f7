#include "featup/text/tokenizer.h"

#include <filesystem>

#include "core/files/mapped_file.h"
#include "featup/text/tokenizer_files.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

constexpr const char *kJson = "tokenizer.json", *kVocabulary = "vocab.json", *kMerges = "merges.txt",
                     *kSimple = "bpe_simple_vocab_16e6.txt";

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

bool looks_like_json(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text = file.text(0, file.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return first != std::string_view::npos && text[first] == '{';
}

std::unique_ptr<Tokenizer> open_pair(const fs::path& folder) {
  const std::string merges = (folder / kMerges).string();
  require<FileError>(is_file(merges), (folder / kVocabulary).string(), ": the file ", kMerges,
                     " beside it is missing. Both together are a tokenizer.");
  return read_clip_vocabulary(JsonNode::read((folder / kVocabulary).string()), merges);
}

std::unique_ptr<Tokenizer> open_file(const fs::path& path) {
  const std::string name = path.string();
  if (path.filename() == kMerges && is_file(path.parent_path() / kVocabulary)) return open_pair(path.parent_path());
  const bool json = looks_like_json(name);
  if (path.filename() == kVocabulary && json) return open_pair(path.parent_path());
  return json ? read_tokenizer_json(JsonNode::read(name)) : read_clip_merges(name);
}

std::unique_ptr<Tokenizer> open_in_folder(const fs::path& folder) {
  if (is_file(folder / kJson)) return open_file(folder / kJson);
  if (is_file(folder / kVocabulary)) return open_pair(folder);
  for (const std::string& name : {std::string(kSimple) + ".gz", std::string(kSimple)})
    if (is_file(folder / name)) return read_clip_merges((folder / name).string());
  std::string text = folder.string() + ": has none of the tokenizer's files: " + kJson + "; " + kVocabulary + " and " +
                     kMerges + "; " + kSimple + ".gz.";
  for (const char* model : {"spiece.model", "tokenizer.model"})
    if (is_file(folder / model)) text += std::string(" Its ") + model + " is not read: put " + kJson + " beside it.";
  throw FileError(text);
}

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& folder_or_file) {
  std::error_code none;
  return fs::is_directory(folder_or_file, none) ? open_in_folder(folder_or_file) : open_file(folder_or_file);
}

}  // namespace fu
