#include "tools/cli/labelled_photos.h"

#include <filesystem>
#include <map>

#include "core/error.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"
#include "tools/media/label_picture.h"

namespace fu {

namespace {

Labels read_labels(const std::string& path, Index height, Index width) {
  const Image picture = read_label_picture(path);
  require<FileError>(picture.height == height && picture.width == width, path, ": has ", picture.height, "x",
                     picture.width, " pixels, its photo ", height, "x", width, ".");
  Labels labels(usize(height * width));
  for (std::size_t p = 0; p < labels.size(); ++p) labels[p] = picture.rgb[3 * p];
  return labels;
}

}  // namespace

std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels, std::string& left_out,
                                           bool arrays) {
  namespace fs = std::filesystem;
  const auto found_in = [&](const std::string& folder, bool with_arrays) {
    FoundPictures found = find_pictures(folder, with_arrays);
    if (!found.left_out.empty()) left_out += (left_out.empty() ? "" : "; ") + found.left_out;
    return std::move(found.paths);
  };
  const auto name_in = [](const std::string& folder, const std::string& path) {
    return fs::path(path).lexically_relative(folder).replace_extension().string();
  };
  std::map<std::string, std::string> by_path;
  std::map<std::string, std::vector<std::string>> by_name;
  for (const std::string& path : found_in(labels, arrays)) {
    by_path[name_in(labels, path)] = path;
    by_name[fs::path(path).stem().string()].push_back(path);
  }
  std::vector<LabelledPhoto> pairs;
  for (const std::string& path : found_in(photos, false)) {
    const std::string stem = name_in(photos, path);
    const auto same_path = by_path.find(stem);
    const std::vector<std::string>& same_name = by_name[fs::path(path).stem().string()];
    require<FileError>(same_path != by_path.end() || !same_name.empty(), labels, ": holds no labels for ", path,
                       "; they must have the photo's name.");
    require<FileError>(same_path != by_path.end() || same_name.size() == 1, labels, ": holds ", same_name.size(),
                       " labels of the name of ", path, "; they must lie in folders as the photos do.");
    pairs.push_back({path, same_path != by_path.end() ? same_path->second : same_name.front(), stem});
  }
  require<FileError>(!pairs.empty(), photos, ": holds no photos.");
  return pairs;
}

CutPhoto::CutPhoto(const LabelledPhoto& pair, Index patch) {
  const Image whole = read_image(pair.photo);
  const Index h = whole.height / patch * patch, w = whole.width / patch * patch, top = (whole.height - h) / 2,
              left = (whole.width - w) / 2;
  require<FileError>(h > 0 && w > 0, pair.photo, ": is smaller than one patch of the backbone.");
  photo = crop(whole, top, left, h, w);
  const Labels all = read_labels(pair.labels, whole.height, whole.width);
  for (Index i = 0; i < h; ++i) {
    const auto row = all.begin() + static_cast<std::ptrdiff_t>((top + i) * whole.width + left);
    labels.insert(labels.end(), row, row + static_cast<std::ptrdiff_t>(w));
  }
}

LabelledFeatures CutPhoto::with_features(const Tensor& features) const {
  LabelledFeatures all;
  all.height = photo.height, all.width = photo.width, all.labels = labels, all.features = features;
  return all;
}

}  // namespace fu
