// A grid fitted to a number of looks at each photo, as an upsampler.
#include <algorithm>
#include <locale>
#include <sstream>

#include "core/ops.h"
#include "featup/builtin/builtin.h"
#include "featup/fit/fit_options.h"
#include "featup/fit/fitted_map.h"
#include "featup/upsamplers/learned_jbu.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

constexpr Index kDefaultLooks = 100;
constexpr double kDefaultSmoothness = 0.3;
constexpr double kLeastLink = 0.03;  // across edges of the photo; the stack's map has these edges already
constexpr int kIterations = 16;      // of conjugate gradients, which have converged then

/// What stands after "fit".
struct Looks {
  double smoothness = kDefaultSmoothness;
  Index count = kDefaultLooks;
};

/// The 8-bit picture behind a normalised image.
Image picture_of(const Tensor& image) {
  const Tensor colors = denormalize(image);
  Image picture{image.dim(1), image.dim(2), {}};
  for (Index i = 0; i < colors.size(); ++i)
    picture.rgb.push_back(
        static_cast<unsigned char>(std::clamp(colors.data()[i] * 255 + real(0.5), real(0), real(255))));
  return picture;
}

/// Solves for the grid that predicts `count` views of the photo, the photo itself being the first, with a prior about
/// the built-in stack's map of it. Unlike a FitRun it holds no views out, because nothing judges the result, and it
/// projects views before it fits them: a fit of 11 class maps costs little more than its looks. memory: the result, the
/// normal equations (2 KB a cell of 4x4 pixels with patches of 16), and some maps of a quarter of the photo's size.
class FitUpsampler : public Upsampler {
 public:
  FitUpsampler(const Looks& looks, const UpsamplerOptions& options)
      : looks_(looks), options_(options), stack_(builtin_stack(), false) {
    require<UsageError>(static_cast<bool>(options.backbone),
                        "upsampler fit (and so quality better and best): looks at the photo many times, so it needs a "
                        "backbone; features from a file are one look. Give a backbone, or choose another upsampler.");
  }
  std::string describe() const override {
    return cat("fit: a grid fitted to ", looks_.count,
               " looks at this photo, about the built-in stack's map, smoothness ", looks_.smoothness);
  }
  Cost cost() const override { return Cost::many_passes; }

  Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const override {
    const Index channels = map ? map->matrix.dim(-1) : features.dim(3);
    // First: a result that is too large is refused before any work.
    Tensor result({1, size.height, size.width, channels});
    const Tensor image = guide(0, 0);
    FittedMap fit;
    fit.photo = picture_of(image);
    fit.grid = fitted_grid(features, image, guide, channels, map, progress), fit.widths = GridOptions{}.widths;
    const bool same = size.height == fit.photo.height && size.width == fit.photo.width;
    FittedRenderer(fit, same ? fit.photo : picture_of(guide(size.height, size.width)))
        .render(0, 0, size.height, size.width, result.data());
    return map && map->offset.size() > 0 ? result + map->offset : result;
  }

 private:
  /// Of `channels`: those of the features, or of the map over them, without its offset.
  Tensor fitted_grid(const Tensor& features, const Tensor& image, const Guide& guide, Index channels,
                     const ChannelMap* map, const Progress& progress) const {
    GridOptions options;
    options.smoothness = looks_.smoothness, options.least_link = kLeastLink;
    GridSystem system(denormalize(image), channels, options);
    const ChannelMap linear_part{map ? map->matrix : Tensor(), Tensor()};
    const Tensor rows = map ? map->matrix.permute({1, 0}) : Tensor();
    const FitOptions defaults;
    const Index h = image.dim(1), w = image.dim(2), pad = std::min(defaults.max_pad, std::min(h, w) - 1);
    Random random(options_.seed, 1);
    for (Index i = 0; i < looks_.count; ++i) {
      if (progress) progress(0.9 * static_cast<double>(i) / static_cast<double>(looks_.count));
      Jitter jitter;
      jitter.max_pad = 0;
      if (i > 0) jitter = draw_jitter(random, h, w, pad, defaults.max_zoom);
      const Tensor view = i == 0 ? features : options_.backbone(apply_jitter(image, jitter));
      system.add(jitter, map ? linear(view, rows, Tensor()) : view);
    }
    const Extent cells{system.cells().dim(1), system.cells().dim(2)};
    return system.solve_about(stack_(features, guide, cells, map ? &linear_part : nullptr, {}), kIterations);
  }

  Looks looks_;
  UpsamplerOptions options_;
  LearnedJbu stack_;
};

/// A number in plain text that fills all of it; 0 if it is none.
double number_in(const std::string& text) {
  std::istringstream stream(text);
  stream.exceptions(std::ios::badbit);  // a stream else takes missing memory for the end of the text
  stream.imbue(std::locale::classic());
  double value = 0;
  return (stream >> std::noskipws >> value) && stream.peek() == std::char_traits<char>::eof() ? value : 0;
}

/// argument: "", ":S", "@N" or ":S@N".
Looks looks_of(const std::string& argument) {
  Looks looks;
  const std::size_t at = std::min(argument.find('@'), argument.size());
  if (at > 0) looks.smoothness = argument[0] == ':' ? number_in(argument.substr(1, at - 1)) : 0;
  const std::string count = argument.substr(at);
  if (!count.empty()) {
    const bool digits =
        count.size() >= 2 && count.size() <= 7 && count.find_first_not_of("0123456789", 1) == count.npos;
    looks.count = digits ? static_cast<Index>(number_in(count.substr(1))) : 0;
  }
  require<UsageError>(
      looks.smoothness > 0 && looks.smoothness <= 1e3 && looks.count >= 1, "upsampler fit", argument,
      ": write fit or fit:S, S above 0 and at most 1000, the weight of the prior, such as 0.3; @N after "
      "it looks N times at the photo, as in fit:0.3@10.");
  return looks;
}

}  // namespace

UpsamplerMethod upsampler_fit() {
  UpsamplerMethod method;
  method.name = method.in_tables = "fit";
  method.usage = "fit[:SMOOTHNESS][@LOOKS]";
  method.summary = "a grid of features fitted to 100 or LOOKS looks at each photo";
  method.cost = Cost::many_passes;
  method.qualities = {{"better", "fit:0.3@10", "a fit to ten looks"}, {"best", "fit:0.3@100", "a fit to a hundred"}};
  method.open = [](const std::string& argument, const UpsamplerOptions& options) {
    return std::make_unique<FitUpsampler>(looks_of(argument), options);
  };
  return method;
}

}  // namespace fu
