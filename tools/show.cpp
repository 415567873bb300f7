// featup show and featup info: what is in feature and weight files.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/ops.h"
#include "tools/commands.h"
#include "tools/image_io.h"
#include "tools/pictures.h"

namespace fu {

int run_show(const Options& o) {
  Report report("show", o);
  std::vector<Tensor> maps;
  Index height = 0;
  for (const std::string& path : o.inputs) {
    maps.push_back(read_features(path, parse_layout(o.features_layout), {}));
    require<UsageError>(maps.back().dim(3) == maps.front().dim(3), path, ": has ", maps.back().dim(3), " channels, ", o.inputs.front(), " has ",
                        maps.front().dim(3), ". Maps that share a picture must have equally many.");
    height = std::max(height, maps.back().dim(1));
  }
  report.stage("read");
  // One projection for all: every map counts alike, however large it is.
  std::vector<Tensor> samples;
  for (const Tensor& map : maps) {
    const Index c = map.dim(3), n = map.size() / c, take = std::min<Index>(n, 10000);
    Tensor sample({take, c});
    for (Index i = 0; i < take; ++i) std::copy_n(map.data() + i * n / take * c, c, sample.data() + i * c);
    samples.push_back(sample);
  }
  const FeatureColors colors(concat(samples, 0));
  std::vector<Image> pictures;
  height = std::clamp<Index>(height, 224, 2048);
  for (const Tensor& map : maps) {
    const Index width = map.dim(2) * height / map.dim(1);
    require<UsageError>(width <= 8192, "a map of ", map.dim(1), "x", map.dim(2),
                        " is too long for a picture. Give --features-layout if it was misread.");
    pictures.push_back(enlarge_nearest(colors.paint(map), height, std::max<Index>(1, width)));
  }
  std::string output = o.output;
  if (output.empty()) {
    output = output_folder(o) + "/show.png";
  } else if (std::filesystem::is_directory(output)) {
    output += "/show.png";
  }
  protect_inputs(o, {output});
  write_png(output, side_by_side(pictures));
  report.stage("paint");
  report["outputs"] = {output};
  report["channels"] = maps.front().dim(3);
  if (!o.quiet && !o.json) std::printf("%zu maps of %ld channels -> %s\n", maps.size(), static_cast<long>(maps.front().dim(3)), output.c_str());
  report.print();
  return 0;
}

namespace {

std::string shape_text(const Shape& s) { return s.rank() == 0 ? "scalar" : s.str(); }

/// What a file is good for, in words.
std::vector<std::string> parts(const Weights& w) {
  std::vector<std::string> found;
  const auto attempt = [&](const auto& describe) {
    try {
      found.push_back(describe());
    } catch (const std::exception& error) {
      found.push_back(std::string("unusable: ") + error.what());
    }
  };
  std::string prefix;
  if (Vit::find_prefix(w, prefix))
    attempt([&] {
      return "backbone (--backbone " + w.path() + "): " + open_backbone(w.path())->describe() +
             (prefix.empty() ? "" : ", under '" + printable(prefix) + "'");
    });
  if (JbuStack::present(w)) attempt([&] { return "upsampler (--upsampler " + w.path() + "): " + open_upsampler(w.path())->describe(); });
  if (w.has("model.1.norm.weight"))
    found.push_back("norm of the backbone's features, " + std::to_string(w.shape("model.1.norm.weight").elements()) + " channels");
  if (w.entries().size() == 1 || w.has("features")) {
    const Shape s = w.has("features") ? w.shape("features") : w.entries().begin()->second.shape;
    if (s.rank() == 3 || (s.rank() == 4 && s[0] == 1)) found.push_back("a feature map (--features " + w.path() + ", or featup show)");
    if (s.rank() == 2) found.push_back("a matrix (--project " + w.path() + ", for features of " + std::to_string(s[0]) + " channels)");
  }
  return found;
}

}  // namespace

int run_info(const Options& o) {
  Report report("info", o);
  const std::string& path = o.inputs.front();
  const Weights w(path);
  Index numbers = 0;
  std::map<std::string, Index> types;
  for (const auto& [name, e] : w.entries()) {
    numbers += e.shape.elements();
    ++types[dtype_name(e.type)];
  }
  const auto found = parts(w);
  report["format"] = w.format();
  report["tensors"] = w.entries().size();
  report["numbers"] = numbers;
  report["types"] = types;
  report["metadata"] = w.metadata();
  report["parts"] = found;
  for (const auto& [name, e] : w.entries()) {
    std::vector<Index> shape;
    for (int i = 0; i < e.shape.rank(); ++i) shape.push_back(e.shape[i]);
    report["entries"][name] = {{"dtype", dtype_name(e.type)}, {"shape", shape}};
  }
  if (!o.json) {
    std::printf("%s: %s, %zu tensors, %ld numbers%s%s%s\n", path.c_str(), w.format().c_str(), w.entries().size(), static_cast<long>(numbers),
                w.root().empty() ? "" : ", under '", w.root().c_str(), w.root().empty() ? "" : "'");
    for (const std::string& part : found) std::printf("  %s\n", part.c_str());
    if (found.empty()) std::printf("  nothing that this program knows how to use\n");
    std::size_t listed = 0;
    for (const auto& [key, value] : w.metadata())
      if (++listed <= 20) std::printf("  metadata %s: %s\n", printable(key).c_str(), printable(value).c_str());
    listed = 0;
    for (const auto& [name, e] : w.entries()) {
      if (listed == 20 && !o.all) {
        std::printf("  ... %zu more; --all lists them\n", w.entries().size() - listed);
        break;
      }
      ++listed;
      std::printf("  %-48s %-5s %s\n", printable(name).c_str(), dtype_name(e.type), shape_text(e.shape).c_str());
    }
  }
  report.print();
  return 0;
}

}  // namespace fu
