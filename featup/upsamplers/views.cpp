// The mean of many jittered views, each put back in place, and the last levels of a JBU stack after it if one is named.
#include <algorithm>

#include "core/ops.h"
#include "featup/builtin/builtin.h"
#include "featup/measure/views.h"
#include "featup/upsamplers/learned_jbu.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

constexpr Index kDefaultViews = 32;
constexpr Index kMaxPad = 20;  // pixels
constexpr double kMaxZoom = 2;

/// The photo itself is the first view. Averaging removes what depends on where a patch's border happens to lie, which
/// is noise; a stack's filter of tokens, made against that noise, is therefore left out. memory: the result, a view,
/// and what the stack needs.
class ViewAverage : public Upsampler {
 public:
  ViewAverage(Index count, const std::string& stack, const UpsamplerOptions& options)
      : count_(count), options_(options) {
    require<UsageError>(static_cast<bool>(options.backbone),
                        "upsampler views: looks at the photo many times, so it needs a backbone; features from a file "
                        "are one look. Give a backbone, or choose another upsampler.");
    if (!stack.empty())
      stack_ = std::make_unique<LearnedJbu>(stack == "builtin" ? builtin_stack() : Weights(stack), options.published,
                                            StackPart::last_levels);
  }
  std::string describe() const override {
    return "mean of " + std::to_string(count_) + " views" +
           (stack_ ? ", then the last levels of: " + stack_->describe() : "");
  }
  std::string note(Index channels) const override { return stack_ ? stack_->note(channels) : std::string(); }
  Cost cost() const override { return Cost::many_passes; }
  Tensor output_space(const Tensor& features) const override {
    return stack_ ? stack_->output_space(features) : features;
  }

  Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const override {
    const Tensor rows = map ? map->matrix.permute({1, 0}) : Tensor();
    const Index channels = map ? map->matrix.dim(1) : features.dim(3);
    // A result that is too large is refused before any work. Nothing is written to this memory, so that it costs
    // nothing.
    { const Tensor room({1, size.height, size.width, channels}); }
    // A stack enlarges the mean the rest of the way, four times the features' size being where its last levels begin.
    const Extent grid = stack_ ? Extent{4 * features.dim(1), 4 * features.dim(2)} : size;
    const Tensor image = guide(0, 0);
    ViewSum sum(grid.height, grid.width, channels);
    Random random(options_.seed);
    const Index most = std::min(image.dim(1), image.dim(2)) - 1;
    for (Index i = 0; i < count_; ++i) {
      if (progress) progress(0.95 * static_cast<double>(i) / static_cast<double>(count_));
      Jitter jitter;
      jitter.max_pad = 0;
      if (i > 0) jitter = draw_jitter(random, image.dim(1), image.dim(2), std::min(kMaxPad, most), kMaxZoom);
      const Tensor view = output_space(i == 0 ? features : options_.backbone(apply_jitter(image, jitter)));
      sum.add(map ? linear(view, rows, Tensor()) : view, jitter, image.dim(1), image.dim(2));
    }
    Tensor mean = std::move(sum).mean();
    // The last levels ask for the size that the backbone saw in most cases, and that one is there.
    const Guide again = [&](Index height, Index width) {
      return (height == image.dim(1) && width == image.dim(2)) || height == 0 ? image : guide(height, width);
    };
    if (stack_) mean = (*stack_)(mean, again, size, nullptr, {});
    return map && map->offset.size() > 0 ? mean + map->offset : mean;
  }

 private:
  Index count_;
  UpsamplerOptions options_;
  std::unique_ptr<LearnedJbu> stack_;
};

/// argument: "", ":N", "+STACK" or ":N+STACK".
std::unique_ptr<Upsampler> open_views(const std::string& argument, const UpsamplerOptions& options) {
  const std::size_t plus = std::min(argument.find('+'), argument.size());
  const std::string number = plus > 0 ? argument.substr(1, plus - 1) : std::to_string(kDefaultViews);
  const bool valid = !number.empty() && number.size() <= 6 &&
                     number.find_first_not_of("0123456789") == std::string::npos && std::stol(number) >= 1;
  require<UsageError>(valid && plus + 1 != argument.size(), "upsampler views", argument,
                      ": write views, views:N or views:N+STACK, N a number of views, STACK a file with a JBU stack.");
  return std::make_unique<ViewAverage>(std::stol(number), plus < argument.size() ? argument.substr(plus + 1) : "",
                                       options);
}

}  // namespace

UpsamplerMethod upsampler_views() {
  UpsamplerMethod method;
  method.name = "views";
  method.usage = "views[:N][+STACK]";
  method.summary = "the mean of N jittered views, and the last levels of a stack after it";
  method.cost = Cost::many_passes;
  method.in_tables = "views:80";
  method.open = open_views;
  return method;
}

}  // namespace fu
