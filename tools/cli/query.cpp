// featup query: features of a fitted photo at any size, part or point.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "featup/fit/photo_window.h"
#include "featup/upsamplers/components_map.h"
#include "tools/cli/channel_maps.h"
#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr Index kMaxPixels = Index{1} << 28;  // of the whole photo at the size that was asked for

struct QueryCommand {
  std::vector<std::string> files;
  std::string output, size, crop, points, image;
  ProjectionArgs projection;
  FormatArgs format;
  CommonArgs common;

  const std::string& input() const { return files.front(); }
  void add(Command& app) {
    app.add_option("file", files, "what featup fit wrote").required().expected(1);
    app.add_option("-o,--output", output, "the features; default featup-out/NAME.npy, with a picture beside it");
    app.add_option("--size", size, "HxW of the whole photo, any aspect; default: as it was fitted");
    app.add_option("--crop", crop, "TOP,LEFT,HEIGHT,WIDTH: only this part of it, in pixels of --size");
    app.add_option("--points", points,
                   "(N,2) .npy of rows and columns, in pixels of the fitted photo, (0,0) the centre of the first: the "
                   "result is (N,C)");
    app.add_option("--image", image,
                   "take colours from this photo, the one that was fitted; default: the copy inside the file, which "
                   "has only the size of the fit");
    projection.add(app);
    format.add(app);
    common.add(app);
    app.footer("Example: featup query featup-out/photo.fit.safetensors --image photo.jpg --size 896x1344");
  }
};

ImagePart part_of(const std::string& crop, Extent size) {
  if (crop.empty()) return {0, 0, size.height, size.width};
  const std::string rule = cat("--crop '", crop, "': give TOP,LEFT,HEIGHT,WIDTH in pixels of the result, inside ",
                               size.height, "x", size.width, ".");
  ImagePart part{};
  const char *at = crop.data(), *const end = at + crop.size();
  for (Index* number : {&part.top, &part.left, &part.rows, &part.cols}) {
    require<OptionError>(number == &part.top || (at != end && *at++ == ','), rule);
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, *number);
    require<OptionError>(error == std::errc{}, rule);
    at = next;
  }
  require<OptionError>(at == end, rule);
  require<UsageError>(part.top >= 0 && part.left >= 0 && part.rows >= 1 && part.cols >= 1 &&
                          part.top <= size.height - part.rows && part.left <= size.width - part.cols,
                      rule);
  return part;
}

/// One query under way.
class Query {
 public:
  Query(const QueryCommand& command)
      : o_(command),
        fit_(FittedMap::load(o_.input())),
        file_(output_file(o_.output, stem_of(o_.input()) + o_.format.extension())),
        picture_(with_extension(file_, ".png")) {
    protect_inputs({o_.input(), o_.image, o_.points, o_.projection.project}, {file_, picture_});
    if (o_.points.empty()) protect_pictures(o_.output, {picture_});
    check_outputs({file_, picture_});
    require<OptionError>(o_.projection.project.empty() || o_.projection.pca == 0,
                         "--project and --pca: give one of them.");
    require<OptionError>(o_.points.empty() || (o_.size.empty() && o_.crop.empty()),
                         "--points are places in the photo: --size and --crop do not go with them.");
    map_ = channel_map(o_.projection, read_projection(o_.projection.project), fit_.low, "the fit has");
    size_ = o_.size.empty() ? own() : parse_extent("--size", o_.size);
    require<UsageError>(size_.height * size_.width <= kMaxPixels, "--size ", o_.size,
                        ": more than 2^28 pixels. Give a smaller one.");
  }

  bool of_points() const { return !o_.points.empty(); }
  void write_points(Report& report) const;
  void write_map(Report& report) const;

 private:
  /// Size of the fit.
  Extent own() const { return {fit_.photo.height, fit_.photo.width}; }
  const ChannelMap* map() const { return map_.matrix.size() > 0 ? &map_ : nullptr; }
  PhotoWindow photo_at(Extent size, const ImagePart& part) const;
  void write_features_of(const ImagePart& part, FittedRenderer& renderer, ProgressBar& bar) const;
  Image picture_of(const ImagePart& part, const FeatureColors& colors) const;

  const QueryCommand& o_;
  FittedMap fit_;
  std::string file_, picture_;
  ChannelMap map_;
  Extent size_;
};

/// Whether two pictures of one size may show the same: they differ by no more than half of what the first differs from
/// its mean colour, or than a compressed copy may.
bool resembles(const Image& picture, const Image& other) {
  constexpr double kCompressed = 12;  // of 255, the mean over pixels and colours
  const std::size_t n = picture.rgb.size();
  double mean[3] = {}, difference = 0, spread = 0;
  for (std::size_t i = 0; i < n; ++i) mean[i % 3] += 3.0 * picture.rgb[i] / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    difference += std::abs(picture.rgb[i] - other.rgb[i]);
    spread += std::abs(picture.rgb[i] - mean[i % 3]);
  }
  return difference <= std::max(spread / 2, kCompressed * static_cast<double>(n));
}

/// A part of the fitted picture at a size, whatever its shape; of the photo itself, what was fitted.
PhotoWindow Query::photo_at(Extent size, const ImagePart& part) const {
  if (o_.image.empty()) return photo_window(fit_, nullptr, size, part);
  const Image photo = read_image(o_.image);
  require<UsageError>(
      resembles(fit_.photo, photo_window(fit_, &photo, own(), {0, 0, own().height, own().width}).pixels), o_.image,
      ": is not the photo that was fitted. Give that photo, at any resolution.");
  return photo_window(fit_, &photo, size, part);
}

