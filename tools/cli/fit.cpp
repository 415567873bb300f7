// featup fit and featup query: an implicit upsampler for one photo, and its features at any resolution.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "featup/fit/fit_run.h"
#include "tools/cli/featurize.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

FitOptions fit_options(const Options& o) {
  const Options::Fit& f = o.fit;
  const bool published = o.compat == "published";
  FitOptions fit = published ? FitOptions::published() : FitOptions();
  fit.seed = o.seed;
  fit.grid = !published && !f.no_grid;
  if (f.views > 0) fit.views = f.views;
  if (f.steps >= 0) fit.steps = f.steps;
  if (f.pca >= 0) fit.pca = f.pca;
  fit.views_per_step = f.drawn, fit.held_out = f.held_out, fit.max_pad = f.max_pad, fit.max_zoom = f.max_zoom;
  fit.grid_options.spacing = f.spacing, fit.grid_options.smoothness = f.smoothness;
  if (f.no_early_stop) fit.early_stop = false;
  ImplicitFitOptions& n = fit.network;
  n.upsampler.frequencies = f.frequencies, n.upsampler.color = !f.no_color, n.downsampler = f.downsampler,
  n.kernel = f.kernel;
  n.upsampler.dropout_in = f.dropout_in, n.upsampler.dropout_hidden = f.dropout_hidden,
  n.dropout_saliency = f.dropout_saliency;
  if (f.max_frequency > 0) fit.max_frequency = f.max_frequency;
  fit.lr_schedule = f.schedule, fit.coarse_steps = f.coarse_steps;
  n.uncertainty = !f.no_uncertainty, n.lr = f.lr, n.magnitude = f.magnitude, n.tv = f.tv, n.blur_pin = f.blur_pin;
  return fit;
}

ChannelMap projection_to(const Pca& pca) {
  return {pca.components.permute({1, 0}), unary(Unary::affine, linear(pca.mean, pca.components, Tensor()), -1)};
}

/// Downsampler's kernels and saliency, where the fit has them; uncertainty; the course of the loss and of the explained
/// variance.
std::vector<Image> diagnostics(const FittedMap& fit, Index height) {
  std::vector<Image> row;
  const Tensor low = fit.pca.components.size() > 0 ? fit.pca.project(fit.low) : fit.low;
  if (fit.extra.count("scale_net.net.weight")) {
    const Tensor w = fit.extra.at("scale_net.net.weight").reshape({1, low.dim(3)}),
                 b = fit.extra.at("scale_net.net.bias");
    row.push_back(enlarge_nearest(heat_picture(unary(Unary::exp, linear(low, w, b)).reshape({low.dim(1), low.dim(2)})),
                                  height, height * low.dim(2) / low.dim(1)));
  }
  if (fit.extra.count("downsampler.w")) {
    for (const char* name : {"downsampler.w", "downsampler.b"})
      row.push_back(enlarge_nearest(heat_picture(fit.extra.at(name)), height, height));
    FittedRenderer renderer(fit, fit.photo);
    Tensor map({1, fit.photo.height, fit.photo.width, renderer.channels()});
    renderer.render(0, 0, map.dim(1), map.dim(2), map.data());
    const Tensor v = fit.extra.at("downsampler.attention_net.1.weight").reshape({-1}),
                 kept = fit.pca.components.size() > 0 ? fit.pca.project(map) : map;
    const Tensor read = norm_dot_energy(kept, v.slice(1, v.dim(0))).value;
    Tensor saliency({map.dim(1), map.dim(2)});
    for (Index p = 0; p < saliency.size(); ++p)
      saliency.data()[p] = read.data()[3 * p] * v.data()[0] + read.data()[3 * p + 1];
    row.push_back(enlarge_nearest(heat_picture(saliency), height, height * map.dim(2) / map.dim(1)));
  } else if (fit.extra.count("downsampler.kernel_params")) {
    row.push_back(
        enlarge_nearest(heat_picture(unary(Unary::abs, fit.extra.at("downsampler.kernel_params"))), height, height));
  }
  if (fit.extra.count("history")) {
    const Tensor& h = fit.extra.at("history");
    for (Index column : {Index{2}, Index{3}}) {
      std::vector<double> values;
      for (Index i = 0; i < h.dim(0); ++i) values.push_back(static_cast<double>(h.data()[4 * i + column]));
      row.push_back(curve_picture(values, height, height * 3 / 2));
    }
  }
  return row;
}

