#include "tools/cli/labelled_photos.h"

#include <filesystem>
#include <map>

#include "core/error.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"

namespace fu {

namespace {

Labels read_labels(const std::string& path, Index height, Index width) {
  const Image picture = read_image(path);
  require<FileError>(picture.height == height && picture.width == width, path, ": has ", picture.height, "x",
                     picture.width, " pixels, its photo ", height, "x", width, ".");
  Labels labels(usize(height * width));
  for (std::size_t p = 0; p < labels.size(); ++p) labels[p] = picture.rgb[3 * p];
  return labels;
}

}  // namespace

std::vector<LabelledPhoto> labelled_photos(const std::string& photos, const std::string& labels) {
  std::map<std::string, std::string> named;
  for (const std::string& path : find_pictures(labels)) named[std::filesystem::path(path).stem().string()] = path;
  std::vector<LabelledPhoto> pairs;
  for (const std::string& path : find_pictures(photos)) {
    const std::string stem = std::filesystem::path(path).stem().string();
    const auto it = named.find(stem);
    require<FileError>(it != named.end(), labels, ": holds no labels for ", path, "; they must have the photo's name.");
    pairs.push_back({path, it->second, stem});
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

}  // namespace fu
