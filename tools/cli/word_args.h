// Options of the commands that turn words into vectors.
#pragma once

#include <string>
#include <vector>

#include "featup/classes/words.h"
#include "tools/cli/command.h"

namespace fu {

struct WordArgs {
  std::string tokenizer, templates = "seven";

  void add(Command& app);
  /// throws UsageError or FileError.
  WordSource source(const std::string& weights, const BackboneOptions& options) const;
  /// Files that are read.
  std::vector<std::string> files() const { return {tokenizer, templates}; }
};

/// Words separated by commas, or those in the lines of a file: exactly one of both is not empty. throws UsageError if
/// there are no words in it.
std::vector<std::string> words_given(const std::string& text, const std::string& file);

/// Lines of a small text file, without blanks around them and without empty ones. throws FileError.
std::vector<std::string> lines_of(const std::string& path);

/// Says of which words a sentence was too long for the encoder.
void note_cut_words(const std::vector<std::string>& cut);

}  // namespace fu
