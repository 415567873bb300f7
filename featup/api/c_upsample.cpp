// The C interface: upsamplers, whole maps and single places.
#include <algorithm>
#include <cmath>

#include "featup/api/c_handles.h"
#include "featup/upsamplers/registry.h"

namespace fu::c {

namespace {

constexpr Index kMostResultSide = Index{1} << 20;  // of a result
constexpr Index kBlockReals = Index{1} << 25;      // of the map that is made for points: 128 MB

UpsamplerOptions options_of(const fu_upsampler_options* options, fu_upsampler& handle) {
  UpsamplerOptions result;
  if (!options) return result;
  result.published = options->published != 0, result.seed = options->seed;
  if (!options->backbone) return result;
  handle.backbone = options->backbone->backbone;
  result.backbone = [backbone = handle.backbone.get()](const Tensor& image) { return backbone->features(image); };
  return result;
}

template <class Source>
void open(const Source& source, const fu_upsampler_options* options, fu_upsampler** result) {
  auto handle = std::make_unique<fu_upsampler>();
  handle->upsampler = open_upsampler(source, options_of(options, *handle));
  handle->description = handle->upsampler->describe();
  say(FU_LOG_INFO, handle->description);
  *result = handle.release();
}

/// One upsampling, checked but not begun.
struct UpsampleRequest {
  const fu_upsampler& upsampler;
  fu_upsample_options options;
  Scene scene;
  Extent size;
  ChannelMap map;

