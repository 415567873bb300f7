// A JBU stack under training: see featup/jbu/jbu_layers.h.
#include "featup/jbu/jbu_stack.h"
#include "featup/training/kinds.h"

namespace fu {

namespace {

/// The image as guidance of at least h x w: enlarged if it is smaller.
Tensor guide(const Tensor& image, Index h, Index w) {
  return image.dim(1) >= h && image.dim(2) >= w ? image : resize_triangle(image, h, w);
}

class LearnedStack : public LearnedUpsampler {
 public:
  LearnedStack(Index channels, const LearnedUpsamplerOptions& o, Random* random)
      : channels_(channels), options_(o), layers_(channels, o.layers, random) {}

  Module& module() override { return layers_; }
  Extent map_size(Index h, Index w) const override {
    return {h << options_.layers.levels, w << options_.layers.levels};
  }

  Tensor source(const Tensor& features, const Tensor& image) const override {
    if (!options_.filter.present()) return features;
    const NoRecording constant;
    const Tensor photo = guide(image, 2 * features.dim(1), 2 * features.dim(2));
    return filter_tokens(options_.filter, features,
                         [&](const Tensor& x) { return layers_.first_level_means(x, photo).value; });
  }
  Var mixed(const Var& x) const override { return layers_.mix(x); }
  Var constant() const override { return layers_.constant(); }

  Var enlarge(const std::vector<LinearForms>& forms, const Tensor& features, const Tensor& image) const override {
    std::vector<Var> parts;
    for (const LinearForms& f : forms) parts.push_back(f.values());
    return enlarge_all(concat(parts, -1), features, image);
  }
  Var enlarge_all(const Var& x, const Tensor&, const Tensor& image) const override {
    const Extent size = map_size(x.dim(1), x.dim(2));
    return layers_.enlarge(x, guide(image, size.height, size.width));
  }

  Tensor map(const Tensor& features, const Tensor& image) const override {
    const NoRecording inference;
    const Extent size = map_size(features.dim(1), features.dim(2));
    return layers_(source(features, image), guide(image, size.height, size.width)).value;
  }
  void export_to(std::map<std::string, Tensor>& tensors) override {
    layers_.export_to(tensors, "upsampler.");
    if (options_.filter.present()) tensors["upsampler.token_filter"] = options_.filter.numbers();
    if (options_.layers.smoothing.present()) tensors["upsampler.smoothing"] = options_.layers.smoothing.numbers();
  }

  /// The levels and the mixing; the filter and the smoothing stay those of the options.
  void read(const Weights& file) override {
    const JbuStack stack(file);
    const auto levels = static_cast<Index>(stack.levels.size());
    require<FileError>(levels == options_.layers.levels, file.path(), ": has levels ", levels, ", not ",
                       options_.layers.levels, ". Train as many.");
    require<FileError>(
        stack.channels() == (options_.layers.mixing ? channels_ : 0), file.path(),
        stack.channels() ? cat(": mixes ", stack.channels(), " channels at its end")
                         : std::string(": has no mixing of channels at its end"),
        ", and the training is to be ",
        options_.layers.mixing ? cat("with a mixing of ", channels_, " channels.") : std::string("without one."));
    layers_.load(file, file.has("up1.range_temp") ? "" : "upsampler.");
  }

 private:
  Index channels_;
  LearnedUpsamplerOptions options_;
  JbuLayers layers_;
};

}  // namespace

TrainedKind trained_kind_jbu() {
  TrainedKind kind;
  kind.name = "jbu";
  kind.summary = "FeatUp's stack of learned joint bilateral levels";
  kind.lr = 5e-3;
  kind.reads = [](const Weights& file) { return JbuStack::present(file); };
  kind.make = [](Index channels, const LearnedUpsamplerOptions& o, Random* random) {
    return std::make_unique<LearnedStack>(channels, o, random);
  };
  return kind;
}

}  // namespace fu
