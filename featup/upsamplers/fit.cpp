// A whole fit of every photo, as an upsampler.
#include <algorithm>
#include <locale>
#include <sstream>

#include "featup/fit/fit_run.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

/// The 8-bit picture behind a normalised image.
Image picture_of(const Tensor& image) {
  const Tensor colors = denormalize(image);
  Image picture{image.dim(1), image.dim(2), {}};
  for (Index i = 0; i < colors.size(); ++i)
    picture.rgb.push_back(
        static_cast<unsigned char>(std::clamp(colors.data()[i] * 255 + real(0.5), real(0), real(255))));
  return picture;
}

/// Fits the photo as the backbone saw it, with the default options but for the smoothness, and renders the fitted map
/// at the size that is asked for. The features that are given are made again. memory: see FitRun.
class FitUpsampler : public Upsampler {
 public:
  FitUpsampler(double smoothness, const UpsamplerOptions& options) : smoothness_(smoothness), options_(options) {
    require<UsageError>(static_cast<bool>(options.backbone),
                        "upsampler fit (and so quality best): looks at the photo many times, so it needs a backbone; "
                        "features from a file are one look. Give a backbone, or choose another upsampler.");
  }
  std::string describe() const override {
    return cat("fit: a learned grid fitted to jittered views of this photo, smoothness ", smoothness_);
  }
  Cost cost() const override { return Cost::many_passes; }

  Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const override {
    // First: a result that is too large is refused before any work.
    Tensor result({1, size.height, size.width, map ? map->matrix.dim(-1) : features.dim(3)});
    FitOptions fit;
    fit.seed = options_.seed, fit.grid_options.smoothness = smoothness_;
    const Image photo = picture_of(guide(0, 0));
    FitRun run(photo, options_.backbone, fit);
    while (run.work())
      if (progress) progress(0.95 * run.fraction());
    const bool same = size.height == photo.height && size.width == photo.width;
    FittedRenderer renderer(run.result(), same ? photo : picture_of(guide(size.height, size.width)), map);
    renderer.render(0, 0, size.height, size.width, result.data());
    return result;
  }

 private:
  double smoothness_;
  UpsamplerOptions options_;
};

/// The S of ":S"; the default without an argument.
double smoothness_of(const std::string& argument) {
  if (argument.empty()) return GridOptions{}.smoothness;
  std::istringstream text(argument.substr(1));
  text.imbue(std::locale::classic());
  double smoothness = 0;
  const bool number = argument[0] == ':' && static_cast<bool>(text >> std::noskipws >> smoothness) &&
                      text.peek() == std::char_traits<char>::eof();
  require<UsageError>(number && smoothness > 0 && smoothness <= 1e3, "upsampler fit", argument,
                      ": write fit or fit:S, S above 0 and at most 1000, the weight of the prior, such as 0.1.");
  return smoothness;
}

}  // namespace

UpsamplerMethod upsampler_fit() {
  UpsamplerMethod method;
  method.name = method.in_tables = "fit";
  method.usage = "fit[:SMOOTHNESS]";
  method.summary = "a grid of features fitted to views of each photo";
  method.cost = Cost::many_passes;
  method.quality = "best", method.quality_opens = "fit:0.1";
  method.quality_summary = "a fit of each photo: some seconds at 224x224";
  method.open = [](const std::string& argument, const UpsamplerOptions& options) {
    return std::make_unique<FitUpsampler>(smoothness_of(argument), options);
  };
  return method;
}

}  // namespace fu
