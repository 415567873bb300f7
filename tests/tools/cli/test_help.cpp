// What users read: help, errors of usage, and the commands of README.md.
#include <map>
#include <sstream>

#include "core/files/weights.h"
#include "featup/backbones/registry.h"
#include "featup/fit/fit_options.h"
#include "featup/upsamplers/registry.h"
#include "tests/featup/backbones/stand_ins.h"
#include "tests/featup/text/small_clip.h"
#include "tests/tools/program.h"

using namespace fu;
using namespace fu::test;

TEST_CASE("help: wrong usage gets exit code 2, and the nearest that there is") {
  const TempFolder folder;
  for (const char* arguments : {"", "upsample", "frobnicate", "upsample a.png --nonsense", "upsample a.png --dtype f64",
                                "upsample a.png --pca none", "info"}) {
    CAPTURE(arguments);
    const Outcome o = run(folder, arguments);
    CHECK(o.code == 2);
    CHECK(o.err.rfind("featup: error: ", 0) == 0);
  }
  CHECK(contains(run(folder, "upsample a.png --bakbone builtin").err, "did you mean '--backbone'?"));
  CHECK(contains(run(folder, "eval prob").err, "did you mean 'probe'?"));
  CHECK(contains(run(folder, "upsmaple a.png").err, "did you mean 'upsample'?"));
  CHECK(!contains(run(folder, "upsample a.png --frobnicate").err, "did you mean"));
  CHECK(run(folder, "help nonsense").code == 2);
#ifndef FU_HAVE_SERVE
  CHECK(contains(run(folder, "serve --port 0").err, "this program was built without serve"));
#endif
}

namespace {

/// All lines of commands.def, groups left out.
const std::pair<const char*, const char*> kCommands[] = {
#define FU_COMMAND(file, name, description) {name, description},
#define FU_COMMAND_GROUP(name, description)
#include "tools/cli/commands.def"
#undef FU_COMMAND
#undef FU_COMMAND_GROUP
};

/// What a shell completes at place `at` of the words.
std::string completed(const TempFolder& folder, const std::string& words, int at) {
  const std::string script = "bash -c 'source \"" + (folder / "completion") + "\"; COMP_WORDS=(" + words +
                             "); COMP_CWORD=" + std::to_string(at) + "; _featup; echo \"${COMPREPLY[*]}\"' >'" +
                             (folder / ".words") + "'";
  CHECK(std::system(script.c_str()) == 0);
  return slurp(folder / ".words");
}

}  // namespace

TEST_CASE("help: every command explains itself in the terminal, in the manual and to the shell") {
  const TempFolder folder;
  CHECK(contains(run(folder, "--version").out, "featup 0."));
  const std::string list = run(folder, "help").out, page = run(folder, "man").out;
  CHECK(list == run(folder, "--help").out);
  std::ofstream(folder / "completion") << run(folder, "completion bash").out;
  for (const auto& [command, description] : kCommands) {
    const std::string name = command;
    CAPTURE(name);
    const std::size_t blank = name.find(' ');
    CHECK(contains(list, name.substr(0, blank)));
    const Outcome o = run(folder, name + " --help");
    CHECK(o.code == 0);
    CHECK(contains(o.out, description));
    CHECK(contains(o.out, "Example: featup " + name));
    CHECK(run(folder, "help " + name).out == o.out);
    CHECK(contains(page, ".SS featup " + name + "\n"));
    const int place = blank == std::string::npos ? 1 : 2;
    CHECK(completed(folder, "featup " + name, place) == name.substr(blank == std::string::npos ? 0 : blank + 1) + "\n");
    CHECK(contains(completed(folder, "featup " + name + " --", place + 1), "--help"));
  }
  CHECK(contains(page, "\n.B \\-h, \\-\\-help\n"));
  CHECK(contains(page, "\n.B \\-\\-upsampler TEXT\n"));
  CHECK(contains(page, "\n.B \\-\\-dtype {f32,f16}\n"));
  CHECK(contains(page, "\n.B \\-\\-views INT in [1 \\- 100000]\n"));
  CHECK(!contains(page, "\n.B \n"));
}

TEST_CASE("help: the shell completes options, their choices, and names beside files") {
  const TempFolder folder;
  std::ofstream(folder / "completion") << run(folder, "completion bash").out;
  CHECK(completed(folder, "featup upsample --dty", 2) == "--dtype\n");
  CHECK(completed(folder, "featup upsample --dtype f", 3) == "f32 f16\n");
  CHECK(completed(folder, "featup eval probe --val-im", 3) == "--val-images\n");
  CHECK(completed(folder, "featup upsample --upsampler bil", 3) == "bilinear\n");
  CHECK(completed(folder, "featup fit --lr-schedule co", 3) == "constant cosine\n");
  std::ofstream(folder / "built.safetensors") << "x";
  CHECK(completed(folder, "featup fit --backbone " + (folder / "built"), 3) == (folder / "built.safetensors") + "\n");
  CHECK(completed(folder, "featup fit --backbone built", 3) == "builtin\n");
}

