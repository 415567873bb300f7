// The C interface: backbones, and what they make of an image.
#include <algorithm>

#include "featup/api/c_handles.h"

namespace fu::c {

namespace {

// Pixels of an image at the backbone at most.
constexpr Index kMaxInput = Index{1} << 26, kMaxInputSide = 16384;

/// A network of the caller's.
class FunctionBackbone : public Backbone {
 public:
  FunctionBackbone(fu_network_function network, void* user, Index patch, Index channels)
      : network_(network), user_(user), patch_(patch), channels_(channels) {}
  std::string describe() const override {
    return cat("a network of the application, ", channels_, " channels, patch ", patch_);
  }
  Index patch() const override { return patch_; }
  Index channels() const override { return channels_; }
  Tensor features(const Tensor& image, const Progress&) const override {
    const Index batch = image.dim(0), height = image.dim(1), width = image.dim(2);
    require<ShapeError>(height % patch_ == 0 && width % patch_ == 0, "[backbone] an image of ", height, "x", width,
                        ": sides must be multiples of the patch, ", patch_, ".");
    Tensor result({batch, height / patch_, width / patch_, channels_});
    const Index in = image.size() / batch, out = result.size() / batch;
    std::vector<float> pixels(usize(in)), features(usize(out));
    for (Index b = 0; b < batch; ++b) {
      std::copy_n(image.data() + b * in, in, pixels.data());
      const int answer = network_(pixels.data(), height, width, features.data(), user_);
      require<UsageError>(answer == 0, "[backbone] the application's network gave up, with ", answer, ".");
      std::copy_n(features.data(), out, result.data() + b * out);
    }
    return result;
  }

