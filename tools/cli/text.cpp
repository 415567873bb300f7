// featup text: words to the matrix that turns features into scores.
#include <filesystem>

#include "core/files/weights.h"
#include "tools/cli/arguments.h"
#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/program.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"
#include "tools/cli/word_args.h"

namespace fu {

namespace {

struct TextCommand {
  std::string text, words_file, backbone, output;
  std::string activation = "auto";
  WordArgs how;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("text", text, "words or sentences, separated by commas");
    app.add_option("--words", words_file, "a file of them, one in each line");
    app.add_option("--backbone", backbone, "weights of CLIP or SigLIP with their text encoder: a file or a folder")
        .required();
    how.add(app);
    app.add_option("--act", activation, "activation of the text encoder's MLPs, where no file says")
        .one_of({"auto", "erf", "gelu", "tanh", "quick"})
        .show_default();
    app.add_option(
        "-o,--output", output,
        "the matrix (channels,words), .safetensors with the words or .npy; default featup-out/words.safetensors");
    common.add(app);
    app.footer("Example: featup text \"cat, sofa, floor\" --backbone clip-vit-base-patch16 -o words.safetensors");
  }
};

int run_text(const TextCommand& o, const Program&) {
  require<OptionError>(o.text.empty() != o.words_file.empty(),
                       "text wants words, or a file of them. Give one of \"cat, sofa\" and --words FILE.");
  const std::vector<std::string> names = words_given(o.text, o.words_file);
  BackboneOptions options;
  options.activation = o.activation;
  const WordSource source = o.how.source(o.backbone, options);
  Report report("text", {o.backbone}, o.common.json);
  const std::string file = output_file(o.output, "words.safetensors");
  protect_inputs({o.backbone, o.how.tokenizer, o.words_file, o.how.templates}, {file});
  std::vector<std::string> cut;
  Words words = encode_or_recall(source, names, false, &cut);
  words.templates = o.how.templates;
  report["encoder"] = words.encoder;
  report["tokenizer"] = words.tokenizer;
  if (!o.common.quiet) report.note(words.encoder + ": " + words.settings + ".");
  report.stage("encode");
  if (std::filesystem::path(file).extension() == ".npy")
    write_npy(file, words.matrix);
  else
    write_words(file, words);
  report.stage("write");
  report["outputs"] = {file};
  report["words"] = names;
  report["cut"] = cut;
  report["channels"] = words.matrix.dim(0);
  if (!o.common.quiet) note_cut_words(cut);
  if (o.common.prints_text())
    say("%zu words in %zu templates, %ld channels -> %s\n", names.size(), source.templates.size(),
        static_cast<long>(words.matrix.dim(0)), file.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_text(Command& command, Program& program) { add_command(command, program, run_text); }

}  // namespace fu
