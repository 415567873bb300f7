#include "tools/media/feature_io.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/files/bytes.h"

namespace fu {

namespace {

/// One way to read an array as a map of h x w vectors.
struct Reading {
  Layout layout = Layout::hwc;
  Index h = 0, w = 0, others = 0;  // tokens before those of the grid
  bool of_square_part = false;

  std::string text() const {
    if (layout == Layout::tokens)
      return cat(h, "x", w, " tokens", others > 0 ? cat(" behind ", others, others > 1 ? " others" : " other") : "",
                 of_square_part ? " of a square part" : "");
    return cat("a map of ", h, "x", w, layout == Layout::hwc ? " (h,w,C)" : " (C,h,w)");
  }
};

constexpr Index kOthers[] = {1, 0, 5, 2, 9, 4, 8};  // the commonest first

/// How far sides are from the photo's shape, in rows or columns: one side is taken as it is.
double deviation(Index h, Index w, Extent image) {
  const auto rows = static_cast<double>(h), cols = static_cast<double>(w);
  const double shape = static_cast<double>(image.height) / static_cast<double>(image.width);
  return std::min(std::abs(rows - cols * shape), std::abs(cols - rows / shape));
}

/// Sides are rounded to whole patches, so that they deviate by less than one. Those of a map that was enlarged deviate
/// by less than one patch of the map before, which had 14 rows or more: that counts where nothing fits better.
bool map_fits(const Reading& r, Extent image, bool enlarged) {
  const double most = enlarged ? static_cast<double>(std::min(r.h, r.w)) / 14 : 1;
  return r.h > 0 && r.w > 0 && deviation(r.h, r.w, image) < most;
}

/// Grids of n tokens that have the photo's shape; tokens are never enlarged. Most models see a square part of the
/// photo. 197 tokens are 12x16 behind 5 others for a photo of 3:4, but likelier 14x14 behind 1 other: a square with a
/// commoner number of others is a reading too, so that nothing is guessed.
void add_token_readings(Index n, bool patches_alone, Extent image, std::vector<Reading>& readings) {
  std::vector<Reading> squares;
  for (const Index others : kOthers) {
    const Index count = n - others;
    if (count <= 0 || (patches_alone && others > 0)) continue;
    const std::size_t before = readings.size();
    for (Index side = 1; side * side <= count; ++side) {
      if (count % side != 0) continue;
      const Index other = count / side;
      if (deviation(side, other, image) < 1) readings.push_back({Layout::tokens, side, other, others});
      if (side != other && deviation(other, side, image) < 1) readings.push_back({Layout::tokens, other, side, others});
      if (side == other && deviation(side, side, image) >= 1)
        squares.push_back({Layout::tokens, side, side, others, true});
    }
    if (readings.size() > before) {
      readings.insert(readings.end(), squares.begin(), squares.end());
      squares.clear();
    }
  }
}

/// All readings of an array that fit the photo.
std::vector<Reading> readings_of(const Shape& s, bool leading_one, bool patches_alone, Layout layout, Extent image) {
  std::vector<Reading> readings;
  const auto wanted = [&](Layout l) { return layout == Layout::automatic || layout == l; };
  const bool photo = image.height > 0;
  if (s.rank() == 3) {
    const Reading hwc{Layout::hwc, s[0], s[1]}, chw{Layout::chw, s[1], s[2]};
    const std::vector<Reading> maps = {hwc, chw};
    for (const bool enlarged : {false, true})
      if (readings.empty())
        std::copy_if(maps.begin(), maps.end(), std::back_inserter(readings),
                     [&](const Reading& r) { return wanted(r.layout) && (!photo || map_fits(r, image, enlarged)); });
    if (!photo && readings.size() == 2) {
      const auto slender = [](const Reading& r) {
        return std::abs(std::log(static_cast<double>(r.h) / static_cast<double>(r.w)));
      };
      readings = {slender(chw) < slender(hwc) ? chw : hwc};
    }
  }
  if (wanted(Layout::tokens) && (s.rank() == 2 || (s.rank() == 3 && s[0] == 1 && !leading_one))) {
    std::vector<Reading> tokens;
    add_token_readings(s[s.rank() - 2], patches_alone, photo ? image : Extent{1, 1}, tokens);
    if (!photo && !tokens.empty()) readings.clear();  // a square is likelier than a single row
    // A map of one row is the same as its tokens.
    const auto is_map = [&](const Reading& r) {
      return r.others == 0 && std::any_of(readings.begin(), readings.end(), [&](const Reading& map) {
               return map.layout == Layout::hwc && map.h == r.h && map.w == r.w;
             });
    };
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(), is_map), tokens.end());
    readings.insert(readings.end(), tokens.begin(), tokens.end());
  }
  return readings;
}

