#include "featup/backbones/backbone.h"

#include "featup/backbones/hog.h"
#include "featup/builtin/builtin.h"
#include "featup/photo/preprocess.h"

namespace fu {

namespace {

class HogBackbone : public Backbone {
 public:
  std::string describe() const override {
    return "hog: histograms of oriented gradients and mean colour of 16x16 cells (no weights, no semantics)";
  }
  Index patch() const override { return 16; }
  Index channels() const override { return kHogChannels; }
  Tensor features(const Tensor& image, const Progress&) const override { return hog(denormalize(image), patch()); }
};

class VitBackbone : public Backbone {
 public:
  VitBackbone(const Weights& weights, const std::string& prefix, VitFeature feature, bool builtin)
      : vit_(weights, prefix), feature_(feature), builtin_(builtin) {}
  std::string describe() const override {
    const VitConfig& c = vit_.config();
    const std::string family =
        c.layer_scale ? (c.registers ? "DINOv2 transformer with " + std::to_string(c.registers) + " registers"
                                     : "DINOv2 transformer")
                      : "DINO or DeiT transformer";
    return (builtin_ ? "built-in transformer, distilled from DeiT-Tiny" : family) + ", " + std::to_string(c.depth) +
           " blocks of width " + std::to_string(c.dim) + ", patch " + std::to_string(c.patch) +
           (feature_ == VitFeature::key ? ", keys" : "");
  }
  Index patch() const override { return vit_.config().patch; }
  Index channels() const override { return vit_.config().dim; }
  Tensor features(const Tensor& image, const Progress& progress) const override {
    return vit_.features(image, feature_, progress).value;
  }

 private:
  Vit vit_;
  VitFeature feature_;
  bool builtin_;
};

}  // namespace

std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, VitFeature feature) {
  if (name_or_path == "hog") {
    require<UsageError>(feature == VitFeature::token, "[backbone] hog has no keys. Use them with a transformer.");
    return std::make_unique<HogBackbone>();
  }
  const bool builtin = name_or_path == "builtin";
  const Weights weights = builtin ? builtin_backbone() : Weights(name_or_path);
  std::string prefix;
  require<FileError>(Vit::find_prefix(weights, prefix), name_or_path,
                     ": holds no vision transformer: no tensor '...patch_embed.proj.weight'. Give DINO, DINOv2 or DeiT "
                     "weights, or --backbone builtin or hog.");
  return std::make_unique<VitBackbone>(weights, prefix, feature, builtin);
}

}  // namespace fu
