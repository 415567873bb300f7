#include "featup/classes/words.h"

#include <algorithm>
#include <cmath>

#include "core/files/weights.h"
#include "core/number_text.h"
#include "featup/fields.h"

namespace fu {

namespace {

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "\n") + text;
  return all;
}

/// A number of the file's metadata; `usual` if it is not there.
double number_of(const Weights& file, const std::string& key, double usual) {
  const auto it = file.metadata().find(key);
  if (it == file.metadata().end()) return usual;
  double value = 0;
  require<FileError>(read_number(it->second, value) && std::isfinite(value), file.path(), ": its '", key, "' is '",
                     printable(it->second), "', expected a number.");
  return value;
}

std::string text_of(const Weights& file, const std::string& key) {
  const auto it = file.metadata().find(key);
  return it == file.metadata().end() ? "" : it->second;
}

/// The only matrix of a file: "words", or the only tensor.
Tensor matrix_in(const Weights& file, Index channels) {
  Tensor m = file.has("words") ? file.read("words") : file.read_single();
  require<FileError>(m.rank() == 2 && m.size() > 0 && (m.dim(0) == channels || m.dim(1) == channels), file.path(),
                     ": has shape ", m.shape(), ", expected (", channels, ",words) or (words,", channels,
                     ") for the backbone's features.");
  return m.dim(0) == channels ? m : m.permute({1, 0}).clone();
}

void bring_columns_to_one_length(Tensor& m, const std::string& path) {
  const Index c = m.dim(0), k = m.dim(1);
  for (Index j = 0; j < k; ++j) {
    double square = 0;
    for (Index i = 0; i < c; ++i) square += std::pow(static_cast<double>(m.data()[i * k + j]), 2);
    require<FileError>(std::isfinite(square) && square > 0, path, ": the vector of word ", j,
                       " is zero, or has numbers that are not finite.");
    // Those that have it already keep their bits.
    if (std::abs(square - 1) < 1e-6) continue;
    for (Index i = 0; i < c; ++i) m.data()[i * k + j] *= static_cast<real>(1 / std::sqrt(square));
  }
}

}  // namespace

Classes classes_of(const Words& words) {
  Classes classes;
  classes.names = words.names;
  classes.map.matrix = words.matrix;
  classes.cosine = true;
  classes.kind = words.score.sigmoid ? ScoreKind::sigmoid : ScoreKind::softmax;
  classes.scale = words.score.scale, classes.bias = words.score.bias;
  classes.source = words.encoder;
  return classes;
}

void write_words(const std::string& path, const Words& words, const std::map<std::string, std::string>& more) {
  std::map<std::string, std::string> metadata = more;
  metadata.insert({{"words", lines(words.names)},
                   {"encoder", words.encoder},
                   {"tokenizer", words.tokenizer},
                   {"settings", words.settings},
                   {"templates", words.templates},
                   {"scale", field_text(words.score.scale)},
                   {"bias", field_text(words.score.bias)},
                   {"score", words.score.sigmoid ? "sigmoid" : "softmax"}});
  write_safetensors(path, {{"words", words.matrix}}, metadata);
}

Words read_words(const std::string& path, Index channels) { return read_words(Weights(path), channels); }

Words read_words(const Weights& file, Index channels) {
  const std::string& path = file.path();
  Words words;
  words.matrix = matrix_in(file, channels);
  bring_columns_to_one_length(words.matrix, path);
  const Index k = words.matrix.dim(1);
  words.names = split_words(text_of(file, "words"), '\n');
  require<FileError>(words.names.empty() || static_cast<Index>(words.names.size()) == k, path, ": names ",
                     words.names.size(), " words, and has ", k, " vectors.");
  for (Index i = 0; words.names.size() < usize(k); ++i) words.names.push_back(std::to_string(i));
  const std::string score = text_of(file, "score");
  require<FileError>(score.empty() || score == "softmax" || score == "sigmoid", path, ": its 'score' is '",
                     printable(score), "', expected softmax or sigmoid.");
  words.score = {number_of(file, "scale", 100), number_of(file, "bias", 0), score == "sigmoid"};
  // Scores are exp(scale * cosine + bias): beyond these numbers they are 0 or infinite.
  require<FileError>(words.score.scale > 0 && words.score.scale <= 1e4 && std::abs(words.score.bias) <= 1e4, path,
                     ": its 'scale' is ", words.score.scale, " and its 'bias' ", words.score.bias,
                     ", expected a number above 0, and both at most 1e4.");
  words.encoder = text_of(file, "encoder");
  if (words.encoder.empty()) words.encoder = path;
  words.tokenizer = text_of(file, "tokenizer"), words.settings = text_of(file, "settings");
  words.templates = text_of(file, "templates");
  return words;
}

}  // namespace fu