std::string stem_of(const std::string& path) {
  std::string stem = std::filesystem::path(path).stem().string();
  const std::string fit = ".fit";
  if (stem.size() > fit.size() && stem.compare(stem.size() - fit.size(), fit.size(), fit) == 0)
    stem.resize(stem.size() - fit.size());
  return stem;
}

}  // namespace

int run_fit(const Options& o) {
  Report report("fit", o);
  const FitOptions options = fit_options(o);
  const Featurizer featurizer(o);
  require<UsageError>(
      featurizer.backbone(),
      "fit looks at the photo many times, so it needs a backbone; features from a file are one look. Give --backbone.");
  const std::string& input = o.inputs[0];
  const std::string file = output_file(o, stem_of(input) + ".fit.safetensors"), picture = with_extension(file, ".png");
  protect_inputs(o, {file, picture});
  check_outputs(file, picture);
  report["backbone"] = featurizer.describe();
  report.stage("load");
  const Scene scene = featurizer.run(input, report, {});
  const Image photo = scene.view(scene.in_size.height, scene.in_size.width, featurizer.cropped());
  FitRun run(photo, featurizer.upsampler_options().backbone, options);
  if (!o.fit.resume.empty()) {
    FittedMap before = FittedMap::load(o.fit.resume);
    before.settings["path"] = o.fit.resume;
    run.resume(before);
  }

  const double begin = now_seconds();
  const Interruptible interruptible;
  bool timed_out = false;
  ProgressBar bar("fit " + stem_of(input), o.quiet);
  while (run.work()) {
    char text[128];
    if (run.explained() > -1e9)
      std::snprintf(text, sizeof text, "%s, loss %.4f, unseen views explained %.3f", run.stage(), run.loss(),
                    run.explained());
    else
      std::snprintf(text, sizeof text, "%s", run.stage());
    bar.update(run.fraction(), text);
    timed_out = o.fit.time_budget > 0 && now_seconds() - begin > o.fit.time_budget && run.ready();
    if (interruptible.interrupted() || timed_out) break;
  }
  const FittedMap fitted = [&] {
    FittedMap fit = run.result();
    fit.settings["input"] = input, fit.settings["backbone"] = featurizer.describe(), fit.settings["size"] = o.size;
    fit.settings["cropped"] = featurizer.cropped() ? "1" : "0";
    fit.settings["views"] = std::to_string(run.views()), fit.settings["steps"] = std::to_string(run.steps());
    fit.settings["options"] = o.fit.line;
    fit.settings["seconds"] = std::to_string(now_seconds() - begin);
    return fit;
  }();
  report.stage("fit");
  bar.update(1, "write");
  fitted.save(file);

  const FeatureColors colors(fitted.low);
  const ChannelMap three = projection_to(colors.pca());
  FittedRenderer renderer(fitted, photo, &three);
  Tensor map({1, photo.height, photo.width, renderer.channels()});
  renderer.render(0, 0, photo.height, photo.width, map.data());
  const Index side = 1024;
  const Tensor coarse = resize_bilinear(colors.pca().project(fitted.low), photo.height, photo.width);
  const Image top = side_by_side(
      {fit_picture(photo, side),
       fit_picture(enlarge_nearest(colors.paint(fitted.low), photo.height, photo.width), side),
       fit_picture(colors.paint_components(coarse), side), fit_picture(colors.paint_components(map), side)});
  write_png(picture, stacked({top, side_by_side(diagnostics(fitted, std::min(photo.height, side)))}));
  report.stage("write");
  bar.finish();

  report["outputs"] = {file, picture};
  report["in_size"] = {photo.height, photo.width};
  report["lr_size"] = {fitted.low.dim(1), fitted.low.dim(2)};
  report["channels"] = fitted.channels();
  report["views"] = run.views(), report["steps"] = run.steps();
  report["loss"] = run.best_loss(), report["explained_variance"] = run.explained(),
  report["explained_variance_bilinear"] = run.explained_bilinear();
  if (!o.quiet && !o.json) {
    if (interruptible.interrupted() || timed_out)
      std::printf("%s: the best so far is kept%s%s\n", interruptible.interrupted() ? "interrupted" : "time is up",
                  run.steps() > 0 ? "; it goes on with the same command and --resume " : "",
                  run.steps() > 0 ? file.c_str() : "");
    std::printf(
        "%s: loss %.4f, unseen views explained %.3f (bilinear %.3f), %ld views, %ld steps, %.1f s -> %s, picture %s\n",
        input.c_str(), run.best_loss(), run.explained(), run.explained_bilinear(), static_cast<long>(run.views()),
        static_cast<long>(run.steps()), report.seconds(), file.c_str(), picture.c_str());
  }
  report.print();
  return 0;
}

