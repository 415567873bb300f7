// Reading a fitted map: everything that such a file may hold, with its shapes and ranges.
#include <cmath>

#include "core/files/schema.h"
#include "featup/fit/fitted_map.h"

namespace fu {

namespace {

constexpr NumberRange kCount{0, 1e7};                               // views, steps
constexpr NumberRange kExplained{-1e31, 1}, kLoss{-1e31, 1e31};     // shares of a variance; any loss
constexpr NumberRange kSquares{0, 1e30};                            // means of squared gradients
constexpr double kMostFrequencies = 256, kMostHistory = 1e6;        // as the options of a fit allow; looks at the views
constexpr Index kMostKernel = 255, kLargestPhoto = Index{1} << 26;  // side of a window; pixels at the backbone

bool begins(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

void read_photo(Schema& schema, FittedMap& fit, const std::string& path) {
  const Tensor levels = schema.whole_numbers("photo", {Schema::kAny, Schema::kAny, 3}, {0, 255});
  fit.photo = {levels.dim(0), levels.dim(1), {}};
  require<FileError>(fit.photo.height * fit.photo.width <= kLargestPhoto, path, ": its photo has ", fit.photo.height,
                     "x", fit.photo.width, " pixels, more than a backbone sees.");
  for (Index i = 0; i < levels.size(); ++i) fit.photo.rgb.push_back(static_cast<unsigned char>(levels.data()[i]));
}

/// Returns the number of channels that grid and network have.
Index read_components(Schema& schema, FittedMap& fit) {
  if (!schema.has("pca.components") && !schema.has("pca.mean")) return fit.channels();
  fit.pca.components = schema.tensor("pca.components", {Schema::kAny, fit.channels()});
  fit.pca.mean = schema.tensor("pca.mean", {fit.channels()});
  return fit.pca.components.dim(0);
}

void read_grid(Schema& schema, FittedMap& fit, Index channels, const std::string& path) {
  if (!schema.has("grid")) return;
  fit.grid = schema.tensor("grid", {1, Schema::kAny, Schema::kAny, channels});
  require<FileError>(fit.grid.dim(1) <= fit.photo.height && fit.grid.dim(2) <= fit.photo.width, path, ": its grid ",
                     fit.grid.shape(), " has more cells than its photo has pixels, ", fit.photo.height, "x",
                     fit.photo.width, ".");
  fit.widths = {schema.number("grid_space", {0.05, 100}), schema.number("grid_color", {0.005, 100})};
}

void read_network(const Weights& file, Schema& schema, FittedMap& fit, Index channels) {
  if (!schema.has("upsampler.1.biases")) return;
  ImplicitOptions& o = fit.network_options;
  o.frequencies = schema.whole_number("frequencies", {1, kMostFrequencies});
  o.color = schema.whole_number("color_features", {0, 1}) != 0;
  if (schema.says("highest_frequency")) o.highest = schema.number("highest_frequency", {-2, 20});
  const Index signals = o.color ? 5 : 2, features = 2 * o.frequencies * signals + (o.color ? 3 : 0);
  // Shapes come before the network is made, so that a few bytes cannot ask for gigabytes.
  schema.tensor("upsampler.1.biases", {2, signals, o.frequencies});
  for (const char* part : {"weight", "bias"}) {
    const bool matrix = part[0] == 'w';
    const auto layer = [&](const std::string& name, Index out, Index in) {
      schema.tensor("upsampler." + name + "." + part,
                    matrix ? std::vector<Index>{out, in, 1, 1} : std::vector<Index>{out});
    };
    layer("4", channels, features), layer("8", channels, channels), layer("10", channels, channels);
    schema.tensor(std::string("upsampler.2.norm.") + part, {features});
    schema.tensor(std::string("upsampler.7.norm.") + part, {channels});
  }
  fit.network = std::make_shared<ImplicitNetwork>(o, channels, nullptr);
  fit.network->load(file, "upsampler.");
}

/// The downsampler and the uncertainty that were fitted beside the map. They are drawn, and resumed from.
void read_companions(Schema& schema, FittedMap& fit, Index channels, const std::string& path) {
  const auto read = [&](const std::string& name, const std::vector<Index>& sizes) {
    fit.extra[name] = schema.tensor(name, sizes);
  };
  const auto window = [&](const std::string& name) {
    const Shape s = schema.shape(name, {Schema::kAny, Schema::kAny});
    require<FileError>(s[0] == s[1] && s[0] <= kMostKernel, path, ": tensor '", name, "' has the shape ", s,
                       ", expected a square of at most ", kMostKernel, " pixels.");
    read(name, {s[0], s[0]});
    return s[0];
  };
  if (schema.has("downsampler.w") || schema.has("downsampler.b")) {
    const Index side = window("downsampler.w");
    read("downsampler.b", {side, side});
    read("downsampler.attention_net.1.weight", {1, channels + 1});
    read("downsampler.attention_net.1.bias", {1});
  } else if (schema.has("downsampler.kernel_params")) {
    window("downsampler.kernel_params");
  }
  if (!schema.has("scale_net.net.weight") && !schema.has("scale_net.net.bias")) return;
  read("scale_net.net.weight", {1, channels, 1, 1});
  read("scale_net.net.bias", {1});
}

/// Rows of views, steps, loss, explained variance.
void read_history(Schema& schema, FittedMap& fit, const std::string& path) {
  if (!schema.has("history")) return;
  const Shape s = schema.shape("history", {Schema::kAny, 4});
  require<FileError>(static_cast<double>(s[0]) <= kMostHistory, path, ": its history has ", s[0],
                     " rows, more than any fit looks at its views.");
  const Tensor rows = schema.tensor("history", {s[0], 4}, {-1e31, 1e31});
  constexpr NumberRange kColumns[] = {kCount, kCount, kLoss, kExplained};
  for (Index i = 0; i < rows.size(); ++i) {
    const auto x = static_cast<double>(rows.data()[i]);
    const NumberRange range = kColumns[i % 4];
    require<FileError>(x >= range.low && x <= range.high, path, ": row ", i / 4, " of its history holds ", x,
                       " in column ", i % 4, ", expected a number from ", range.low, " to ", range.high, ".");
  }
  fit.extra["history"] = rows;
}

/// The state of an unfinished network. Its shapes depend on the options that it is resumed with, and are compared with
/// them then.
void read_state(const Weights& file, Schema& schema, FittedMap& fit, const std::string& path) {
  for (const auto& [name, entry] : file.entries()) {
    if (!begins(name, "resume.")) continue;
    const std::vector<Index> sizes(usize(entry.shape.rank()), Schema::kAny);
    const bool squares = begins(name, "resume.optimizer.square."), state = name == "resume.state";
    fit.extra[name] = schema.tensor(name, sizes, squares ? kSquares : state ? NumberRange{-1e30, 1e30} : kOrdinary);
  }
  if (!fit.extra.count("resume.state")) return;
  const Tensor state = schema.tensor("resume.state", {5}, {-1e30, 1e30});
  for (Index i = 0; i < 4; ++i)
    require<FileError>(
        state.data()[i] >= 0 && state.data()[i] < real(1e7) && state.data()[i] == std::floor(state.data()[i]), path,
        ": its resume.state holds ", state.data()[i], " at element ", i, ", expected a whole number from 0 to 1e7.");
  require<FileError>(state.data()[1] <= state.data()[0], path, ": its resume.state has its best step, ",
                     state.data()[1], ", after its last, ", state.data()[0], ".");
}

}  // namespace

FittedMap FittedMap::load(const std::string& path) { return load(Weights(path)); }

FittedMap FittedMap::load(const Weights& file) {
  const std::string& path = file.path();
  const auto format = file.metadata().find("format");
  require<FileError>(format != file.metadata().end() && format->second == kFittedFormat, path,
                     ": is no fitted map. featup fit makes them.");
  Schema schema(file, "a fitted map");
  FittedMap fit;
  fit.settings = file.metadata();
  read_photo(schema, fit, path);
  fit.low = schema.tensor("low", {1, Schema::kAny, Schema::kAny, Schema::kAny});
  const Index channels = read_components(schema, fit);
  read_grid(schema, fit, channels, path);
  read_network(file, schema, fit, channels);
  require<FileError>(fit.grid.size() > 0 || fit.network, path, ": holds neither a grid nor a network.");
  read_companions(schema, fit, channels, path);
  read_history(schema, fit, path);
  read_state(file, schema, fit, path);
  for (const char* key : {"views", "steps"})
    if (schema.says(key)) schema.whole_number(key, kCount);
  if (schema.says("explained")) schema.number("explained", kExplained);
  if (schema.says("seconds")) schema.number("seconds", {0, 1e12});
  schema.finish();
  return fit;
}

}  // namespace fu