TEST_CASE("help: completions of zsh and fish, by these shells where they are there") {
  const TempFolder folder;
  const std::string zsh = run(folder, "completion zsh").out, fish = run(folder, "completion fish").out;
  CHECK(zsh.rfind("#compdef featup\n", 0) == 0);
  CHECK(contains(zsh, "complete -o filenames -F _featup_words featup\n"));
  for (const auto& [command, description] : kCommands) {
    const std::string name = command;
    CAPTURE(name);
    CHECK(contains(fish, "-n '__featup_in " + name + "' -s h -l help"));
  }
  CHECK(contains(fish, "-n '__featup_is eval' -f -a views -d '"));
  CHECK(contains(fish, "-l dtype -x -a 'f32 f16' -d '"));
  CHECK(contains(fish, "-n '__featup_is' -f -a text -d 'words to a matrix for --project: scores of CLIP\\'s and"));
  std::filesystem::create_directories(folder / "functions");
  std::ofstream(folder / "functions/_featup") << zsh;
  std::ofstream(folder / "featup.fish") << fish;
  if (run_shell(folder, "command -v zsh").code == 0) {
    // A terminal in which somebody presses Tab, for the first time since the shell was started.
    std::ofstream(folder / "tab.zsh") << R"(
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D; PS1=; echo re""ady'
zpty -r z line '*ready*'
zpty -w -n z $'featup upsample --dty\t f1\t'
zpty -r z line '*f16*'
print -r -- "$line"
)";
    CHECK(contains(run_shell(folder, "timeout 20 zsh -f tab.zsh").out, "f16"));
  } else {
    MESSAGE("skipped: zsh is not there");
  }
  if (run_shell(folder, "command -v fish").code == 0) {
    const auto completes = [&](const std::string& line) {
      return run_shell(folder, "HOME=$PWD fish --no-config -c \"source featup.fish; complete -C '" + line + "'\"").out;
    };
    CHECK(completes("featup ups").rfind("upsample\t", 0) == 0);
    CHECK(completes("featup eval vie").rfind("views\t", 0) == 0);
    CHECK(completes("featup eval probe --val-im").rfind("--val-images\t", 0) == 0);
    CHECK(contains(completes("featup upsample --dtype "), "f16"));
    CHECK(contains(completes("featup upsample --upsampler bil"), "bilinear"));
  } else {
    MESSAGE("skipped: fish is not there");
  }
}

TEST_CASE("help: what registries and lists of fields hold is offered, with ranges and choices") {
  const TempFolder folder;
  const std::string upsample = run(folder, "help upsample").out;
  for (const UpsamplerMethod& method : upsampler_methods()) CHECK(contains(upsample, method.usage));
  for (const QualityPreset& preset : quality_presets()) CHECK(contains(upsample, preset.name + " (" + preset.opens));
  for (const std::string& name : backbone_names()) CHECK(contains(upsample, name));
  for (const std::string& feature : backbone_features()) CHECK(contains(upsample, feature));
  const std::string fit = run(folder, "help fit").out, train = run(folder, "help train").out;
  const FitOptions options;
  visit_fields(options, [&](const auto&, const FieldInfo& field) {
    CAPTURE(field.name);
    if (field.offered) CHECK(contains(fit, field.name + " "));
  });
  CHECK(contains(fit, "--no-grid"));
  CHECK(contains(train, "--no-mixing"));
  for (const char* wrong :
       {"fit a.png --views 0", "fit a.png --lr-schedule linear", "fit a.png --grid", "fit a.png --lr x",
        "train . --levels 7", "train . --downsampler none", "train . --no-shared"}) {
    const Outcome o = run(folder, wrong);
    CAPTURE(wrong);
    CHECK(o.code == 2);
    CHECK(o.err.rfind("featup: error: ", 0) == 0);
  }
}