int run_query(const Options& o) {
  Report report("query", o);
  const std::string& input = o.inputs[0];
  const FittedMap fit = FittedMap::load(input);
  const OutputFormat format = parse_format(o);
  const char* extension = format.safetensors ? ".safetensors" : ".npy";
  const std::string file = output_file(o, stem_of(input) + extension), picture = with_extension(file, ".png");
  Options protects = o;
  protects.inputs.push_back(o.query.image);
  protects.inputs.push_back(o.query.points);
  protect_inputs(protects, {file, picture});
  check_outputs(file, picture);

  ChannelMap map;
  require<UsageError>(o.project.empty() || o.pca == 0, "--project and --pca: give one of them.");
  require<UsageError>(o.query.points.empty() || (o.query.size.empty() && o.query.crop.empty()),
                      "--points are places in the photo: --size and --crop do not go with them.");
  if (!o.project.empty()) {
    const Weights weights(o.project);
    map.matrix = weights.read_single();
    require<UsageError>(map.matrix.rank() == 2 && map.matrix.dim(0) == fit.channels() && map.matrix.size() > 0,
                        o.project, ": is ", map.matrix.shape(), ", but the fit has ", fit.channels(),
                        " channels: a projection is (", fit.channels(), ",K).");
    map.matrix = weights.read(weights.entries().begin()->first, map.matrix.shape());
  } else if (o.pca > 0) {
    require<UsageError>(o.pca <= fit.channels(), "--pca ", o.pca, ": the fit has ", fit.channels(),
                        " channels; keep at most that many.");
    const Pca pca = fit_pca(fit.low, o.pca);
    map = projection_to(pca);
  }
  const ChannelMap* projection = map.matrix.size() > 0 ? &map : nullptr;

  const Extent own{fit.photo.height, fit.photo.width};
  const Extent size = o.query.size.empty() ? own : parse_extent("--size", o.query.size);
  require<UsageError>(size.height * size.width <= (Index{1} << 28), "--size ", o.query.size,
                      ": more than 2^28 pixels. Give a smaller one.");
  const auto cropped = fit.settings.find("cropped");
  const bool crop = cropped != fit.settings.end() && cropped->second == "1";
  const auto at_size = [&](Extent e) {
    // The whole of the fitted picture, whatever its new shape; from the photo itself only the same part of it.
    if (o.query.image.empty())
      return e.height == own.height && e.width == own.width ? fit.photo
                                                            : resize_antialiased(fit.photo, e.height, e.width);
    const Image photo = read_image(o.query.image);
    const double scale = std::max(static_cast<double>(e.height) / static_cast<double>(own.height),
                                  static_cast<double>(e.width) / static_cast<double>(own.width));
    if (!crop) return resize_antialiased(photo, e.height, e.width);
    const Image part = cover(photo, static_cast<Index>(std::ceil(scale * static_cast<double>(own.height))),
                             static_cast<Index>(std::ceil(scale * static_cast<double>(own.width))));
    return part.height == e.height && part.width == e.width ? part : resize_antialiased(part, e.height, e.width);
  };
  const std::map<std::string, std::string> provenance = {{"fit", input}};
  report.stage("load");

  if (!o.query.points.empty()) {
    const Weights weights(o.query.points);
    const Tensor points = weights.read_single();
    require<UsageError>(points.rank() == 2 && points.dim(1) == 2 && points.dim(0) >= 1, o.query.points, ": is ",
                        points.shape(), "; points are (N,2): rows and columns in pixels of the fitted photo, ",
                        own.height, "x", own.width, ".");
    FittedRenderer renderer(fit, at_size(own), projection);
    const Tensor result = renderer.at(points);
    const auto n = result.dim(0);
    if (format.safetensors)
      write_safetensors(file, "features", result.shape(), elements_of(result), provenance, format.type);
    else
      write_npy(file, result, format.type);
    report.stage("query");
    report["outputs"] = {file};
    report["points"] = n, report["channels"] = result.dim(1);
    if (!o.quiet && !o.json)
      std::printf("%s: %ld points, %ld channels -> %s\n", input.c_str(), static_cast<long>(n),
                  static_cast<long>(result.dim(1)), file.c_str());
    report.print();
    return 0;
  }

  Index part[4] = {0, 0, size.height, size.width};
  if (!o.query.crop.empty()) {
    int length = 0;
    const int read =
        std::sscanf(o.query.crop.c_str(), "%ld,%ld,%ld,%ld%n", &part[0], &part[1], &part[2], &part[3], &length);
    require<UsageError>(read == 4 && static_cast<std::size_t>(length) == o.query.crop.size() && part[0] >= 0 &&
                            part[1] >= 0 && part[2] >= 1 && part[3] >= 1 && part[0] <= size.height - part[2] &&
                            part[1] <= size.width - part[3],
                        "--crop '", o.query.crop, "': give TOP,LEFT,HEIGHT,WIDTH in pixels of the result, inside ",
                        size.height, "x", size.width, ".");
  }
  FittedRenderer renderer(fit, at_size(size), projection);
  const Index rows = part[2], cols = part[3], c = renderer.channels();
  // The picture's three channels go along as features of their own, so that the map itself need never be kept whole.
  const FeatureColors colors(fit.low);
  ProgressBar bar("query " + stem_of(input), o.quiet);
  if (format.layout == Layout::chw) {
    Tensor result({1, rows, cols, c});
    renderer.render(part[0], part[1], rows, cols, result.data());
    write_features(file, result, format, provenance);
  } else {
    // Elements are asked for in order: bands of rows are made as they are needed.
    const Index band = std::max<Index>(1, (Index{1} << 22) / (cols * c));
    std::vector<real> held(static_cast<std::size_t>(std::min(band, rows) * cols * c));
    Index first = 0, last = 0;
    const ElementSource source = [&](Index begin, Index n, real* out) {
      while (n > 0) {
        const Index row = begin / (cols * c);
        if (row < first || row >= last) {
          first = row, last = std::min(rows, row + band);
          renderer.render(part[0] + first, part[1], last - first, cols, held.data());
          bar.update(static_cast<double>(first) / static_cast<double>(rows), "render");
        }
        const Index take = std::min(n, last * cols * c - begin);
        std::copy_n(held.data() + begin - first * cols * c, take, out);
        begin += take, n -= take, out += take;
      }
    };
    auto all = provenance;
    all["layout"] = "hwc";
    if (format.safetensors)
      write_safetensors(file, "features", {rows, cols, c}, source, all, format.type);
    else
      write_npy(file, {rows, cols, c}, source, format.type);
  }
  report.stage("query");
  // A picture of the same part, no larger than a screen shows.
  const double shrink = std::min(1.0, 2048.0 / static_cast<double>(std::max(rows, cols)));
  const auto shrunk = [&](Index n) { return std::max<Index>(1, static_cast<Index>(static_cast<double>(n) * shrink)); };
  const Extent small{shrunk(size.height), shrunk(size.width)};
  const ChannelMap three = projection_to(colors.pca());
  const Image seen = at_size(small);
  FittedRenderer painter(fit, seen, &three);
  const Index top = std::min(shrunk(part[0] + 1) - 1, small.height - 1),
              left = std::min(shrunk(part[1] + 1) - 1, small.width - 1);
  const Index height = std::min(shrunk(rows), small.height - top), width = std::min(shrunk(cols), small.width - left);
  Tensor components({1, height, width, painter.channels()});
  painter.render(top, left, height, width, components.data());
  Image photo_part{height, width, {}};
  for (Index i = 0; i < height; ++i) {
    const auto at = seen.rgb.begin() + static_cast<std::ptrdiff_t>(((top + i) * seen.width + left) * 3);
    photo_part.rgb.insert(photo_part.rgb.end(), at, at + static_cast<std::ptrdiff_t>(3 * width));
  }
  write_png(picture, side_by_side({photo_part, colors.paint_components(components)}));
  report.stage("write");
  bar.finish();
  report["outputs"] = {file, picture};
  report["out_size"] = {rows, cols}, report["channels"] = c;
  if (!o.quiet && !o.json)
    std::printf("%s: %ldx%ldx%ld features -> %s, picture %s\n", input.c_str(), static_cast<long>(rows),
                static_cast<long>(cols), static_cast<long>(c), file.c_str(), picture.c_str());
  report.print();
  return 0;
}

}  // namespace fu
