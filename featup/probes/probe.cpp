#include "featup/probes/probe.h"

#include <algorithm>
#include <cmath>

#include "core/files/schema.h"
#include "core/ops.h"

namespace fu {

namespace {

constexpr const char* kFormat = "featup probe";
constexpr Index kMostOutputs = 4096, kMostLabel = 255;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

/// What a file says under a key. throws FileError if it says nothing.
const std::string& said(const Weights& file, const std::string& key) {
  const auto it = file.metadata().find(key);
  require<FileError>(it != file.metadata().end(), file.path(), ": its metadata has no '", key,
                     "', which every probe has. Train the probe again.");
  return it->second;
}

Index whole_number(const Weights& file, const std::string& key, Index most) {
  const std::string& text = said(file, key);
  Index n = 0;
  bool digits = !text.empty() && text.size() < 10;
  for (char c : text) digits = digits && c >= '0' && c <= '9', n = digits ? n * 10 + (c - '0') : 0;
  require<FileError>(digits && n <= most, file.path(), ": its metadata '", key, "' is '", printable(text),
                     "', expected a whole number up to ", most, ".");
  return n;
}

void read_tensors(const Weights& file, Probe& probe) {
  Schema schema(file, "a probe");
  Index inputs = probe.channels;
  if (schema.has("hidden.weight") || schema.has("hidden.bias")) {
    probe.hidden_weight = schema.tensor("hidden.weight", {Schema::kAny, probe.channels});
    inputs = probe.hidden_weight.dim(0);
    probe.hidden_bias = schema.tensor("hidden.bias", {inputs});
  }
  probe.bias = schema.tensor("bias", {Schema::kAny});
  const Index outputs = probe.bias.size();
  probe.weight = schema.tensor("weight", {outputs, inputs});
  if (schema.has("centre")) probe.centre = schema.tensor("centre", {outputs});
  schema.finish();
}

}  // namespace

bool is_probe(const Weights& file) {
  const auto it = file.metadata().find("format");
  return it != file.metadata().end() && it->second.rfind(kFormat, 0) == 0;
}

Probe read_probe(const std::string& path) { return read_probe(Weights(path)); }

Probe read_probe(const Weights& file) {
  require<FileError>(is_probe(file), file.path(), ": is no probe: its metadata has no 'format' ", kFormat, ".");
  require<FileError>(said(file, "format") == kFormat, file.path(), ": is a probe of the format '",
                     printable(said(file, "format")), "', expected '", kFormat, "': it is of a later version.");
  Probe probe;
  const std::string& kind = said(file, "kind");
  require<FileError>(kind == "classes" || kind == "numbers", file.path(), ": its metadata 'kind' is '", printable(kind),
                     "', expected classes or numbers.");
  probe.kind = kind == "classes" ? Probe::Kind::classes : Probe::Kind::numbers;
  probe.channels = whole_number(file, "channels", Index{1} << 24);
  read_tensors(file, probe);
  probe.names = split_lines(said(file, "names"));
  const Index outputs = probe.outputs(), least = probe.kind == Probe::Kind::classes ? 2 : 1,
              most = probe.kind == Probe::Kind::classes ? kMostLabel : kMostOutputs;
  require<FileError>(outputs >= least && outputs <= most, file.path(), ": tensor 'bias' has ", outputs,
                     " elements, expected ", least, " to ", most, " ", kind, ".");
  require<FileError>(static_cast<Index>(probe.names.size()) == outputs, file.path(), ": its metadata 'names' has ",
                     probe.names.size(), " lines, expected ", outputs, ", one for each output.");
  probe.backbone = said(file, "backbone"), probe.settings = said(file, "settings");
  probe.size = said(file, "size"), probe.upsampler = said(file, "upsampler"), probe.unit = said(file, "unit");
  probe.unlabelled = whole_number(file, "unlabelled", kMostLabel);
  return probe;
}

void write_probe(const std::string& path, const Probe& probe, const std::map<std::string, std::string>& more) {
  const Index k = probe.outputs(), inputs = probe.has_hidden() ? probe.hidden_bias.size() : probe.channels;
  const bool shapes = k > 0 && inputs > 0 && probe.weight.shape() == Shape{k, inputs} &&
                      (probe.centre.size() == 0 || probe.centre.shape() == Shape{k}) &&
                      (!probe.has_hidden() || probe.hidden_weight.shape() == Shape{inputs, probe.channels});
  require<UsageError>(shapes && static_cast<Index>(probe.names.size()) == k, "[probe] weight ", probe.weight.shape(),
                      ", bias ", probe.bias.shape(), ", hidden ", probe.hidden_weight.shape(), " for ", probe.channels,
                      " channels and ", probe.names.size(), " names: they do not fit together.");
  for (const std::string& name : probe.names)
    require<UsageError>(name.find('\n') == std::string::npos, "[probe] the name of an output has a line break in it.");
  std::map<std::string, std::string> metadata = more;
  metadata["format"] = kFormat;
  metadata["kind"] = probe.kind == Probe::Kind::classes ? "classes" : "numbers";
  metadata["names"] = joined(probe.names);
  metadata["backbone"] = probe.backbone, metadata["settings"] = probe.settings;
  metadata["channels"] = std::to_string(probe.channels), metadata["size"] = probe.size;
  metadata["upsampler"] = probe.upsampler, metadata["unlabelled"] = std::to_string(probe.unlabelled);
  metadata["unit"] = probe.unit;
  std::map<std::string, Tensor> tensors = {{"weight", probe.weight}, {"bias", probe.bias}};
  if (probe.has_hidden()) tensors["hidden.weight"] = probe.hidden_weight, tensors["hidden.bias"] = probe.hidden_bias;
  if (probe.centre.size() > 0) tensors["centre"] = probe.centre;
  write_safetensors(path, tensors, metadata);
}

std::string describe_probe(const Probe& probe) {
  constexpr std::size_t kNamed = 12;
  std::string names;
  for (std::size_t i = 0; i < std::min(kNamed, probe.names.size()); ++i)
    names += (i > 0 ? ", " : "") + printable(probe.names[i]);
  if (probe.names.size() > kNamed) names += ", ...";
  const bool classes = probe.kind == Probe::Kind::classes;
  return cat(probe.outputs(),
             classes                ? " classes"
             : probe.outputs() == 1 ? " number a pixel"
                                    : " numbers a pixel",
             probe.unit.empty() ? "" : " (" + printable(probe.unit) + ")", " from ", probe.channels, " channels by ",
             probe.has_hidden() ? cat("a hidden layer of ", probe.hidden_bias.size(), " units and a linear layer")
                                : std::string("a linear layer"),
             "; ", names);
}

Tensor probe_hidden(const Probe& probe, const Tensor& features) {
  require<ShapeError>(features.rank() >= 1 && features.dim(-1) == probe.channels, "[probe] features ", features.shape(),
                      " for a probe of ", probe.channels, " channels. Give features of its backbone.");
  if (!probe.has_hidden()) return features;
  return linear(features, probe.hidden_weight, probe.hidden_bias, Activation::relu);
}

ChannelMap probe_outputs(const Probe& probe, bool centred) {
  const bool around = centred && probe.centre.size() > 0;
  return {probe.weight.permute({1, 0}).clone(), around ? probe.bias - probe.centre : probe.bias,
          probe.upsampler.empty()};
}

Tensor apply_probe(const Probe& probe, const Tensor& features) {
  return linear(probe_hidden(probe, features), probe.weight, probe.bias);
}

}  // namespace fu
