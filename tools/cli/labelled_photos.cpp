#include "tools/cli/labelled_photos.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"
#include "tools/media/label_picture.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> found_in(const std::string& folder, bool arrays, std::string& left_out) {
  FoundPictures found = find_pictures(folder, arrays);
  if (!found.left_out.empty()) left_out += (left_out.empty() ? "" : "; ") + found.left_out;
  return std::move(found.paths);
}

std::string name_in(const std::string& folder, const std::string& path) {
  return fs::path(path).lexically_relative(folder).replace_extension().string();
}

}  // namespace

LabelFiles::LabelFiles(const std::string& folder, std::string& left_out, bool arrays) : folder_(folder) {
  for (const std::string& path : found_in(folder, arrays, left_out)) {
    by_path_[name_in(folder, path)] = path;
    by_name_[fs::path(path).stem().string()].push_back(path);
  }
}

std::string LabelFiles::of(const std::string& photo, const std::string& stem) const {
  const auto same_path = by_path_.find(stem);
  if (same_path != by_path_.end()) return same_path->second;
  const auto same_name = by_name_.find(fs::path(photo).stem().string());
  if (same_name == by_name_.end()) return "";
  require<FileError>(same_name->second.size() == 1, folder_, ": holds ", same_name->second.size(),
                     " labels of the name of ", photo, "; they must lie in folders as the photos do.");
  return same_name->second.front();
}

std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels, std::string& left_out,
                                           bool arrays) {
  const LabelFiles files(labels, left_out, arrays);
  std::vector<LabelledPhoto> pairs;
  for (const std::string& path : found_in(photos, false, left_out)) {
    const std::string stem = name_in(photos, path), found = files.of(path, stem);
    require<FileError>(!found.empty(), labels, ": holds no labels for ", path, "; they must have the photo's name.");
    pairs.push_back({path, found, stem});
  }
  require<FileError>(!pairs.empty(), photos, ": holds no photos.");
  return pairs;
}

Part middle_part(Extent photo, Index height, Index width) {
  return {(photo.height - height) / 2, (photo.width - width) / 2, height, width};
}

Part covered_part(Extent photo, Extent size) {
  const auto shape = [](Index a, Index b, Index c) {
    return std::max<Index>(
        1, static_cast<Index>(std::lround(static_cast<double>(a) * static_cast<double>(b) / static_cast<double>(c))));
  };
  if (photo.height * size.width < photo.width * size.height)
    return middle_part(photo, photo.height, std::min(photo.width, shape(photo.height, size.width, size.height)));
  return middle_part(photo, std::min(photo.height, shape(photo.width, size.height, size.width)), photo.width);
}

Labels read_labels(const std::string& path, Extent photo) {
  const Image picture = read_label_picture(path);
  require<FileError>(picture.height == photo.height && picture.width == photo.width, path, ": has ", picture.height,
                     "x", picture.width, " pixels, its photo ", photo.height, "x", photo.width, ".");
  Labels labels(usize(photo.height * photo.width));
  for (std::size_t p = 0; p < labels.size(); ++p) labels[p] = picture.rgb[3 * p];
  return labels;
}

CutPhoto::CutPhoto(const LabelledPhoto& pair, Index patch) {
  const Image whole = read_image(pair.photo);
  const Index h = whole.height / patch * patch, w = whole.width / patch * patch, top = (whole.height - h) / 2,
              left = (whole.width - w) / 2;
  require<FileError>(h > 0 && w > 0, pair.photo, ": is smaller than one patch of the backbone.");
  photo = crop(whole, top, left, h, w);
  const Labels all = read_labels(pair.labels, {whole.height, whole.width});
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