void Query::write_points(Report& report) const {
  const Weights weights(o_.points);
  const Tensor points = weights.read_single();
  require<UsageError>(points.rank() == 2 && points.dim(1) == 2 && points.dim(0) >= 1, o_.points, ": is ",
                      points.shape(), "; points are (N,2): rows and columns in pixels of the fitted photo, ",
                      own().height, "x", own().width, ".");
  FittedRenderer renderer(fit_, photo_at(own(), {0, 0, own().height, own().width}), map());
  const Tensor result = renderer.at(points);
  require_finite(file_, result.data(), result.size());
  const OutputFormat format = o_.format.parsed();
  if (format.safetensors)
    write_safetensors(file_, "features", result.shape(), elements_of(result), {{"fit", o_.input()}}, format.type);
  else
    write_npy(file_, result, format.type);
  report.stage("query");
  report["outputs"] = {file_};
  report["points"] = result.dim(0), report["channels"] = result.dim(1);
  if (o_.common.prints_text())
    say("%s: %ld points, %ld channels -> %s\n", o_.input().c_str(), static_cast<long>(result.dim(0)),
        static_cast<long>(result.dim(1)), file_.c_str());
}

void Query::write_features_of(const ImagePart& part, FittedRenderer& renderer, ProgressBar& bar) const {
  const Index rows = part.rows, cols = part.cols, c = renderer.channels();
  const OutputFormat format = o_.format.parsed();
  std::map<std::string, std::string> metadata = {{"fit", o_.input()}};
  if (format.layout == Layout::chw) {
    Tensor result({1, rows, cols, c});
    renderer.render(part.top, part.left, rows, cols, result.data());
    return write_features(file_, result, format, metadata);
  }
  // Elements are asked for in order, so a band of rows is enough: the result itself is never kept whole.
  const Index band = std::max<Index>(1, (Index{1} << 22) / (cols * c));
  std::vector<real> held(usize(std::min(band, rows) * cols * c));
  Index first = 0, last = 0;  // rows in `held`
  const ElementSource source = [&](Index begin, Index n, real* out) {
    while (n > 0) {
      const Index row = begin / (cols * c);
      if (row < first || row >= last) {
        first = row, last = std::min(rows, row + band);
        renderer.render(part.top + first, part.left, last - first, cols, held.data());
        require_finite(file_, held.data(), (last - first) * cols * c);
        bar.update(static_cast<double>(first) / static_cast<double>(rows), "render");
      }
      const Index take = std::min(n, last * cols * c - begin);
      std::copy_n(held.data() + begin - first * cols * c, take, out);
      begin += take, n -= take, out += take;
    }
  };
  metadata["layout"] = "hwc";
  if (format.safetensors)
    write_safetensors(file_, "features", {rows, cols, c}, source, metadata, format.type);
  else
    write_npy(file_, {rows, cols, c}, source, format.type);
}

/// Photo and colours of the same part, the whole no larger than a screen shows.
Image Query::picture_of(const ImagePart& part, const FeatureColors& colors) const {
  constexpr double kSide = 2048;
  const double shrink = std::min(1.0, kSide / static_cast<double>(std::max(part.rows, part.cols)));
  const auto shrunk = [&](Index n) { return std::max<Index>(1, static_cast<Index>(static_cast<double>(n) * shrink)); };
  const Extent small{shrunk(size_.height), shrunk(size_.width)};
  const ChannelMap three = map_to(colors.pca());
  const Index top = std::min(shrunk(part.top + 1) - 1, small.height - 1),
              left = std::min(shrunk(part.left + 1) - 1, small.width - 1);
  const Index height = std::min(shrunk(part.rows), small.height - top),
              width = std::min(shrunk(part.cols), small.width - left);
  const PhotoWindow seen = photo_at(small, {top, left, height, width});
  FittedRenderer painter(fit_, seen, &three);
  Tensor components({1, height, width, painter.channels()});
  painter.render(top, left, height, width, components.data());
  return side_by_side({seen.pixels, colors.paint_components(components)});
}

void Query::write_map(Report& report) const {
  const ImagePart part = part_of(o_.crop, size_);
  FittedRenderer renderer(fit_, photo_at(size_, part), map());
  ProgressBar bar("query " + stem_of(o_.input()), o_.common.quiet);
  const FeatureColors colors(fit_.low);
  write_features_of(part, renderer, bar);
  report.stage("query");
  if (!picture_.empty()) write_png(picture_, picture_of(part, colors));
  report.stage("write");
  bar.finish();
  report["outputs"] = {file_};
  if (!picture_.empty()) report["outputs"].push_back(picture_);
  report["out_size"] = {part.rows, part.cols}, report["channels"] = renderer.channels();
  if (o_.common.prints_text())
    say("%s: %ldx%ldx%ld features -> %s\n", o_.input().c_str(), static_cast<long>(part.rows),
        static_cast<long>(part.cols), static_cast<long>(renderer.channels()),
        named_with_picture(file_, picture_).c_str());
}

int run_query(const QueryCommand& o, const Program&) {
  Report report("query", o.files, o.common.json);
  const Query query(o);
  report.stage("load");
  if (query.of_points())
    query.write_points(report);
  else
    query.write_map(report);
  report.print();
  return 0;
}

}  // namespace

void add_query(Command& command, Program& program) { add_command(command, program, run_query); }

}  // namespace fu