namespace {

/// README.md's indented lines that run something of ours, and what its table of weights says to give `upsample`.
std::vector<std::string> commands_of_readme() {
  std::vector<std::string> commands;
  std::istringstream lines(slurp(FU_SOURCE_DIR "/README.md"));
  for (std::string line; std::getline(lines, line);) {
    // A server runs until it is ended; tests/tools/serve/ has its example.
    if (line.rfind("    build/bin/", 0) == 0 && !contains(line, "featup serve")) commands.push_back(line.substr(4));
    const std::size_t address = line.find("| https://"), end = line.find(" |", address + 2), use = line.find('`', end);
    if (address == std::string::npos || use == std::string::npos) continue;
    const std::string file = line.substr(0, end).substr(line.rfind('/', end) + 1);
    std::string options = line.substr(use + 1, line.find('`', use + 1) - use - 1);
    for (std::size_t at; (at = options.find(" F")) != std::string::npos;) options.replace(at, 2, " " + file);
    commands.push_back("build/bin/featup upsample photo.jpg " + options);
  }
  return commands;
}

/// A small backbone with the names that the published one of that name has.
void write_backbone(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  const auto is = [&](const char* part) { return contains(name, part); };
  const bool folder = !is(".pt") && !is(".safetensors") && !is(".ckpt");
  const VitSizes sizes = {64, 1, is("14") || is("dinov2") ? 14 : 16, 3, is("reg") || is("dinov3") ? 4 : 0, 96};
  const Shapes shapes = is("resnet50_coco") ? under("backbone.", resnet(4, {1, 1, 1, 1}))
                        : is("resnet")      ? resnet(4, {1, 1, 1, 1})
                        : is("convnext")    ? original_convnext(8, {1, 1, 1, 1})
                        : is("dinov3")      ? (folder ? hf_dinov3(sizes) : original_dinov3(sizes))
                        : is("dinov2")      ? (folder ? hf_dinov2(sizes) : original_dinov2(sizes))
                        : is("siglip")      ? hf_siglip(sizes)
                        : is("laion")       ? openai_clip(sizes, 8)
                        : is("clip")        ? hf_clip(sizes, 8)
                        : is("ViT-")        ? openai_clip(sizes, 8)
                        : folder            ? hf_vit(sizes)
                                            : original_vit(sizes);
  if (folder) std::filesystem::create_directories(path);
  write_random(folder ? path + "/model.safetensors" : path, shapes);
}

}  // namespace

// With small stand-ins for the weights, which are not ours to carry, and with less work where the defaults take a
// minute.
TEST_CASE("help: every command of README.md runs") {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "build");
  std::filesystem::create_directories(folder / "Pictures");
  std::filesystem::create_directory_symlink(FU_PROGRAMS, folder / "build/bin");
  write_png(folder / "photo.jpg", render_scene(1, 96, 128).image);
  for (int i = 0; i < 4; ++i)
    write_png(folder / "Pictures/" + std::to_string(i) + ".png",
              render_scene(static_cast<std::uint64_t>(i), 96, 112).image);
  std::filesystem::create_directories(folder / "labels");
  for (int i = 0; i < 4; ++i) {
    const RenderedScene scene = render_scene(static_cast<std::uint64_t>(i), 96, 112);
    Image labels = scene.image;
    for (std::size_t p = 0; p < labels.rgb.size(); ++p) labels.rgb[p] = scene.labels[p / 3];
    write_png(folder / "labels/" + std::to_string(i) + ".png", labels);
  }
  write_small_clip(folder / "clip-vit-base-patch16");
  write_npy(folder / "mine.npy", Random(1).normal({12, 16, 20}));
  const std::string both = "both.safetensors";
  REQUIRE(run(folder, "train Pictures --steps 1 --size 64 --batch 1 --quiet -o stack.safetensors").code == 0);
  std::map<std::string, Tensor> all;
  for (const std::string& part :
       {std::string(FU_SOURCE_DIR "/featup/builtin/backbone.safetensors"), folder / "stack.safetensors"}) {
    const Weights weights(part);
    for (const auto& [name, entry] : weights.entries()) all[name] = weights.read(name);
  }
  write_safetensors(folder / both, all);

  const std::vector<std::string> commands = commands_of_readme();
  CHECK(commands.size() >= 15);
  for (const std::string& command : commands) {
    CAPTURE(command);
    std::istringstream words(command);
    for (std::string word, before; words >> word; before = word) {
      if (std::filesystem::exists(folder / word)) continue;
      if ((before == "--backbone" || before == "convert") && !contains(word, ".ckpt"))
        write_backbone(folder / word);
      else if (contains(word, ".ckpt"))
        std::filesystem::create_symlink(folder / both, folder / word);
      else if (before == "--init")
        std::filesystem::create_symlink(FU_SOURCE_DIR "/tests/fixtures/anyup_random.pth", folder / word);
    }
    std::string less;
    if (contains(command, "featup fit")) less = " --size 64 --views 6 --held-out 2";
    if (contains(command, "featup train")) less = " --size 64 --steps 2 --batch 1";
    const Outcome o = run_shell(folder, "export HOME='" + folder.path() + "'; " + command + less);
    CAPTURE(o.err);
    CHECK(o.code == 0);
  }
  for (const char* result : {"featup-out/photo.npy", "featup-out/photo.png", "photo.html", "dino_jbu.safetensors",
                             "features", "featup-out/photo.labels.png", "featup-out/photo.html", "probe.safetensors",
                             "words.safetensors", "dinov2-int8.safetensors"})
    CHECK(std::filesystem::exists(folder / result));
}
