// Vectors of words that were encoded before, in a file beside the weights.
#include <algorithm>
#include <filesystem>
#include <map>

#include "core/files/weights.h"
#include "featup/classes/words.h"
#include "featup/fields.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostKept = 1000;

/// Size and time of a file, or of all files of a folder but the one of kept words.
std::string stamp_of(const std::string& path, const std::string& except) {
  std::error_code none;
  const auto one = [&none](const fs::path& file) {
    return file.filename().string() + ":" + std::to_string(fs::file_size(file, none)) + ":" +
           std::to_string(static_cast<long long>(fs::last_write_time(file, none).time_since_epoch().count())) + " ";
  };
  if (!fs::is_directory(path, none)) return one(path);
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator(path, none)) {
    const std::string name = entry.path().filename().string();
    const bool belongs = name.find(".json") != std::string::npos || name.find(".safetensors") != std::string::npos ||
                         name.find(".bin") != std::string::npos || name.find(".txt") != std::string::npos ||
                         name.find(".gz") != std::string::npos || name.find(".pt") != std::string::npos;
    if (belongs && entry.is_regular_file(none) && entry.path() != fs::path(except)) all.push_back(one(entry.path()));
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& line : all) text += line;
  return text;
}

/// Everything that the vectors depend on, as a text.
std::string key_of(const WordSource& source) {
  const std::string kept = kept_words_path(source.weights);
  std::string key = "featup words 1; " + stamp_of(source.weights, kept);
  if (!source.tokenizer.empty()) key += "; " + stamp_of(source.tokenizer, kept);
  // Beside a single file stand the vocabulary and the configuration.
  const std::string folder = fs::path(source.weights).parent_path().string();
  std::error_code none;
  if (!fs::is_directory(source.weights, none))
    for (const char* name : {"config.json", "open_clip_config.json", "tokenizer.json", "vocab.json", "merges.txt",
                             "bpe_simple_vocab_16e6.txt.gz"}) {
      const std::string file = (fs::path(folder.empty() ? "." : folder) / name).string();
      if (fs::exists(file, none)) key += stamp_of(file, kept);
    }
  key += "; " + source.options.activation + " " + field_text(source.options.norm_eps);
  for (const std::string& sentence : source.templates) key += "; " + sentence;
  return key;
}

/// The kept words of that key; none if the file is not there, is damaged, or of another key.
Words recalled(const std::string& path, const std::string& key) {
  std::error_code none;
  if (!fs::is_regular_file(path, none)) return {};
  try {
    const Weights file(path);
    const auto it = file.metadata().find("key");
    if (it == file.metadata().end() || it->second != key || !file.has("words")) return {};
    const Shape shape = file.shape("words");
    return shape.rank() == 2 ? read_words(path, shape[0]) : Words();
  } catch (const std::exception&) {
    return {};  // it is made anew
  }
}

void keep(const std::string& path, const std::string& key, const Words& words) {
  try {
    write_words(path, words, {{"key", key}});
  } catch (const std::exception&) {
    // Nothing is lost: the words are encoded again next time.
  }
}

/// Columns of `from`, by their names.
Tensor columns(const std::vector<std::string>& names, const std::vector<const Words*>& from) {
  const Index c = from.front()->matrix.size() > 0 ? from.front()->matrix.dim(0) : from.back()->matrix.dim(0);
  std::map<std::string, std::pair<const Words*, Index>> place;
  for (const Words* words : from)
    for (std::size_t i = 0; i < words->names.size(); ++i)
      place.emplace(words->names[i], std::make_pair(words, static_cast<Index>(i)));
  const auto k = static_cast<Index>(names.size());
  Tensor matrix({c, k});
  for (Index j = 0; j < k; ++j) {
    const auto& [words, column] = place.at(names[usize(j)]);
    for (Index i = 0; i < c; ++i) matrix.data()[i * k + j] = words->matrix.data()[i * words->matrix.dim(1) + column];
  }
  return matrix;
}

Words encoded_now(const WordSource& source, const std::vector<std::string>& words, std::vector<std::string>* cut) {
  const auto encoder = open_text_encoder(source.weights, source.options);
  const auto tokenizer = open_tokenizer(source.tokenizer.empty() ? Weights(source.weights).folder() : source.tokenizer);
  Words result;
  result.names = words;
  result.matrix = encode_words(*encoder, *tokenizer, words, source.templates, cut);
  result.score = encoder->score();
  result.encoder = encoder->describe(), result.tokenizer = tokenizer->describe();
  result.settings = settings_text(encoder->settings());
  return result;
}

}  // namespace

std::string kept_words_path(const std::string& weights) {
  std::error_code none;
  if (fs::is_directory(weights, none)) return (fs::path(weights) / "featup-words.safetensors").string();
  return weights + ".featup-words.safetensors";
}

Words encode_or_recall(const WordSource& source, const std::vector<std::string>& words, bool keeps,
                       std::vector<std::string>* cut, Index* encoded) {
  const std::string path = kept_words_path(source.weights);
  const std::string key = keeps ? key_of(source) : "";
  const Words before = keeps ? recalled(path, key) : Words();
  std::vector<std::string> missing;
  for (const std::string& word : words)
    if (std::find(before.names.begin(), before.names.end(), word) == before.names.end() &&
        std::find(missing.begin(), missing.end(), word) == missing.end())
      missing.push_back(word);
  if (encoded) *encoded = static_cast<Index>(missing.size());
  Words fresh;
  if (!missing.empty()) fresh = encoded_now(source, missing, cut);
  Words result = missing.empty() ? before : fresh;
  result.names = words;
  result.matrix = columns(words, {&before, &fresh});
  result.templates = std::to_string(source.templates.size()) + " sentences";
  if (keeps && !missing.empty()) {
    Words all = result;
    all.names = missing;  // the newest first: the oldest are forgotten
    for (const std::string& name : before.names)
      if (all.names.size() < kMostKept) all.names.push_back(name);
    all.matrix = columns(all.names, {&before, &fresh});
    keep(path, key, all);
  }
  return result;
}

}  // namespace fu
