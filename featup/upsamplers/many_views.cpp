#include "featup/upsamplers/many_views.h"

#include <algorithm>

#include "featup/fit/fit_run.h"

namespace fu {

namespace {

/// The mean of many views, each put back in place; the photo itself is the first. Averaging removes what depends on
/// where a patch happens to lie.
class ViewAverage : public Upsampler {
 public:
  ViewAverage(Index count, const std::string& stack, const UpsamplerOptions& options)
      : count_(count), options_(options) {
    require<UsageError>(static_cast<bool>(options.backbone),
                        "--upsampler views looks at the photo many times, so it needs a backbone; features from a file "
                        "are one look. Give --backbone, "
                        "or another upsampler.");
    if (!stack.empty()) stack_ = learned_jbu(stack, options, true);
  }
  std::string describe() const override {
    return "mean of " + std::to_string(count_) + " views" +
           (stack_ ? ", then the last levels of: " + stack_->describe() : "");
  }
  std::string note(Index channels) const override { return stack_ ? stack_->note(channels) : std::string(); }
  Tensor prepare(const Tensor& features) const override { return stack_ ? stack_->prepare(features) : features; }

  Tensor operator()(const Tensor& prepared, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const override {
    const Tensor image = guide(0, 0);
    const Tensor rows = map ? map->matrix.permute({1, 0}) : Tensor();
    const auto project = [&](const Tensor& x) { return map ? linear(x, rows, Tensor()) : x; };
    // In front of a stack, at a resolution that its last levels bring to the result's.
    const Extent grid = stack_ ? Extent{4 * prepared.dim(1), 4 * prepared.dim(2)} : size;
    ViewSum sum(grid.height, grid.width, map ? map->matrix.dim(1) : prepared.dim(3));
    Random random(options_.seed);
    const Index most = std::min(image.dim(1), image.dim(2)) - 1;
    for (Index i = 0; i < count_; ++i) {
      if (progress) progress(0.95 * static_cast<double>(i) / static_cast<double>(count_));
      Jitter jitter;
      jitter.max_pad = 0;
      if (i > 0) jitter = draw_jitter(random, image.dim(1), image.dim(2), std::min<Index>(20, most), 2);
      const Tensor view = i == 0 ? prepared : prepare(options_.backbone(apply_jitter(image, jitter).value));
      sum.add(project(view), jitter, image.dim(1), image.dim(2));
    }
    Tensor mean = std::move(sum).mean();
    if (stack_) mean = (*stack_)(mean, guide, size, nullptr, {});
    if (map && map->offset.size() > 0) mean = mean + map->offset;
    return mean;
  }

 protected:
  void enlarge(const Tensor&, const Guide&, Extent, real*, const Progress&) const override {
  }  // not reached: operator() does it all

 private:
  Index count_;
  UpsamplerOptions options_;
  std::unique_ptr<Upsampler> stack_;
};

/// The photo is fitted as the backbone saw it, and rendered at the size that is asked for.
class ImplicitFitted : public Upsampler {
 public:
  ImplicitFitted(double smoothness, const UpsamplerOptions& options) : smoothness_(smoothness), options_(options) {
    require<UsageError>(static_cast<bool>(options.backbone),
                        "implicit (and so --quality best) looks at the photo many times, so it needs a backbone; "
                        "features from a file are one look. Give "
                        "--backbone, or another upsampler.");
  }
  std::string describe() const override {
    return cat("implicit: a learned grid fitted to jittered views of this photo, smoothness ", smoothness_);
  }

  Tensor operator()(const Tensor&, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const override {
    FitOptions fit;
    fit.seed = options_.seed, fit.grid_options.smoothness = smoothness_;
    FitRun run(picture_of(guide(0, 0)), options_.backbone, fit);
    while (run.work())
      if (progress) progress(0.95 * run.fraction());
    FittedRenderer renderer(run.result(), picture_of(guide(size.height, size.width)), map);
    Tensor result({1, size.height, size.width, renderer.channels()});
    renderer.render(0, 0, size.height, size.width, result.data());
    return result;
  }

 protected:
  void enlarge(const Tensor&, const Guide&, Extent, real*, const Progress&) const override {
  }  // not reached: operator() does it all

 private:
  /// The 8-bit picture behind a normalised image.
  static Image picture_of(const Tensor& image) {
    const Tensor colors = denormalize(image);
    Image picture{image.dim(1), image.dim(2), {}};
    for (Index i = 0; i < colors.size(); ++i)
      picture.rgb.push_back(
          static_cast<unsigned char>(std::clamp(colors.data()[i] * 255 + real(0.5), real(0), real(255))));
    return picture;
  }

  double smoothness_;
  UpsamplerOptions options_;
};

}  // namespace

std::unique_ptr<Upsampler> view_average(Index count, const std::string& stack, const UpsamplerOptions& options) {
  return std::make_unique<ViewAverage>(count, stack, options);
}

std::unique_ptr<Upsampler> implicit_fit(double smoothness, const UpsamplerOptions& options) {
  return std::make_unique<ImplicitFitted>(smoothness, options);
}

}  // namespace fu
