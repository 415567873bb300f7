#include "tools/cli/featurize.h"

#include <algorithm>

#include "tools/media/image_io.h"

namespace fu {

Featurizer::Featurizer(const Options& o) : options_(o), size_(parse_input_size(o.size)) {
  if (o.features.empty()) backbone_ = open_backbone(o.backbone, {o.feature});
  if (size_.height > 0 && backbone_)
    require<UsageError>(size_.height % backbone_->patch() == 0 && size_.width % backbone_->patch() == 0, "--size ",
                        o.size, ": the backbone's patches are ", backbone_->patch(),
                        " pixels wide; give multiples of that.");
}

UpsamplerOptions Featurizer::upsampler_options() const {
  UpsamplerOptions options;
  options.published = options_.compat == "published";
  options.seed = options_.seed;
  if (backbone_) options.backbone = [this](const Tensor& image) { return backbone_->features(image); };
  return options;
}

Scene Featurizer::run(const std::string& path, Report& report, const Progress& progress) const {
  Scene scene;
  scene.photo = read_image(path);
  const Index smallest = backbone_ ? backbone_->patch() : 2;
  require<FileError>(std::min(scene.photo.height, scene.photo.width) >= smallest, path, ": has ", scene.photo.width,
                     "x", scene.photo.height, " pixels, less than one patch of the backbone (", smallest, "x", smallest,
                     "). Give a larger picture.");
  report.stage("read");
  if (backbone_) {
    scene.in_size = input_extent(scene.photo, size_, backbone_->patch());
    require<UsageError>(scene.in_size.height * scene.in_size.width <= kMaxInput &&
                            std::max(scene.in_size.height, scene.in_size.width) <= kMaxInputSide,
                        path, ": at --size ", options_.size, " the backbone would see ", scene.in_size.height, "x",
                        scene.in_size.width, " pixels, which is too many. Give a smaller --size, or HxW to crop.");
    const Tensor image = normalize(scene.view(scene.in_size.height, scene.in_size.width, cropped()));
    report.stage("preprocess");
    scene.features = backbone_->features(image, progress);
  } else {
    scene.features = read_features(options_.features, parse_layout(options_.features_layout),
                                   {scene.photo.height, scene.photo.width});
    scene.in_size =
        cropped() ? Extent{size_.height, size_.width} : Extent{16 * scene.features.dim(1), 16 * scene.features.dim(2)};
  }
  report.stage("backbone");
  return scene;
}

}  // namespace fu
