// featup show: feature files as a picture, or one of them as a page for the browser.
#include <algorithm>
#include <filesystem>

#include "core/ops.h"
#include "featup/fit/fitted_map.h"
#include "tools/cli/arguments.h"
#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/program.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"
#include "tools/cli/show_page.h"
#include "tools/media/fit_page.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"
#include "tools/media/whole_file.h"

namespace fu {

namespace {

struct ShowCommand {
  std::vector<std::string> files;
  std::string output, layout = "auto", image, low;
  bool html = false;
  CommonArgs common;

  void add(Command& app) {
    app.add_option("file", files, "feature maps: .npy or .safetensors; with --html one of them, or a fit").required();
    app.add_option("-o,--output", output, "the picture; default featup-out/show.png");
    FeatureArgs::add_layout(app, layout, "layout of the files: auto, hwc, chw or tokens");
    app.add_flag("--html", html,
                 "instead of a picture, a page for the browser in which features can be touched; of a fit "
                 "(NAME.fit.safetensors), or of one map");
    app.add_option("--image", image, "with --html: the photo behind a feature map; a fit holds its own");
    app.add_option("--low", low,
                   "with --html: the low-resolution map beside a feature map; default: the map, pooled 16 by 16");
    common.add(app);
    app.footer(
        "Example: featup show featup-out/photo.npy featup-out/other.npy -o both.png\n"
        "or:      featup show --html featup-out/photo.fit.safetensors -o photo.html");
  }
};

void show_page(const ShowCommand& o, Report& report) {
  require<OptionError>(o.files.size() == 1, "--html shows one fit or one map; ", o.files.size(), " files were given.");
  const std::string& input = o.files.front();
  const std::string name = stem_of(input), output = output_file(o.output, name + ".html");
  protect_inputs({input, o.image, o.low}, {output});
  const bool fitted = FittedMap::present(input);
  require<UsageError>(!fitted || (o.image.empty() && o.low.empty()), input,
                      ": is a fit, which holds its photo and its low-resolution map.");
  PageData page = fitted ? page_of_fit(FittedMap::load(input)) : page_of_map(input, o.layout, o.image, o.low);
  page.name = name;
  report.stage("read");
  const std::string text = html_page(page);
  write_whole_file(output, text);
  report.stage("write");
  report["outputs"] = {output};
  if (o.common.prints_text())
    say("%s: %.1f MB, open it in a browser -> %s\n", input.c_str(), static_cast<double>(text.size()) / 1e6,
        output.c_str());
}

std::vector<Tensor> read_maps(const ShowCommand& o) {
  std::vector<Tensor> maps;
  for (const std::string& path : o.files) {
    maps.push_back(read_features(path, parse_layout(o.layout), {}));
    require<UsageError>(maps.back().dim(3) == maps.front().dim(3), path, ": has ", maps.back().dim(3), " channels, ",
                        o.files.front(), " has ", maps.front().dim(3),
                        ". Maps that share a picture must have equally many.");
  }
  return maps;
}

/// One projection for all maps. Each gives equally many vectors to it, so that a large one counts no more than a small
/// one.
FeatureColors shared_colors(const std::vector<Tensor>& maps) {
  constexpr Index kVectors = 10000;
  std::vector<Tensor> samples;
  for (const Tensor& map : maps) {
    const Index c = map.dim(3), n = map.size() / c, take = std::min(n, kVectors);
    Tensor sample({take, c});
    for (Index i = 0; i < take; ++i) std::copy_n(map.data() + i * n / take * c, c, sample.data() + i * c);
    samples.push_back(sample);
  }
  return FeatureColors(concat(samples, 0));
}

Image picture_of(const std::vector<Tensor>& maps) {
  constexpr Index kLowest = 224, kHighest = 2048, kWidest = 8192;  // pixels
  const FeatureColors colors = shared_colors(maps);
  Index height = 0;
  for (const Tensor& map : maps) height = std::max(height, map.dim(1));
  height = std::clamp(height, kLowest, kHighest);
  std::vector<Image> pictures;
  for (const Tensor& map : maps) {
    const Index width = map.dim(2) * height / map.dim(1);
    require<UsageError>(width <= kWidest, "a map of ", map.dim(1), "x", map.dim(2),
                        " is too long for a picture. Give --features-layout if it was misread.");
    pictures.push_back(enlarge_nearest(colors.paint(map), height, std::max<Index>(1, width)));
  }
  return side_by_side(pictures);
}

void show_picture(const ShowCommand& o, Report& report) {
  require<OptionError>(o.image.empty() && o.low.empty(), "--image and --low go with --html.");
  const std::string output = output_file(o.output, "show.png");
  protect_inputs(o.files, {output});
  const std::vector<Tensor> maps = read_maps(o);
  report.stage("read");
  const Image picture = picture_of(maps);
  write_png(output, picture);
  report.stage("paint");
  report["outputs"] = {output};
  report["channels"] = maps.front().dim(3);
  if (o.common.prints_text())
    say("%zu maps of %ld channels -> %s\n", maps.size(), static_cast<long>(maps.front().dim(3)), output.c_str());
}

int run_show(const ShowCommand& o, const Program&) {
  Report report("show", o.files, o.common.json);
  if (o.html)
    show_page(o, report);
  else
    show_picture(o, report);
  report.print();
  return 0;
}

}  // namespace

void add_show(Command& command, Program& program) { add_command(command, program, run_show); }

}  // namespace fu
