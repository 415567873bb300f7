#include "featup/backbones/vit_backbone.h"

namespace fu {

namespace {

class VitBackbone : public Backbone {
 public:
  VitBackbone(const Weights& weights, const std::string& prefix, std::string title, VitFeature feature)
      : vit_(weights, prefix), title_(std::move(title)), feature_(feature) {}
  std::string describe() const override {
    const VitConfig& c = vit_.config();
    return title_ + ", " + std::to_string(c.depth) + " blocks of width " + std::to_string(c.dim) + ", patch " +
           std::to_string(c.patch) + (feature_ == VitFeature::key ? ", keys" : "");
  }
  Index patch() const override { return vit_.config().patch; }
  Index channels() const override { return vit_.config().dim; }
  Tensor features(const Tensor& image, const Progress& progress) const override {
    return vit_.features(image, feature_, progress);
  }

 private:
  Vit vit_;
  std::string title_;
  VitFeature feature_;
};

}  // namespace

std::vector<std::string> vit_features() { return {"token", "key"}; }

std::unique_ptr<Backbone> vit_backbone(const Weights& weights, const std::string& prefix, const std::string& title,
                                       const BackboneOptions& options) {
  return std::make_unique<VitBackbone>(weights, prefix, title,
                                       options.feature == "key" ? VitFeature::key : VitFeature::token);
}

}  // namespace fu
