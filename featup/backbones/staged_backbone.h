// A network of stages, each on a coarser grid than the one before, as a Backbone: what ResNet and ConvNeXt have in
// common.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "core/ops/concat.h"
#include "featup/backbones/convnext.h"
#include "featup/backbones/named_tensors.h"
#include "featup/backbones/registry.h"
#include "featup/backbones/settings.h"
#include "featup/backbones/tensor_shapes.h"

namespace fu {

/// What is decided before a tensor is read.
struct StagedPlan {
  BackboneSummary summary;
  std::string feature;
  Normalization normalization = kImageNet;
};

/// The stage whose map is wanted, from 1 to 4. throws UsageError for another one, and for options of transformers.
int choose_stage(const BackboneFile& file, const BackboneOptions& options);

/// Normalization, feature and layer of a plan, with where they come from. throws UsageError.
StagedPlan plan_stages(const BackboneFile& file, const BackboneOptions& options, int stage, const std::string& feature,
                       const std::string& title);

/// The tensors' shapes under the names of the rules. `tensors` must outlive the result.
TensorShapes shapes_of(const NamedTensors& tensors);

/// throws ShapeError unless image is (B,H,W,3) with H and W multiples of the stride.
void check_image(const Tensor& image, Index stride);

/// Model: ResNet or ConvNext.
template <class Model>
class StagedBackbone : public Backbone {
 public:
  /// Reads and packs all parameters. throws FileError naming a tensor that does not fit, or that none of them is.
  StagedBackbone(std::unique_ptr<Model> model, StagedPlan plan, const NamedTensors& tensors)
      : model_(std::move(model)), plan_(std::move(plan)) {
    model_->load([&](const std::string& name, const Shape& shape) { return tensors.read(name, shape); },
                 [&](const std::string& name) { return tensors.narrow_type(name); });
    tensors.require_all_read();
    model_->set_trainable(false);
    model_->pack();
  }
  std::string describe() const override { return plan_.summary.text; }
  std::vector<BackboneSetting> settings() const override { return plan_.summary.settings; }
  std::string feature() const override { return plan_.feature; }
  Index patch() const override { return model_->config().stride(); }
  Index channels() const override { return model_->config().channels(); }
  Tensor features(const Tensor& image, const Progress& progress) const override {
    check_image(image, patch());
    const Tensor own = renormalized(image, plan_.normalization);
    if constexpr (kPools)
      if (whole_image()) return model_->pooled(own, progress).reshape({image.dim(0), 1, 1, channels()});
    return model_->features(own, progress);
  }
  bool whole_image() const override { return plan_.feature == "cls"; }
  Tensor hidden_state(const Tensor& image, Index layer) const override {
    require<UsageError>(layer >= 0 && layer <= model_->config().depth(), "[backbone] map behind stage ", layer,
                        ": there are ", model_->config().depth(), ".");
    const Tensor own = renormalized(image, plan_.normalization);
    if (kPools && layer == 0) return own;  // transformers counts a ConvNeXt's image as its first hidden state
    return model_->map(own, static_cast<std::size_t>(layer));
  }
  /// As transformers gives it of a ConvNeXt: the pooled vector, then those of the pixels.
  Tensor last_hidden_state(const Tensor& image) const override {
    if constexpr (kPools) {
      const Tensor own = renormalized(image, plan_.normalization), map = model_->features(own);
      return concat({model_->pooled(own), map.reshape({map.dim(0), map.dim(1) * map.dim(2), map.dim(3)})}, 1);
    } else {
      return Backbone::last_hidden_state(image);
    }
  }

 private:
  static constexpr bool kPools = std::is_same_v<Model, ConvNext>;

  std::unique_ptr<Model> model_;
  StagedPlan plan_;
};

}  // namespace fu
