// The answers of Service that take a photo.
#include <algorithm>
#include <cmath>

#include "tools/cli/errors.h"
#include "tools/cli/parse.h"
#include "tools/cli/progress.h"
#include "tools/cli/upsample_photo.h"
#include "tools/media/feature_io.h"
#include "tools/media/image_io.h"
#include "tools/serve/overtime.h"
#include "tools/serve/service.h"

namespace fu {

namespace {

const std::string kPhoto = "the photo";  // its name in errors

/// The text of a parameter that must be one of two.
bool is_second(const std::string& name, const std::string& text, const char* first, const char* second) {
  require<OptionError>(text == first || text == second, name, " '", text, "': give ", first, " or ", second, ".");
  return text == second;
}

}  // namespace

/// What the query asks for.
struct Service::Wish {
  std::string size;  // empty: as the server was started
  Extent out_size;   // 0 x 0: not given
  ProjectionArgs projection;
  DType type = DType::f32;
  Layout layout = Layout::hwc;
  bool json = false;
};

Service::Wish Service::wish_of(const HttpRequest& r) const {
  Wish wish;
  wish.projection = model_.projection;
  wish.json = r.accept.rfind("application/json", 0) == 0;
  std::vector<std::string> seen;
  for (const auto& [name, value] : r.query) {
    require<OptionError>(std::find(seen.begin(), seen.end(), name) == seen.end(), "the parameter '", name,
                         "' is given twice.");
    seen.push_back(name);
    if (name == "size") {
      parse_input_size(value);
      wish.size = value;
    } else if (name == "out-size" && r.path == "/v1/upsample") {
      wish.out_size = parse_extent("out-size", value);
      require<OptionError>(wish.out_size.height > 0, "out-size is empty; give HxW.");
    } else if (name == "pca") {
      wish.projection.pca = parse_whole(value, 1 << 20);
      require<OptionError>(wish.projection.pca > 0, "pca '", value, "': give a whole number from 1.");
    } else if (name == "dtype") {
      wish.type = is_second(name, value, "f32", "f16") ? DType::f16 : DType::f32;
    } else if (name == "layout") {
      wish.layout = is_second(name, value, "hwc", "chw") ? Layout::chw : Layout::hwc;
    } else if (name == "format") {
      wish.json = is_second(name, value, "npy", "json");
    } else {
      throw OptionError(cat("there is no parameter '", name, "' here; GET / lists them."));
    }
  }
  return wish;
}

std::string Service::wrong_query(const HttpRequest& r) const {
  try {
    wish_of(r);
    return "";
  } catch (const UsageError& error) {
    return without_dashes(error.what());
  }
}

Progress Service::deadline() const {
  if (limits_.seconds <= 0) return {};
  const double end = now_seconds() + limits_.seconds;
  return [end, allowed = limits_.seconds](double) {
    if (now_seconds() > end)
      throw Overtime(cat("the answer takes longer than the ", allowed, " s that the server gives it. Ask for less."));
  };
}

void Service::check_result(Extent size, Index channels, const Wish& wish) const {
  const double bytes = static_cast<double>(size.height) * static_cast<double>(size.width) *
                       static_cast<double>(channels) * static_cast<double>(dtype_size(wish.type));
  require<UsageError>(bytes <= limits_.result, "the result would be ", size.height, "x", size.width, "x", channels,
                      " numbers, more than the ", std::floor(limits_.result / 1e6),
                      " MB that the server gives. Ask for a smaller out-size, or for fewer channels by pca.");
}

PhotoFeatures Service::features_of(const HttpRequest& r, const Wish& wish, const Progress& progress) const {
  require<UsageError>(!r.body.empty(), "the body is empty. Send the bytes of a picture.");
  FeatureArgs source = model_.source;
  if (!wish.size.empty()) {
    source.size = wish.size;
    source.size_option = Option();
  }
  const MappedFile file(kPhoto, reinterpret_cast<const unsigned char*>(r.body.data()), r.body.size());
  Image photo = read_image(file);
  const Extent seen = input_extent(photo, parse_input_size(source.size), model_.backbone->patch());
  require<UsageError>(seen.height * seen.width <= limits_.pixels, "the backbone would see ", seen.height, "x",
                      seen.width, " pixels, more than the ", limits_.pixels,
                      " that the server allows. Ask for a smaller size.");
  Report unused("serve", {}, false);
  return Featurizer(source, model_.backbone).run(kPhoto, std::move(photo), unused, progress);
}

HttpAnswer Service::give(const Tensor& result, const Wish& wish, const PhotoFeatures& photo) const {
  if (!wish.json)
    return {200, "application/octet-stream", npy_of_features("the result", result, wish.type, wish.layout), {}};
  require_finite("the result", result.data(), result.size());
  const auto [least, most] = std::minmax_element(result.data(), result.data() + result.size());
  double sum = 0;
  for (Index i = 0; i < result.size(); ++i) sum += static_cast<double>(result.data()[i]);
  const Index h = result.dim(1), w = result.dim(2), c = result.dim(3);
  const bool planes = wish.layout == Layout::chw;
  return json_answer(200, {{"shape", planes ? std::vector<Index>{c, h, w} : std::vector<Index>{h, w, c}},
                           {"dtype", wish.type == DType::f16 ? "f16" : "f32"},
                           {"layout", planes ? "chw" : "hwc"},
                           {"in_size", {photo.in_size.height, photo.in_size.width}},
                           {"lr_size", {photo.features.dim(1), photo.features.dim(2)}},
                           {"min", *least},
                           {"max", *most},
                           {"mean", sum / static_cast<double>(result.size())}});
}

HttpAnswer Service::upsample(const HttpRequest& r) const {
  const Wish wish = wish_of(r);
  const Progress progress = deadline();
  const PhotoFeatures photo = features_of(r, wish, progress);
  const Extent size = upsampled_size(kPhoto, photo, wish.out_size);
  const Index channels = wish.projection.pca > 0    ? wish.projection.pca
                         : model_.matrix.size() > 0 ? model_.matrix.dim(1)
                                                    : photo.features.dim(3);
  check_result(size, channels, wish);
  return give(upsample_photo(*model_.upsampler, photo, size, wish.projection, model_.matrix, progress).features, wish,
              photo);
}

HttpAnswer Service::features(const HttpRequest& r) const {
  const Wish wish = wish_of(r);
  const PhotoFeatures photo = features_of(r, wish, deadline());
  const ChannelMap map = channel_map(wish.projection, model_.matrix, photo.features, "the features have");
  return give(apply_map(photo.features, map), wish, photo);
}

void Service::warm_up() const {
  const Image grey{64, 64, std::vector<unsigned char>(64 * 64 * 3, 128)};
  Report unused("serve", {}, false);
  const PhotoFeatures photo = Featurizer(model_.source, model_.backbone).run("a grey photo", grey, unused, {});
  channel_map(model_.projection, model_.matrix, model_.upsampler->output_space(photo.features), "the features have");
  if (model_.upsampler->cost() == Cost::one_pass)
    upsample_photo(*model_.upsampler, photo, upsampled_size("a grey photo", photo, {}), model_.projection,
                   model_.matrix, {});
}

}  // namespace fu
