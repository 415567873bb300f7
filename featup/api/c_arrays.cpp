// The C interface: images, features and results in the caller's memory.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "featup/api/c_handles.h"

namespace fu::c {

namespace {

constexpr Index kMostSide = Index{1} << 24;  // so that no product of sides overflows
constexpr Index kMostPixels = Index{1} << 34;
constexpr Index kMostStride = Index{1} << 37;  // bytes; times a side, it is below 2^62

struct Format {
  Index channels, red, green, blue;
  bool bytes;
};

Format format_of(int format) {
  constexpr Index kFormats = 10;
  const auto n = static_cast<Index>(format);
  require<UsageError>(n >= 0 && n < kFormats, "[featup_c] image.format is ", n, ". Give one of fu_pixel_format.");
  constexpr Format kLayouts[] = {
      {3, 0, 1, 2, true}, {3, 2, 1, 0, true}, {4, 0, 1, 2, true}, {4, 2, 1, 0, true}, {1, 0, 0, 0, true}};
  Format layout = kLayouts[n % 5];
  layout.bytes = n < 5;
  return layout;
}

/// Distances in bytes.
struct Strides {
  Index row, column, channel;
};

Index plausible(Index stride) {
  require<UsageError>(stride >= -kMostStride && stride <= kMostStride, "[featup_c] a stride of ", stride,
                      " bytes: no memory is as large. Give the distance in bytes, or 0.");
  return stride;
}

/// Zeros become those of dense pixels. throws UsageError.
Strides filled(Strides s, Index width, Index channels, Index element) {
  const bool planes = plausible(s.channel) != 0 && std::abs(s.channel) != element;
  if (s.channel == 0) s.channel = element;
  if (plausible(s.column) == 0) s.column = planes ? element : channels * element;
  if (s.row == 0) s.row = width * s.column;
  plausible(s.row);
  return s;
}

void require_sizes(const char* what, Index height, Index width, Index channels) {
  require<ShapeError>(height >= 1 && width >= 1 && channels >= 1 && height <= kMostSide && width <= kMostSide &&
                          channels <= kMostSide && height * width <= kMostPixels,
                      "[featup_c] ", what, " of ", height, "x", width, " with ", channels,
                      " channels: sizes must be at least 1, and not absurd. Give its sizes.");
}

unsigned char level_of(float x) {
  // A number that is none becomes 0 too.
  return x > 0 ? static_cast<unsigned char>(std::lround(std::min(x, 1.0f) * 255)) : 0;
}

}  // namespace

Image image_of(const fu_image& image) {
  const Format format = format_of(image.format);
  needed(image.data, "image.data");
  require_sizes("an image", image.height, image.width, format.channels);
  const Strides s = filled({image.row_stride, image.column_stride, image.channel_stride}, image.width, format.channels,
                           format.bytes ? 1 : static_cast<Index>(sizeof(float)));
  Image result{image.height, image.width, {}};
  result.rgb.resize(usize(image.height * image.width * 3));
  const auto* const data = static_cast<const unsigned char*>(image.data);
  const Index places[] = {format.red * s.channel, format.green * s.channel, format.blue * s.channel};
  parallel_ranges(image.height, 16, [&](Index begin, Index end) {
    unsigned char* out = result.rgb.data() + begin * image.width * 3;
    for (Index y = begin; y < end; ++y)
      for (Index x = 0; x < image.width; ++x)
        for (const Index place : places) {
          const unsigned char* const at = data + y * s.row + x * s.column + place;
          float value = 0;
          if (!format.bytes) std::memcpy(&value, at, sizeof value);
          *out++ = format.bytes ? *at : level_of(value);
        }
  });
  return result;
}

Tensor features_of(const fu_features& features) {
  needed(features.data, "features.data");
  require_sizes("features", features.height, features.width, features.channels);
  const Strides s = filled({features.row_stride, features.column_stride, features.channel_stride}, features.width,
                           features.channels, sizeof(float));
  Tensor result({1, features.height, features.width, features.channels});
  const auto* const data = reinterpret_cast<const unsigned char*>(features.data);
  parallel_ranges(features.height, 1, [&](Index begin, Index end) {
    real* out = result.data() + begin * features.width * features.channels;
    for (Index y = begin; y < end; ++y)
      for (Index x = 0; x < features.width; ++x)
        for (Index c = 0; c < features.channels; ++c) {
          float value = 0;
          std::memcpy(&value, data + y * s.row + x * s.column + c * s.channel, sizeof value);
          *out++ = static_cast<real>(value);
        }
  });
  for (Index i = 0; i < result.size(); ++i)
    require<UsageError>(std::isfinite(result.data()[i]), "[featup_c] features hold a number that is infinite or none, ",
                        "at element ", i, ". Look at what made them.");
  return result;
}

ChannelMap map_of(const fu_projection* projection, Index channels) {
  if (!projection) return {};
  needed(projection->matrix, "projection.matrix");
  require_sizes("a projection", 1, projection->channels, projection->outputs);
  require<ShapeError>(projection->channels == channels, "[featup_c] a projection from ", projection->channels,
                      " channels, for features of ", channels, ". Give one from as many.");
  ChannelMap map{Tensor({channels, projection->outputs}), {}};
  std::copy_n(projection->matrix, map.matrix.size(), map.matrix.data());
  if (!projection->offset) return map;
  map.offset = Tensor({projection->outputs});
  std::copy_n(projection->offset, projection->outputs, map.offset.data());
  return map;
}

Tensor points_of(const double* points, int64_t count) {
  needed(points, "points");
  require<UsageError>(count >= 1 && count <= kMostPixels, "[featup_c] ", count, " points: give at least 1.");
  Tensor result({count, 2});
  std::transform(points, points + count * 2, result.data(), [](double x) { return static_cast<real>(x); });
  return result;
}

fu_tensor* handle_of(const Tensor& tensor) {
  auto handle = std::make_unique<fu_tensor>();
  handle->tensor = tensor;
  for (int i = 0; i < 3; ++i) handle->shape[i] = tensor.dim(i + 1);
  if constexpr (sizeof(real) == sizeof(float)) {
    handle->data = reinterpret_cast<const float*>(handle->tensor.data());
  } else {
    handle->floats.assign(tensor.data(), tensor.data() + tensor.size());
    handle->data = handle->floats.data();
  }
  return handle.release();
}

bool asks_size(fu_output& output, Index height, Index width, Index channels) {
  if (!output.data) {
    output = {nullptr, height, width, channels, 0, 0, 0};
    return true;
  }
  require<ShapeError>(output.height == height && output.width == width && output.channels == channels,
                      "[featup_c] an output of ", output.height, "x", output.width, "x", output.channels,
                      " for a result of ", height, "x", width, "x", channels,
                      ". Ask for the size first, with data a null pointer.");
  filled({output.row_stride, output.column_stride, output.channel_stride}, width, channels, sizeof(float));
  return false;
}

void store(const Tensor& tensor, const fu_output& output) {
  const Index width = output.width, channels = output.channels;
  const Strides s =
      filled({output.row_stride, output.column_stride, output.channel_stride}, width, channels, sizeof(float));
  auto* const data = reinterpret_cast<unsigned char*>(output.data);
  parallel_ranges(output.height, 8, [&](Index begin, Index end) {
    for (Index y = begin; y < end; ++y)
      for (Index x = 0; x < width; ++x) {
        const real* const in = tensor.data() + (y * width + x) * channels;
        unsigned char* const at = data + y * s.row + x * s.column;
        if (sizeof(real) == sizeof(float) && s.channel == static_cast<Index>(sizeof(float))) {
          std::memcpy(at, in, usize(channels) * sizeof(float));
          continue;
        }
        for (Index c = 0; c < channels; ++c) {
          const auto value = static_cast<float>(in[c]);
          std::memcpy(at + c * s.channel, &value, sizeof value);
        }
      }
  });
}

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header

const float* fu_tensor_data(const fu_tensor* tensor) { return tensor ? tensor->data : nullptr; }

fu_status fu_tensor_shape(const fu_tensor* tensor, int64_t shape[3]) {
  return guarded([&] {
    needed(shape, "shape");
    std::copy_n(needed(tensor, "tensor").shape, 3, shape);
  });
}

void fu_tensor_free(fu_tensor* tensor) { delete tensor; }
