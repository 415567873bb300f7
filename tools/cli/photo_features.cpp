#include "tools/cli/photo_features.h"

#include <algorithm>

#include "featup/backbones/tiled.h"
#include "tools/cli/errors.h"
#include "tools/cli/parse.h"
#include "tools/media/image_io.h"

namespace fu {

FeatureFunction feature_function(const Backbone* backbone) {
  if (!backbone) return {};
  return [backbone](const Tensor& image) { return backbone->features(image); };
}

void require_whole_patches(const std::string& size_given, Extent size, const Backbone& backbone) {
  require<UsageError>(size.height % backbone.patch() == 0 && size.width % backbone.patch() == 0, "--size ", size_given,
                      ": the backbone's patches are ", backbone.patch(), " pixels wide; give multiples of that.");
}

void report_backbone(Report& report, const Backbone* backbone, const std::string& description,
                     const BackboneArgs& given, const CommonArgs& common) {
  report["backbone"] = description;
  if (!backbone || given.name == "builtin") return;
  const std::vector<BackboneSetting> settings = backbone->settings();
  for (const BackboneSetting& s : settings)
    report["backbone_settings"][s.name] = {{"value", s.value}, {"from", s.source}};
  if (!common.quiet && !settings.empty()) report.note(description + ": " + settings_text(settings) + ".");
}

Featurizer::Featurizer(const FeatureArgs& o, bool any_feature)
    : Featurizer(o, !o.features.empty() ? nullptr
                    : any_feature       ? o.backbone.open_any()
                                        : o.backbone.open()) {}

Featurizer::Featurizer(const FeatureArgs& o, std::shared_ptr<const Backbone> backbone)
    : options_(o), backbone_(std::move(backbone)) {
  options_.size = o.wanted_size();
  size_ = parse_input_size(options_.size);
  require<UsageError>(backbone_ || (!size_.own && o.tile == 0), "--features ", o.features,
                      ": --size own and --tile are for backbones.");
  if (backbone_ && o.tile > 0) backbone_ = tiled(backbone_, o.tile);
  if (size_.height > 0 && backbone_) require_whole_patches(options_.size, {size_.height, size_.width}, *backbone_);
}

/// The photo; with --size own, what is kept of it.
std::shared_ptr<const PhotoViews> Featurizer::views_of(const std::string& name, Image photo,
                                                       PhotoFeatures& result) const {
  const Index smallest = backbone_ ? backbone_->patch() : 2;
  require<FileError>(std::min(photo.height, photo.width) >= smallest, name, ": has ", photo.width, "x", photo.height,
                     " pixels, less than one patch of the backbone (", smallest, "x", smallest,
                     "). Give a larger picture.");
  if (!size_.own) return std::make_shared<const PhotoViews>(std::move(photo), cropped());
  const Extent kept = input_extent(photo, size_, smallest);
  result.top = (photo.height - kept.height) / 2, result.left = (photo.width - kept.width) / 2;
  Image part = crop(photo, result.top, result.left, kept.height, kept.width);
  result.uncut = std::make_shared<const Image>(std::move(photo));
  return std::make_shared<const PhotoViews>(std::move(part), false);
}

PhotoFeatures Featurizer::run(const std::string& path, Report& report, const Progress& progress) const {
  return run(path, read_image(path), report, progress);
}

PhotoFeatures Featurizer::run(const std::string& name, Image pixels, Report& report, const Progress& progress) const {
  PhotoFeatures result;
  const auto views = views_of(name, std::move(pixels), result);
  const Image& photo = views->photo();
  report.stage("read");
  result.views = views;
  if (backbone_) {
    const Extent size = input_extent(photo, size_, backbone_->patch());
    require<UsageError>(std::max(size.height, size.width) <= kMaxInputSide && size.height * size.width <= kMaxInput,
                        name, ": at --size ", options_.size, " the backbone would see ", size.height, "x", size.width,
                        " pixels, which is too many. Give a smaller --size, or HxW to crop.");
    const Tensor image = normalize(views->at(size.height, size.width));
    report.stage("preprocess");
    result.in_size = size;
    result.features = backbone_->features(image, progress);
  } else {
    const Extent seen = cropped() ? Extent{size_.height, size_.width} : Extent{photo.height, photo.width};
    result.features =
        read_features(options_.features, parse_layout(options_.features_layout), seen, &result.features_read_as);
    result.in_size = cropped() ? Extent{size_.height, size_.width}
                               : Extent{16 * result.features.dim(1), 16 * result.features.dim(2)};
  }
  report.stage("backbone");
  return result;
}

}  // namespace fu