/// The one reading that fits. shape: as the file has it, for messages.
Reading choose(const std::vector<Reading>& readings, const std::string& path, const Shape& shape, Extent image) {
  const std::string photo =
      image.height > 0 ? cat("a photo of ", image.height, "x", image.width, " pixels") : std::string("a square");
  require<FileError>(!readings.empty(), path, ": its array ", shape, " does not fit the shape of ", photo,
                     ", neither as a map (h,w,C) or (C,h,w) nor as tokens (N,C) with up to 9 others in front. Give the "
                     "photo that the features were made of, or its part.");
  std::string all;
  for (const Reading& r : readings) all += (all.empty() ? "" : " or ") + r.text();
  require<FileError>(readings.size() == 1, path, ": its array ", shape, " could be read as ", all, " for ", photo,
                     ". Say which layout it has, or save it as (h,w,C).");
  return readings.front();
}

Tensor arranged(const Tensor& t, const Reading& r) {
  if (r.layout == Layout::hwc) return t.reshape({1, r.h, r.w, t.dim(-1)});
  if (r.layout == Layout::chw) {
    const Index c = t.size() / (r.h * r.w);
    return t.reshape({c, r.h, r.w}).permute({1, 2, 0}).reshape({1, r.h, r.w, c});
  }
  Tensor grid({1, r.h, r.w, t.dim(-1)});
  std::copy_n(t.data() + r.others * t.dim(-1), grid.size(), grid.data());
  return grid;
}

}  // namespace

std::string feature_array(const Weights& file) {
  for (const char* name : {"features", "x_norm_patchtokens", "last_hidden_state"})
    if (file.has(name)) return name;
  if (file.entries().size() == 1) return file.entries().begin()->first;
  for (const int rank : {3, 2}) {  // vectors and scalars beside a map are no maps, tokens beside a map are
    std::string found;
    int count = 0;
    for (const auto& [name, entry] : file.entries())
      if (entry.shape.rank() == rank || (rank == 3 && entry.shape.rank() == 4)) found = name, ++count;
    if (count > 0) return count == 1 ? found : "";
  }
  return "";
}

Tensor read_features(const std::string& path, Layout layout, Extent image, std::string* how) {
  const Weights file(path);
  const std::string name = feature_array(file);
  require<FileError>(!name.empty(), path, ": holds ", file.entries().size(),
                     " arrays, and which of them are features is not clear. Save them alone, or as 'features'.");
  const Shape& found = file.shape(name);
  Shape s = found;
  const bool leading_one = s.rank() == 4 && s[0] == 1;
  if (leading_one) s = Shape{s[1], s[2], s[3]};
  // Without a photo a matrix could be anything.
  const bool rows = s.rank() == 2 && (image.height > 0 || layout == Layout::tokens);
  require<FileError>((s.rank() == 3 || rows) && s.elements() > 0, path, ": holds an array of shape ", found,
                     "; a feature map is (h,w,C) or (C,h,w), tokens are (N,C), of one photo.");
  const auto written = file.metadata().find("layout");
  if (layout == Layout::automatic && name == "features" && written != file.metadata().end() && s.rank() == 3)
    layout = written->second == "hwc" ? Layout::hwc : written->second == "chw" ? Layout::chw : layout;
  const Reading reading =
      choose(readings_of(s, leading_one, name == "x_norm_patchtokens", layout, image), path, found, image);
  if (how) *how = (name == "array" || name == "tensor" ? "" : printable(name) + ", ") + reading.text();
  const Tensor t = file.read(name);
  for (Index i = 0; i < t.size(); ++i)
    require<FileError>(std::isfinite(t.data()[i]) && std::abs(t.data()[i]) < real(1e18), path, ": element ", i,
                       " is not a finite number of sensible size. Features must be.");
  return arranged(t, reading);
}

void require_finite(const std::string& path, const real* values, Index count) {
  for (Index i = 0; i < count; ++i)
    require<FileError>(std::isfinite(values[i]), path,
                       ": is not written, because numbers of the result are not finite: weights or features are too "
                       "large.");
}

namespace {

/// Features (1,H,W,C) in the order of a file. The tensor must outlive it.
struct Arranged {
  Shape shape;
  ElementSource source;

  Arranged(const std::string& what, const Tensor& features, bool planes)
      : source(planes ? planes_of(features) : elements_of(features)) {
    const Index h = features.dim(1), w = features.dim(2), c = features.dim(3);
    require_finite(what, features.data(), features.size());
    shape = planes ? Shape{c, h, w} : Shape{h, w, c};
  }
};

}  // namespace

void write_features(const std::string& path, const Tensor& features, const OutputFormat& format,
                    const std::map<std::string, std::string>& metadata) {
  const bool planes = format.layout == Layout::chw;
  const Arranged file(path, features, planes);
  if (!format.safetensors) return write_npy(path, file.shape, file.source, format.type);
  auto all = metadata;
  all["layout"] = planes ? "chw" : "hwc";
  write_safetensors(path, "features", file.shape, file.source, all, format.type);
}

std::string npy_of_features(const std::string& what, const Tensor& features, DType type, Layout layout) {
  const Arranged file(what, features, layout == Layout::chw);
  return npy_bytes(file.shape, file.source, type);
}

}  // namespace fu
