// featup convert: weights of any format as one .safetensors, a backbone's in 16 or 8 bits a number.
#include "featup/backbones/convert.h"

#include <filesystem>

#include "featup/backbones/registry.h"
#include "tools/cli/arguments.h"
#include "tools/cli/outputs.h"
#include "tools/cli/program.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

struct ConvertCommand {
  std::string input, output, dtype = "f32";
  Index heads = 0;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("weights", input,
                   "weights: a .safetensors, .pth, .pt, .bin or .ckpt file, a folder as Hugging Face gives it, "
                   "builtin, or - for "
                   "standard input")
        .required();
    app.add_option("-o,--output", output, "the .safetensors file; default featup-out/NAME-DTYPE.safetensors");
    app.add_option("--dtype", dtype,
                   "what the weights of a backbone's layers become: f16 and bf16 take half the memory, int8 a quarter; "
                   "norms, biases and positions stay f32")
        .one_of({"f32", "f16", "bf16", "int8"})
        .show_default();
    app.add_option("--heads", heads,
                   "attention heads of a transformer, which the result will say; 0: by the files, or by the width")
        .between(0, 1000);
    common.add(app);
    app.footer("Example: featup convert dinov2_vits14.pth --dtype int8 -o dinov2-int8.safetensors");
  }
};

/// The files that are read: of a folder, all that it has.
std::vector<std::string> files_of(const std::string& input) {
  std::error_code none;
  if (!std::filesystem::is_directory(input, none)) return {input};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(input, none)) files.push_back(entry.path().string());
  return files;
}

/// "dinov2" of "dinov2/".
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

double megabytes(Index bytes) { return static_cast<double>(bytes) / 1e6; }

int run_convert(const ConvertCommand& o, const Program&) {
  Report report("convert", {o.input}, o.common.json);
  const Weights weights = backbone_weights(o.input);
  const std::string file =
      output_file(o.output, (o.input == "-" ? input_stem(o.input) : stem_of(without_slash(o.input))) + "-" + o.dtype +
                                ".safetensors");
  protect_inputs(files_of(o.input), {file});
  report.stage("open");
  BackboneOptions options;
  options.heads = o.heads;
  const ConvertedWeights done = convert_weights(weights, file, narrow_type_of(o.dtype), options);
  report.stage("convert");
  Index before = 0;
  for (const auto& [name, entry] : weights.entries()) before += entry.shape.elements() * dtype_size(entry.type);
  std::error_code none;
  const Index after = file == "-" ? 0 : static_cast<Index>(std::filesystem::file_size(file, none));
  report["outputs"] = {file};
  report["dtype"] = o.dtype;
  report["tensors"] = done.tensors;
  report["narrow_tensors"] = done.narrow;
  report["bytes"] = {{"before", before}, {"after", after}};
  if (o.common.prints_text())
    say("%ld tensors, %ld of them as %s, %.1f MB -> %.1f MB -> %s\n", static_cast<long>(done.tensors),
        static_cast<long>(o.dtype == "f32" ? done.tensors : done.narrow), o.dtype.c_str(), megabytes(before),
        megabytes(after), file.c_str());
  report.print();
  return 0;
}

}  // namespace

void add_convert(Command& command, Program& program) { add_command(command, program, run_convert); }

}  // namespace fu
