// What the jobs share: models through both interfaces, pictures of several formats, a folder.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "featup/api/featup.h"
#include "featup/api/featup_c.h"
#include "featup/training/train_options.h"

namespace fu::soak {

/// throws std::runtime_error, with the library's text, unless the call succeeded.
void need(fu_status status);

template <class T>
using Handle = std::unique_ptr<T, void (*)(T*)>;

Handle<fu_upsampler> open_method(const char* name, const fu_backbone* looks_through);

struct Picture {
  std::vector<unsigned char> bytes;
  std::vector<float> floats;
  fu_image image{};
};

struct Models {
  Models();
  ~Models();
  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;

  /// A picture by its number, seen by the backbone with this short side.
  fu_scene scene(std::size_t picture, std::int64_t short_side) const {
    return {&pictures[picture].image, backbone.get(), {short_side, 0, 0, 0}, nullptr};
  }
  /// Of a file that is not there yet; another one for each call.
  std::string new_path() const;

  std::string folder;
  std::vector<Picture> pictures;  // 4
  Image photo;                    // for the C++ interface
  std::vector<float> matrix;
  fu_projection projection{};
  Handle<fu_backbone> backbone{nullptr, fu_backbone_free};
  Handle<fu_upsampler> stack{nullptr, fu_upsampler_free};
  std::vector<Handle<fu_upsampler>> methods;
  Handle<fu_classes> words{nullptr, fu_classes_free};
  Handle<fu_fit> fit{nullptr, fu_fit_free};
  std::unique_ptr<Backbone> cpp_backbone;
  std::unique_ptr<Upsampler> cpp_stack;

 private:
  mutable std::atomic<int> paths_{0};
};

}  // namespace fu::soak
