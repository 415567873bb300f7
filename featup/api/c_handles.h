// What stands behind the handles of the C interface, and what its functions share. Nothing of it is exported.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/context.h"
#include "featup/api/featup_c.h"
#include "featup/backbones/backbone.h"
#include "featup/classes/classes.h"
#include "featup/fit/fitted_map.h"
#include "featup/upsamplers/photo_views.h"
#include "featup/upsamplers/upsampler.h"

struct fu_tensor {
  fu::Tensor tensor;
  std::vector<float> floats;  // where tensors hold doubles
  const float* data;
  int64_t shape[3];
};

struct fu_context {
  fu::Context context;
};

struct fu_backbone {
  std::shared_ptr<const fu::Backbone> backbone;
  std::string description, settings;
};

struct fu_upsampler {
  std::shared_ptr<const fu::Backbone> backbone;  // that it looks through, or null
  std::unique_ptr<const fu::Upsampler> upsampler;
  std::string description;
  mutable std::atomic<bool> noted{false};  // the log was told what features like these cannot use
};

struct fu_fit {
  fu::FittedMap map;
};

struct fu_classes {
  fu::Classes classes;
  fu::Tensor centre;  // of a probe of numbers, or of size 0
  bool numbers = false;
};

#pragma GCC visibility push(hidden)

namespace fu::c {

/// A progress callback has asked for the end.
struct Cancelled {
  bool finish;  // the best so far is wanted
};

/// Records the exception that is being handled as this thread's last error. Call it in a catch block.
fu_status record_error() noexcept;

/// Runs the body of a function of the interface: no exception leaves it.
template <class Body>
fu_status guarded(Body&& body) noexcept {
  try {
    body();
    return FU_OK;
  } catch (...) {
    return record_error();
  }
}

/// *pointer. throws UsageError that names the argument if it is null.
template <class T>
T& needed(T* pointer, const char* name) {
  require<UsageError>(pointer != nullptr, "[featup_c] ", name, " is a null pointer. Give the address of one.");
  return *pointer;
}

inline const void* needed(const void* pointer, const char* name) {
  return &needed(static_cast<const unsigned char*>(pointer), name);
}

void say(fu_log_level level, const std::string& line);

/// A part of the work, from `from` to `to`, told to the callback; empty without one. It throws Cancelled. The struct
/// must outlive it.
Progress progress_of(const fu_progress* progress, const char* stage, double from = 0, double to = 1);
constexpr double kBackboneShare = 0.4;  // of the time that an image takes through a backbone and an upsampler
/// Asks the callback. throws Cancelled.
void tell(const fu_progress& progress, double fraction, const char* stage);

/// "heads=12 layer=9", or null: options with the fields that it names.
template <class Options>
Options options_of(const char* text) {
  Options options;
  if (text) set_fields(options, split_fields(text));
  return options;
}

/// Weights in the caller's memory, which must outlive the result.
Weights weights_in(const void* bytes, std::size_t size, const char* name);

Image image_of(const fu_image& image);
Tensor features_of(const fu_features& features);
ChannelMap map_of(const fu_projection* projection, Index channels);
/// Points (count,2) as they are computed with.
Tensor points_of(const double* points, int64_t count);

fu_backbone* handle_of_backbone(std::shared_ptr<const Backbone> backbone);
/// (1,H,W,C) as a handle, without a copy.
fu_tensor* handle_of(const Tensor& tensor);
/// Whether the caller asks for the sizes alone; then they are set. throws ShapeError if the sizes are others.
bool asks_size(fu_output& output, Index height, Index width, Index channels);
/// Copies (1,H,W,C), or (N,C).
void store(const Tensor& tensor, const fu_output& output);

/// What a call looks at, before anything is computed.
class Scene {
 public:
  explicit Scene(const fu_scene* scene);

  Extent in_size() const { return in_size_; }
  Extent grid() const { return grid_; }
  Index channels() const { return channels_; }
  const PhotoViews& views() const { return *views_; }
  bool cropped() const { return cropped_; }
  Guide guide() const { return guide_of(views_, in_size_); }
  /// (1,h,w,C): the caller's, or the backbone's.
  Tensor features(const Progress& progress) const;
  /// throws UsageError for features of the whole image.
  void require_map() const;

 private:
  std::shared_ptr<const Backbone> backbone_;
  std::shared_ptr<const PhotoViews> views_;
  Tensor given_;
  Extent in_size_, grid_;
  Index channels_ = 0;
  bool cropped_ = false, whole_image_ = false;
};

/// The size that was asked for, or 16 times the features.
Extent result_size(int64_t height, int64_t width, const Scene& scene);
/// Tells the log, once for each upsampler, what of it these features cannot use.
void note_channels(const fu_upsampler& upsampler, Index channels);

}  // namespace fu::c

#pragma GCC visibility pop
