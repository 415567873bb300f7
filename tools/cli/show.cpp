// featup show and featup info: what is in feature and weight files.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iomanip>

#include "core/files/bytes.h"
#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/backbones/registry.h"
#include "featup/fit/fitted_map.h"
#include "featup/jbu/jbu.h"
#include "tools/cli/commands.h"
#include "tools/media/image_io.h"
#include "tools/media/page.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

/// The size at which a page shows a map: its own, or as large as a page may be.
Extent shown_size(Index height, Index width) {
  const double shrink =
      std::min(1.0, std::sqrt(static_cast<double>(kPagePixels) / static_cast<double>(height * width)));
  const auto shrunk = [&](Index n) { return std::max<Index>(1, static_cast<Index>(static_cast<double>(n) * shrink)); };
  return {shrunk(height), shrunk(width)};
}

/// What a page shows of a fit.
PageData page_of_fit(const FittedMap& fit) {
  PageData page;
  const auto [h, w] = shown_size(fit.photo.height, fit.photo.width);
  page.photo = h < fit.photo.height || w < fit.photo.width ? resize_antialiased(fit.photo, h, w) : fit.photo;
  const Pca pca = fit_pca(fit.low, std::min(page_components(h * w), fit.channels()));
  const ChannelMap map{pca.components.permute({1, 0}),
                       unary(Unary::affine, linear(pca.mean, pca.components, Tensor()), -1)};
  FittedRenderer renderer(fit, page.photo, &map);
  page.high = Tensor({1, h, w, renderer.channels()});
  renderer.render(0, 0, h, w, page.high.data());
  page.low = pca.project(fit.low);
  if (fit.extra.count("scale_net.net.weight")) {
    const Tensor low = fit.pca.components.size() > 0 ? fit.pca.project(fit.low) : fit.low;
    const Tensor weight = fit.extra.at("scale_net.net.weight").reshape({1, low.dim(3)}),
                 bias = fit.extra.at("scale_net.net.bias");
    page.maps.push_back(
        {"uncertainty", unary(Unary::exp, linear(low, weight, bias)).reshape({low.dim(1), low.dim(2)})});
  }
  if (fit.extra.count("history")) {
    const Tensor& rows = fit.extra.at("history");
    const char* const names[] = {"loss", "explained variance of unseen views"};
    for (Index column : {Index{2}, Index{3}}) {
      PageData::Curve curve{names[column - 2], {}};
      for (Index i = 0; i < rows.dim(0); ++i) curve.values.push_back(static_cast<double>(rows.data()[4 * i + column]));
      page.curves.push_back(curve);
    }
  }
  for (const char* key : {"input", "backbone", "size", "views", "steps", "explained", "seconds", "options"}) {
    const auto it = fit.settings.find(key);
    if (it == fit.settings.end()) continue;
    const bool measured =
        std::string(key) == "explained" || std::string(key) == "seconds";  // in the file to the last bit
    page.settings.emplace_back(
        key, measured ? cat(std::setprecision(3), std::strtod(it->second.c_str(), nullptr)) : it->second);
  }
  return page;
}

PageData page_of_map(const Options& o, const std::string& path) {
  PageData page;
  const Image photo = o.page.image.empty() ? Image() : read_image(o.page.image);
  Tensor map = read_features(path, parse_layout(o.features_layout), {photo.height, photo.width});
  const auto [h, w] = shown_size(map.dim(1), map.dim(2));
  if (h < map.dim(1) || w < map.dim(2)) map = adaptive_avg_pool(map, h, w);
  Tensor low = o.page.low.empty()
                   ? adaptive_avg_pool(map, std::max<Index>(1, map.dim(1) / 16), std::max<Index>(1, map.dim(2) / 16))
                   : read_features(o.page.low, parse_layout(o.features_layout), {map.dim(1), map.dim(2)});
  require<UsageError>(low.dim(3) == map.dim(3), o.page.low, ": has ", low.dim(3), " channels, ", path, " has ",
                      map.dim(3), ".");
  page.photo = photo.height > 0 ? resize_antialiased(photo, map.dim(1), map.dim(2)) : FeatureColors(map).paint(map);
  const Pca pca = fit_pca(map, std::min(page_components(map.dim(1) * map.dim(2)), map.dim(3)));
  page.low = pca.project(low), page.high = pca.project(map);
  page.settings = {{"features", path},
                   {"channels", std::to_string(map.dim(3))},
                   {"photo", o.page.image.empty() ? "not given: colours of the features in its place" : o.page.image},
                   {"low resolution", o.page.low.empty() ? "the map, pooled 16 by 16" : o.page.low}};
  return page;
}

