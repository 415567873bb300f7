// The C interface: fits.
#include <algorithm>
#include <limits>

#include "core/number_text.h"
#include "featup/api/c_handles.h"
#include "featup/fit/fit_run.h"
#include "featup/fit/photo_window.h"

namespace fu::c {

namespace {

constexpr Index kMostResultPixels = Index{1} << 28;  // of the whole photo at the size that is asked for

fu_fit* fit_handle_of(FittedMap map) { return new fu_fit{std::move(map)}; }

/// Works until all is done or the callback asks for the end. throws Cancelled.
void work(FitRun& run, const fu_progress& progress) {
  try {
    while (run.work()) tell(progress, run.fraction(), run.stage());
  } catch (const Cancelled& wish) {
    if (!wish.finish || !run.ready()) throw;
  }
}

FittedMap fitted(const fu_scene* described, const char* options, const fu_progress* progress) {
  require<UsageError>(!needed(described, "scene").features && !described->input.own,
                      "[fit] scene.features and input.own: a fit looks at the whole image through its backbone. Leave ",
                      "them out.");
  const Scene scene(described);
  scene.require_map();
  const std::shared_ptr<const Backbone> backbone = described->backbone->backbone;
  const Extent size = scene.in_size();
  FitRun run(
      scene.views().at(size.height, size.width), [&backbone](const Tensor& image) { return backbone->features(image); },
      options_of<FitOptions>(options));
  work(run, progress ? *progress : fu_progress{});
  FittedMap map = run.result();
  map.settings["input"] = "an image of the application";
  map.settings["backbone"] = backbone->describe();
  map.settings["size"] = scene.cropped() ? cat(size.height, "x", size.width) : cat(std::min(size.height, size.width));
  map.settings["cropped"] = scene.cropped() ? "1" : "0";
  map.settings["views"] = std::to_string(run.views()), map.settings["steps"] = std::to_string(run.steps());
  return map;
}

/// A part of the fitted photo at the size of the whole result.
PhotoWindow photo_at(const FittedMap& fit, const fu_image* image, Extent size, const ImagePart& part) {
  if (!image) return photo_window(fit, nullptr, size, part);
  const Image photo = image_of(*image);
  return photo_window(fit, &photo, size, part);
}

/// A query, checked.
struct Query {
  const FittedMap& fit;
  fu_query wanted;
  Extent size;
  ChannelMap map;

  Query(const fu_fit* handle, const fu_query* query)
      : fit(needed(handle, "fit").map),
        wanted(query ? *query : fu_query{}),
        size{wanted.height, wanted.width},
        map(map_of(wanted.projection, fit.channels())) {
    if (size.height == 0 && size.width == 0) size = {fit.photo.height, fit.photo.width};
    require<UsageError>(size.height >= 1 && size.width >= 1 && size.height <= kMostResultPixels &&
                            size.width <= kMostResultPixels && size.height * size.width <= kMostResultPixels,
                        "[fit] a whole result of ", size.height, "x", size.width,
                        ": give both sides, at most 2^28 pixels, or neither.");
    const bool inside = wanted.top >= 0 && wanted.top < size.height && wanted.left >= 0 && wanted.left < size.width;
    if (inside && wanted.rows == 0) wanted.rows = size.height - wanted.top;
    if (inside && wanted.columns == 0) wanted.columns = size.width - wanted.left;
    require<UsageError>(inside && wanted.rows >= 1 && wanted.columns >= 1 && wanted.rows <= size.height &&
                            wanted.columns <= size.width && wanted.top <= size.height - wanted.rows &&
                            wanted.left <= size.width - wanted.columns,
                        "[fit] a part of ", wanted.rows, "x", wanted.columns, " at (", wanted.top, ",", wanted.left,
                        ") is not inside of ", size.height, "x", size.width, ".");
  }
  FittedRenderer renderer(const ImagePart& part) const {
    return {fit, photo_at(fit, wanted.image, size, part), map.matrix.size() > 0 ? &map : nullptr};
  }
  Index channels() const { return map.matrix.size() > 0 ? map.matrix.dim(1) : fit.channels(); }
  Tensor run() const {
    // First: a result that is too large is refused before any work.
    Tensor result({1, wanted.rows, wanted.columns, channels()});
    renderer({wanted.top, wanted.left, wanted.rows, wanted.columns})
        .render(wanted.top, wanted.left, wanted.rows, wanted.columns, result.data());
    return result;
  }
};

}  // namespace

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header

fu_status fu_fit_make(const fu_scene* scene, const char* options, const fu_progress* progress, fu_fit** fit) {
  return guarded([&] {
    needed(fit, "fit") = nullptr;
    *fit = fit_handle_of(fitted(scene, options, progress));
  });
}

fu_status fu_fit_load(const char* path, fu_fit** fit) {
  return guarded([&] {
    needed(fit, "fit") = nullptr;
    *fit = fit_handle_of(fu::FittedMap::load(std::string(&needed(path, "path"))));
  });
}

fu_status fu_fit_load_memory(const void* bytes, size_t size, const char* name, fu_fit** fit) {
  return guarded([&] {
    needed(fit, "fit") = nullptr;
    *fit = fit_handle_of(fu::FittedMap::load(weights_in(bytes, size, name)));
  });
}

fu_status fu_fit_save(const fu_fit* fit, const char* path) {
  return guarded([&] { needed(fit, "fit").map.save(&needed(path, "path")); });
}

void fu_fit_free(fu_fit* fit) { delete fit; }

fu_status fu_fit_shape(const fu_fit* fit, int64_t shape[3]) {
  return guarded([&] {
    const fu::FittedMap& map = needed(fit, "fit").map;
    needed(shape, "shape");
    shape[0] = map.photo.height, shape[1] = map.photo.width, shape[2] = map.channels();
  });
}

double fu_fit_explained(const fu_fit* fit) {
  double explained = std::numeric_limits<double>::quiet_NaN();
  if (!fit) return explained;
  const auto said = fit->map.settings.find("explained");
  if (said != fit->map.settings.end()) fu::read_number(said->second, explained);
  return explained;
}

fu_status fu_fit_query(const fu_fit* fit, const fu_query* query, fu_tensor** features) {
  return guarded([&] {
    needed(features, "features") = nullptr;
    *features = handle_of(Query(fit, query).run());
  });
}

fu_status fu_fit_query_into(const fu_fit* fit, const fu_query* query, fu_output* features) {
  return guarded([&] {
    const Query checked(fit, query);
    const fu_query& part = checked.wanted;
    if (asks_size(needed(features, "features"), part.rows, part.columns, checked.channels())) return;
    store(checked.run(), *features);
  });
}

fu_status fu_fit_points(const fu_fit* fit, const fu_query* query, const double* points, int64_t count, float* result) {
  return guarded([&] {
    needed(result, "result");
    const Query checked(fit, query);
    const fu::Tensor values =
        checked.renderer({0, 0, checked.size.height, checked.size.width}).at(points_of(points, count));
    std::transform(values.data(), values.data() + values.size(), result,
                   [](fu::real x) { return static_cast<float>(x); });
  });
}