  UpsampleRequest(const fu_upsampler* handle, const fu_scene* seen, const fu_upsample_options* wanted)
      : upsampler(needed(handle, "upsampler")),
        options(wanted ? *wanted : fu_upsample_options{}),
        scene(seen),
        size(result_size(options.height, options.width, scene)),
        map(map_of(options.projection, scene.channels())) {
    scene.require_map();
    note_channels(upsampler, scene.channels());
  }
  bool has_map() const { return map.matrix.size() > 0; }
  Index channels() const { return has_map() ? map.matrix.dim(1) : scene.channels(); }
  Tensor features() const { return scene.features(progress_of(&options.progress, "backbone", 0, kBackboneShare)); }
  Tensor run() const {
    return (*upsampler.upsampler)(features(), scene.guide(), size, has_map() ? &map : nullptr,
                                  progress_of(&options.progress, "upsample", kBackboneShare, 1));
  }
};

/// Channels [begin, end) of the result as a map over the features' channels.
ChannelMap block_of(const UpsampleRequest& request, Index begin, Index end) {
  if (request.has_map()) {
    ChannelMap part;
    const Index rows = request.map.matrix.dim(0), all = request.map.matrix.dim(1), n = end - begin;
    part.matrix = Tensor({rows, n});
    for (Index i = 0; i < rows; ++i)
      std::copy_n(request.map.matrix.data() + i * all + begin, n, part.matrix.data() + i * n);
    if (request.map.offset.size() > 0) part.offset = request.map.offset.slice(begin, end);
    return part;
  }
  ChannelMap part{Tensor::zeros({request.scene.channels(), end - begin}), {}};
  for (Index c = begin; c < end; ++c) part.matrix.data()[c * (end - begin) + c - begin] = 1;
  return part;
}

void require_inside(const double* points, int64_t count, Extent size) {
  for (int64_t i = 0; i < count; ++i)
    require<UsageError>(points[2 * i] >= 0 && points[2 * i] <= static_cast<double>(size.height - 1) &&
                            points[2 * i + 1] >= 0 && points[2 * i + 1] <= static_cast<double>(size.width - 1),
                        "[featup_c] point ", i, " at row ", points[2 * i], ", column ", points[2 * i + 1],
                        " is outside of the result, ", size.height, "x", size.width, ".");
}

/// map (1,H,W,n) at the points, into channels [begin, begin + n) of result (count,channels).
void sample(const Tensor& map, const double* points, int64_t count, Index begin, Index channels, float* result) {
  const Index height = map.dim(1), width = map.dim(2), n = map.dim(3);
  for (int64_t i = 0; i < count; ++i) {
    const auto y = static_cast<Index>(points[2 * i]), x = static_cast<Index>(points[2 * i + 1]);
    const double down = points[2 * i] - static_cast<double>(y), right = points[2 * i + 1] - static_cast<double>(x);
    const Index below = std::min(y + 1, height - 1), beside = std::min(x + 1, width - 1);
    const real* const corners[] = {map.data() + (y * width + x) * n, map.data() + (y * width + beside) * n,
                                   map.data() + (below * width + x) * n, map.data() + (below * width + beside) * n};
    const double weights[] = {(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right};
    for (Index c = 0; c < n; ++c) {
      double sum = 0;
      for (std::size_t k = 0; k < 4; ++k) sum += weights[k] * static_cast<double>(corners[k][c]);
      result[i * channels + begin + c] = static_cast<float>(sum);
    }
  }
}

void run_points(const UpsampleRequest& request, const double* points, int64_t count, float* result) {
  require_inside(points, count, request.size);
  const Index all = request.channels(), pixels = request.size.height * request.size.width;
  // A method that looks many times would do so for every block.
  const bool whole = request.upsampler.upsampler->cost() == Cost::many_passes;
  const Index block = whole ? all : std::clamp<Index>(kBlockReals / pixels, 1, all);
  if (block == all) return sample(request.run(), points, count, 0, all, result);
  const Tensor features = request.features();
  const Guide guide = request.scene.guide();
  for (Index begin = 0; begin < all; begin += block) {
    const Index end = std::min(all, begin + block);
    const ChannelMap map = block_of(request, begin, end);
    const auto share = [&](Index c) {
      return kBackboneShare + (1 - kBackboneShare) * static_cast<double>(c) / static_cast<double>(all);
    };
    const Tensor part =
        (*request.upsampler.upsampler)(features, guide, request.size, &map,
                                       progress_of(&request.options.progress, "upsample", share(begin), share(end)));
    sample(part, points, count, begin, all, result);
  }
}

}  // namespace

Extent result_size(int64_t height, int64_t width, const Scene& scene) {
  if (height == 0 && width == 0) return default_output(scene.grid().height, scene.grid().width, scene.in_size());
  require<UsageError>(height >= 1 && width >= 1 && height <= kMostResultSide && width <= kMostResultSide,
                      "[featup_c] a result of ", height, "x", width, ": give both sides, from 1 to ", kMostResultSide,
                      ", or neither.");
  return {height, width};
}

void note_channels(const fu_upsampler& upsampler, Index channels) {
  const std::string note = upsampler.upsampler->note(channels);
  if (!note.empty() && !upsampler.noted.exchange(true)) say(FU_LOG_WARNING, note);
}

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header

fu_status fu_upsampler_open(const char* name_or_path, const fu_upsampler_options* options, fu_upsampler** upsampler) {
  return guarded([&] {
    needed(upsampler, "upsampler") = nullptr;
    open(std::string(&needed(name_or_path, "name_or_path")), options, upsampler);
  });
}

fu_status fu_upsampler_open_memory(const void* bytes, size_t size, const char* name,
                                   const fu_upsampler_options* options, fu_upsampler** upsampler) {
  return guarded([&] {
    needed(upsampler, "upsampler") = nullptr;
    open(weights_in(bytes, size, name), options, upsampler);
  });
}

void fu_upsampler_free(fu_upsampler* upsampler) { delete upsampler; }
const char* fu_upsampler_describe(const fu_upsampler* upsampler) {
  return upsampler ? upsampler->description.c_str() : "";
}

fu_status fu_upsample(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                      fu_tensor** features) {
  return guarded([&] {
    needed(features, "features") = nullptr;
    *features = handle_of(UpsampleRequest(upsampler, scene, options).run());
  });
}

fu_status fu_upsample_into(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                           fu_output* features) {
  return guarded([&] {
    const UpsampleRequest request(upsampler, scene, options);
    if (asks_size(needed(features, "features"), request.size.height, request.size.width, request.channels())) return;
    store(request.run(), *features);
  });
}

fu_status fu_upsample_points(const fu_upsampler* upsampler, const fu_scene* scene, const fu_upsample_options* options,
                             const double* points, int64_t count, float* result) {
  return guarded([&] {
    const UpsampleRequest request(upsampler, scene, options);
    points_of(points, count);
    run_points(request, points, count, &needed(result, "result"));
  });
}
