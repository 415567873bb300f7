// featup text: words to the matrix that turns features into scores.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "core/files/weights.h"
#include "featup/text/prompts.h"
#include "tools/cli/arguments.h"
#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/report.h"

namespace fu {

namespace {

struct TextCommand {
  std::string text, words_file, backbone, tokenizer, templates = "seven", output;
  std::string activation = "auto";
  CommonArgs common;

  void add(CLI::App& app) {
    app.add_option("text", text, "words or sentences, separated by commas");
    app.add_option("--words", words_file, "a file of them, one in each line");
    app.add_option("--backbone", backbone, "weights of CLIP or SigLIP with their text encoder: a file or a folder")
        ->required();
    app.add_option("--tokenizer", tokenizer,
                   "file or folder of the vocabulary: tokenizer.json, vocab.json with merges.txt, or "
                   "bpe_simple_vocab_16e6.txt.gz; default: the backbone's folder");
    app.add_option("--templates", templates,
                   "sentences that words are put into: one, seven, all, or a file with {} in each line")
        ->capture_default_str();
    app.add_option("--act", activation, "activation of the text encoder's MLPs, where no file says")
        ->check(CLI::IsMember({"auto", "erf", "gelu", "tanh", "quick"}))
        ->capture_default_str();
    app.add_option("-o,--output", output, "the matrix (channels,words); default featup-out/words.safetensors");
    common.add(app);
    app.footer("Example: featup text \"cat, sofa, floor\" --backbone clip-vit-base-patch16 -o words.safetensors");
  }
};

/// Lines of a small text file.
std::vector<std::string> lines_of(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  const MappedFile file(path);
  require<FileError>(file.size() <= kMost, path, ": has ", file.size(), " bytes; a list of words has fewer.");
  return split_words(std::string(file.text(0, file.size())), '\n');
}

std::vector<std::string> words_of(const TextCommand& o) {
  require<UsageError>(o.text.empty() != o.words_file.empty(),
                      "text wants words, or a file of them. Give one of \"cat, "
                      "sofa\" and --words FILE.");
  const std::vector<std::string> words = o.text.empty() ? lines_of(o.words_file) : split_words(o.text);
  require<UsageError>(!words.empty(), o.text.empty() ? o.words_file : "'" + o.text + "'", ": has no words in it.");
  return words;
}

std::vector<std::string> templates_of(const std::string& name) {
  if (name == "one" || name == "seven" || name == "all") return prompt_templates(name);
  const std::vector<std::string> lines = lines_of(name);
  require<UsageError>(!lines.empty(), name, ": has no templates in it.");
  return lines;
}

int run_text(const TextCommand& o, const Program&) {
  const std::vector<std::string> words = words_of(o), templates = templates_of(o.templates);
  Report report("text", {o.backbone}, o.common.json);
  const std::string file = output_file(o.output, "words.safetensors");
  protect_inputs({o.backbone, o.tokenizer, o.words_file, o.templates}, {file});
  BackboneOptions options;
  options.activation = o.activation;
  const auto encoder = open_text_encoder(o.backbone, options);
  const auto tokenizer = open_tokenizer(o.tokenizer.empty() ? Weights(o.backbone).folder() : o.tokenizer);
  report["encoder"] = encoder->describe();
  report["tokenizer"] = tokenizer->describe();
  report.stage("load");
  if (!o.common.quiet) report.note(encoder->describe() + ": " + settings_text(encoder->settings()) + ".");
  std::vector<std::string> cut;
  const Tensor matrix = encode_words(*encoder, *tokenizer, words, templates, &cut);
  report.stage("encode");
  std::string listed;
  for (const std::string& word : words) listed += (listed.empty() ? "" : "\n") + word;
  write_safetensors(file, {{"words", matrix}},
                    {{"words", listed},
                     {"encoder", encoder->describe()},
                     {"templates", o.templates},
                     {"scale", cat(encoder->score().scale)},
                     {"bias", cat(encoder->score().bias)},
                     {"score", encoder->score().sigmoid ? "sigmoid" : "softmax"}});
  report.stage("write");
  report["outputs"] = {file};
  report["words"] = words;
  report["cut"] = cut;
  report["channels"] = matrix.dim(0);
  for (const std::string& word : cut)
    if (!o.common.quiet)
      print_note("'" + word + "': a sentence with it is longer than the encoder takes, and was cut.");
  if (o.common.prints_text())
    std::printf("%zu words in %zu templates, %ld channels -> %s\n", words.size(), templates.size(),
                static_cast<long>(matrix.dim(0)), file.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_text(CLI::App& command, Program& program) { add_command(command, program, run_text); }

}  // namespace fu