 private:
  fu_network_function network_;
  void* user_;
  Index patch_, channels_;
};

InputSize input_size_of(const fu_input_size& size, Index patch) {
  require<UsageError>(size.short_side >= 0 && size.height >= 0 && size.width >= 0 &&
                          (size.height > 0) == (size.width > 0) &&
                          (size.short_side > 0) + (size.height > 0) + (size.own != 0) <= 1,
                      "[featup_c] input of short_side ", size.short_side, ", height ", size.height, ", width ",
                      size.width, ", own ", size.own, ": give a short side, or height and width, or own; or none.");
  require<UsageError>(std::max({size.short_side, size.height, size.width}) <= kMaxInputSide,
                      "[featup_c] input of short_side ", size.short_side, ", height ", size.height, ", width ",
                      size.width, ": the backbone sees at most ", kMaxInputSide, " pixels a side. Give less.");
  require<UsageError>(size.height % patch == 0 && size.width % patch == 0, "[featup_c] input of ", size.height, "x",
                      size.width, ": the backbone's patches are ", patch, " pixels wide; give multiples of that.");
  InputSize result;
  result.short_side = size.short_side > 0 ? size.short_side : 224;
  result.height = size.height, result.width = size.width;
  result.own = size.own != 0;
  return result;
}

}  // namespace

fu_backbone* handle_of_backbone(std::shared_ptr<const Backbone> backbone) {
  auto handle = std::make_unique<fu_backbone>();
  handle->description = backbone->describe();
  handle->settings = settings_text(backbone->settings());
  handle->backbone = std::move(backbone);
  say(FU_LOG_INFO, handle->description + (handle->settings.empty() ? "" : ": " + handle->settings));
  return handle.release();
}

Weights weights_in(const void* bytes, std::size_t size, const char* name) {
  needed(bytes, "bytes");
  require<FileError>(size > 0, name ? name : "bytes", ": has no bytes.");
  return Weights(
      std::make_shared<MappedFile>(name ? name : "bytes in memory", static_cast<const unsigned char*>(bytes), size));
}

Scene::Scene(const fu_scene* scene) {
  Image photo = image_of(needed(needed(scene, "scene").image, "scene.image"));
  cropped_ = scene->input.height > 0;
  if (scene->features) {
    given_ = features_of(*scene->features);
    grid_ = {given_.dim(1), given_.dim(2)}, channels_ = given_.dim(3);
    const InputSize size = input_size_of(scene->input, 1);
    in_size_ = cropped_ ? Extent{size.height, size.width} : Extent{16 * grid_.height, 16 * grid_.width};
  } else {
    backbone_ = needed(scene->backbone, "scene.backbone").backbone;
    const Index patch = backbone_->patch();
    require<UsageError>(std::min(photo.height, photo.width) >= patch, "[featup_c] an image of ", photo.height, "x",
                        photo.width, " pixels is less than one patch of the backbone (", patch, "x", patch,
                        "). Give a larger one.");
    const InputSize size = input_size_of(scene->input, patch);
    in_size_ = input_extent(photo, size, patch);
    if (size.own) photo = center_crop(photo, in_size_.height, in_size_.width);
    whole_image_ = backbone_->whole_image();
    grid_ = whole_image_ ? Extent{1, 1} : Extent{in_size_.height / patch, in_size_.width / patch};
    channels_ = backbone_->channels();
  }
  require<UsageError>(in_size_.height <= kMaxInputSide && in_size_.width <= kMaxInputSide &&
                          in_size_.height * in_size_.width <= kMaxInput,
                      "[featup_c] the backbone would see ", in_size_.height, "x", in_size_.width,
                      " pixels, which is too many. Give a smaller input size.");
  views_ = std::make_shared<const PhotoViews>(std::move(photo), cropped_);
}

Tensor Scene::features(const Progress& progress) const {
  if (given_.size() > 0) return given_;
  return backbone_->features(normalize(views_->at(in_size_.height, in_size_.width)), progress);
}

void Scene::require_map() const {
  require<UsageError>(!whole_image_, "[featup_c] the backbone gives one vector of the whole image, which is no map. ",
                      "Open it with another feature.");
}

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header
using fu::require;      // NOLINT(google-global-names-in-headers): no header
using fu::UsageError;   // NOLINT(google-global-names-in-headers): no header

fu_status fu_backbone_open(const char* name_or_path, const char* options, fu_backbone** backbone) {
  return guarded([&] {
    needed(backbone, "backbone") = nullptr;
    *backbone = handle_of_backbone(
        fu::open_backbone(&needed(name_or_path, "name_or_path"), options_of<fu::BackboneOptions>(options)));
  });
}

fu_status fu_backbone_open_memory(const void* bytes, size_t size, const char* name, const char* options,
                                  fu_backbone** backbone) {
  return guarded([&] {
    needed(backbone, "backbone") = nullptr;
    *backbone =
        handle_of_backbone(fu::open_backbone(weights_in(bytes, size, name), options_of<fu::BackboneOptions>(options)));
  });
}

fu_status fu_backbone_from_function(fu_network_function network, void* user, int64_t patch, int64_t channels,
                                    fu_backbone** backbone) {
  return guarded([&] {
    needed(backbone, "backbone") = nullptr;
    require<UsageError>(network != nullptr, "[featup_c] network is a null pointer. Give a function.");
    require<UsageError>(patch >= 1 && patch <= 1024 && channels >= 1 && channels <= (1 << 20), "[featup_c] patch ",
                        patch, " and ", channels, " channels: give 1 to 1024, and 1 to 1048576.");
    *backbone = handle_of_backbone(std::make_shared<FunctionBackbone>(network, user, patch, channels));
  });
}

void fu_backbone_free(fu_backbone* backbone) { delete backbone; }
const char* fu_backbone_describe(const fu_backbone* backbone) { return backbone ? backbone->description.c_str() : ""; }
const char* fu_backbone_settings(const fu_backbone* backbone) { return backbone ? backbone->settings.c_str() : ""; }
int64_t fu_backbone_patch(const fu_backbone* backbone) { return backbone ? backbone->backbone->patch() : 0; }
int64_t fu_backbone_channels(const fu_backbone* backbone) { return backbone ? backbone->backbone->channels() : 0; }

fu_status fu_features_of(const fu_scene* scene, const fu_progress* progress, fu_tensor** features) {
  return guarded([&] {
    needed(features, "features") = nullptr;
    *features = fu::c::handle_of(Scene(scene).features(progress_of(progress, "backbone")));
  });
}

fu_status fu_features_into(const fu_scene* scene, const fu_progress* progress, fu_output* features) {
  return guarded([&] {
    const Scene seen(scene);
    if (asks_size(needed(features, "features"), seen.grid().height, seen.grid().width, seen.channels())) return;
    store(seen.features(progress_of(progress, "backbone")), *features);
  });
}