int show_page(const Options& o) {
  Report report("show", o);
  require<UsageError>(o.inputs.size() == 1, "--html shows one fit or one map; ", o.inputs.size(), " files were given.");
  const std::string& input = o.inputs.front();
  std::string name = std::filesystem::path(input).stem().string();
  const std::string ending = ".fit";
  if (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0)
    name.resize(name.size() - ending.size());
  const std::string output = output_file(o, name + ".html");
  Options protects = o;
  protects.inputs.push_back(o.page.image), protects.inputs.push_back(o.page.low);
  protect_inputs(protects, {output});
  const bool fitted = FittedMap::present(input);
  require<UsageError>(!fitted || (o.page.image.empty() && o.page.low.empty()), input,
                      ": is a fit, which holds its photo and its low-resolution map.");
  PageData page = fitted ? page_of_fit(FittedMap::load(input)) : page_of_map(o, input);
  page.name = name;
  Tensor magnitude({page.high.dim(1), page.high.dim(2)});
  const Index k = page.high.dim(3);
  for (Index p = 0; p < magnitude.size(); ++p) {
    double square = 0;
    for (Index j = 0; j < k; ++j) square += std::pow(static_cast<double>(page.high.data()[p * k + j]), 2);
    magnitude.data()[p] = static_cast<real>(std::sqrt(square));
  }
  page.maps.push_back({"magnitude of the features less their mean", magnitude});
  report.stage("read");
  const std::string text = html_page(page);
  OutputFile file(output);
  file.write(text.data(), text.size());
  file.commit();
  report.stage("write");
  report["outputs"] = {output};
  if (!o.quiet && !o.json)
    std::printf("%s: %.1f MB, open it in a browser -> %s\n", input.c_str(), static_cast<double>(text.size()) / 1e6,
                output.c_str());
  report.print();
  return 0;
}

}  // namespace

int run_show(const Options& o) {
  if (o.page.html) return show_page(o);
  require<UsageError>(o.page.image.empty() && o.page.low.empty(), "--image and --low go with --html.");
  Report report("show", o);
  std::vector<Tensor> maps;
  Index height = 0;
  for (const std::string& path : o.inputs) {
    maps.push_back(read_features(path, parse_layout(o.features_layout), {}));
    require<UsageError>(maps.back().dim(3) == maps.front().dim(3), path, ": has ", maps.back().dim(3), " channels, ",
                        o.inputs.front(), " has ", maps.front().dim(3),
                        ". Maps that share a picture must have equally many.");
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
  if (!o.quiet && !o.json)
    std::printf("%zu maps of %ld channels -> %s\n", maps.size(), static_cast<long>(maps.front().dim(3)),
                output.c_str());
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
  if (const BackboneFamily* family = recognise_backbone(w, prefix))
    attempt([&] {
      return "backbone (--backbone " + w.path() + "): " + family->open(w, prefix, {})->describe() +
             (prefix.empty() ? "" : ", under '" + printable(prefix) + "'");
    });
  if (JbuStack::present(w))
    attempt([&] { return "upsampler (--upsampler " + w.path() + "): " + open_upsampler(w.path())->describe(); });
  if (FittedMap::present(w.path()))
    found.push_back("a fit of one photo (featup query " + w.path() + ", or featup show --html " + w.path() + ")");
  if (w.has("model.1.norm.weight"))
    found.push_back("norm of the backbone's features, " + std::to_string(w.shape("model.1.norm.weight").elements()) +
                    " channels");
  if (w.entries().size() == 1 || w.has("features")) {
    const Shape s = w.has("features") ? w.shape("features") : w.entries().begin()->second.shape;
    if (s.rank() == 3 || (s.rank() == 4 && s[0] == 1))
      found.push_back("a feature map (--features " + w.path() + ", or featup show)");
    if (s.rank() == 2)
      found.push_back("a matrix (--project " + w.path() + ", for features of " + std::to_string(s[0]) + " channels)");
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
    std::printf("%s: %s, %zu tensors, %ld numbers%s%s%s\n", path.c_str(), w.format().c_str(), w.entries().size(),
                static_cast<long>(numbers), w.root().empty() ? "" : ", under '", w.root().c_str(),
                w.root().empty() ? "" : "'");
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
