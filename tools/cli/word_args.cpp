#include "tools/cli/word_args.h"

#include "core/files/mapped_file.h"
#include "tools/cli/errors.h"

namespace fu {

void WordArgs::add(Command& app) {
  app.add_option("--tokenizer", tokenizer,
                 "file or folder of the vocabulary: tokenizer.json, vocab.json with merges.txt, or "
                 "bpe_simple_vocab_16e6.txt.gz; default: the backbone's folder");
  app.add_option("--templates", templates,
                 "sentences that words are put into: one, seven, all, or a file with {} in each line")
      .show_default();
}

WordSource WordArgs::source(const std::string& weights, const BackboneOptions& options) const {
  WordSource source{weights, tokenizer, {}, options};
  if (templates == "one" || templates == "seven" || templates == "all") {
    source.templates = prompt_templates(templates);
  } else {
    source.templates = lines_of(templates);
    require<UsageError>(!source.templates.empty(), templates, ": has no templates in it.");
  }
  return source;
}

std::vector<std::string> lines_of(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  const MappedFile file(path);
  require<FileError>(file.size() <= kMost, path, ": has ", file.size(), " bytes; a list of words has fewer.");
  return split_words(std::string(file.text(0, file.size())), '\n');
}

std::vector<std::string> words_given(const std::string& text, const std::string& file) {
  const std::vector<std::string> words = text.empty() ? lines_of(file) : split_words(text);
  require<UsageError>(!words.empty(), text.empty() ? file : "'" + text + "'", ": has no words in it.");
  return words;
}

void note_cut_words(const std::vector<std::string>& cut) {
  for (const std::string& word : cut)
    print_note("'" + word + "': a sentence with it is longer than the encoder takes, and was cut.");
}

}  // namespace fu
