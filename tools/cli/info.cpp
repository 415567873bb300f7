// featup info: what a file holds, and what it can be used for.

#include "core/files/weights.h"
#include "featup/backbones/registry.h"
#include "featup/fit/fitted_map.h"
#include "featup/probes/probe.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/arguments.h"
#include "tools/cli/program.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"

namespace fu {

namespace {

constexpr std::size_t kListed = 20;  // tensors and settings, unless all are asked for

struct InfoCommand {
  std::vector<std::string> files;
  bool all = false;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("file", files, "a .safetensors, .npy, .npz, .pth, .pt, .bin or .ckpt file, or a folder with one")
        .required()
        .expected(1);
    app.add_flag("--all", all, "list every tensor");
    common.add(app);
    app.footer("Example: featup info maskclip_jbu_stack_cocostuff.ckpt");
  }
};

/// What `describe` says, or why it cannot.
template <class F>
std::string attempt(const F& describe) {
  try {
    return describe();
  } catch (const std::exception& error) {
    return std::string("unusable: ") + error.what();
  }
}

/// What can be done with the file, a line each.
std::vector<std::string> uses_of(const Weights& w) {
  std::vector<std::string> found;
  const std::string backbone = attempt([&] {
    const auto summary = describe_backbone(w);
    return summary
               ? "backbone (--backbone " + w.path() + "): " + summary->text + "; " + settings_text(summary->settings)
               : std::string();
  });
  if (!backbone.empty()) found.push_back(backbone);
  for (const UpsamplerMethod& method : upsampler_methods())
    if (method.reads && method.reads(w))
      found.push_back(
          attempt([&] { return "upsampler (--upsampler " + w.path() + "): " + method.open_file(w, {})->describe(); }));
  if (is_probe(w))
    found.push_back(
        "probe: " + attempt([&] {
          const Probe p = read_probe(w);
          return describe_probe(p) + "; learned from " +
                 (p.upsampler.empty() ? "low-resolution features" : "features upsampled by " + p.upsampler) + " of " +
                 p.backbone + (p.settings.empty() ? "" : ", " + p.settings) + ", photos at size " + p.size;
        }));
  if (FittedMap::present(w.path()))
    found.push_back("a fit of one photo (featup query " + w.path() + ", or featup show --html " + w.path() + ")");
  if (w.has("model.1.norm.weight"))
    found.push_back("norm of the backbone's features, " + std::to_string(w.shape("model.1.norm.weight").elements()) +
                    " channels");
  const bool named = w.has("features") || w.has("x_norm_patchtokens") || w.has("last_hidden_state");
  if (w.entries().size() == 1 || named) {
    const Shape s = w.shape(feature_array(w));
    if (s.rank() == 3 || (s.rank() == 4 && s[0] == 1))
      found.push_back("a feature map, or tokens (--features " + w.path() + ", or featup show)");
    if (s.rank() == 2)
      found.push_back("a matrix (--project " + w.path() + ", for features of " + std::to_string(s[0]) + " channels)");
  }
  return found;
}

/// Numbers of all tensors, and the bytes they take in the file.
struct Sizes {
  Index numbers = 0, bytes = 0;
  explicit Sizes(const Weights& w) {
    for (const auto& [name, e] : w.entries()) {
      numbers += e.shape.elements();
      bytes += e.shape.elements() * dtype_size(e.type);
    }
  }
};

void report_tensors(const Weights& w, Report& report) {
  const Sizes sizes(w);
  std::map<std::string, Index> types;
  for (const auto& [name, e] : w.entries()) ++types[dtype_name(e.type)];
  report["format"] = w.format();
  report["tensors"] = w.entries().size();
  report["numbers"] = sizes.numbers;
  report["bytes"] = sizes.bytes;
  report["types"] = types;
  report["metadata"] = w.metadata();
}

void report_entries(const Weights& w, Report& report) {
  for (const auto& [name, e] : w.entries()) {
    std::vector<Index> shape;
    for (int i = 0; i < e.shape.rank(); ++i) shape.push_back(e.shape[i]);
    report["entries"][name] = {{"dtype", dtype_name(e.type)}, {"shape", shape}};
  }
}

void print_file(const Weights& w, const std::vector<std::string>& uses, bool all) {
  const Sizes sizes(w);
  say("%s: %s, %zu tensors, %ld numbers, %.1f MB%s%s%s\n", w.path().c_str(), w.format().c_str(), w.entries().size(),
      static_cast<long>(sizes.numbers), static_cast<double>(sizes.bytes) / 1e6, w.root().empty() ? "" : ", under '",
      w.root().c_str(), w.root().empty() ? "" : "'");
  for (const std::string& use : uses) say("  %s\n", use.c_str());
  if (uses.empty()) say("  nothing that this program knows how to use\n");
  std::size_t listed = 0;
  for (const auto& [key, value] : w.metadata())
    if (++listed <= kListed) say("  metadata %s: %s\n", printable(key).c_str(), printable(value).c_str());
  listed = 0;
  for (const auto& [name, e] : w.entries()) {
    if (listed == kListed && !all) {
      say("  ... %zu more; --all lists them\n", w.entries().size() - listed);
      break;
    }
    ++listed;
    say("  %-48s %-5s %s\n", printable(name).c_str(), dtype_name(e.type),
        e.shape.rank() == 0 ? "scalar" : e.shape.str().c_str());
  }
}

int run_info(const InfoCommand& o, const Program&) {
  Report report("info", o.files, o.common.json);
  const Weights w(o.files.front());
  const std::vector<std::string> uses = uses_of(w);
  report_tensors(w, report);
  report["parts"] = uses;
  report_entries(w, report);
  if (!o.common.json) print_file(w, uses, o.all);
  report.print();
  return 0;
}

}  // namespace

void add_info(Command& command, Program& program) { add_command(command, program, run_info); }

}  // namespace fu
