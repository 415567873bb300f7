#include "tools/media/image_folder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/files/read_error.h"
#include "tools/media/image_io.h"

namespace fu {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostKept = std::size_t{400} << 20;  // bytes of small copies
// Sides of a copy over sides of a sample: the smallest part that is taken, half a side, still fills a sample.
constexpr double kSpare = 2.2;

Image mirrored(const Image& image) {
  Image result = image;
  for (Index i = 0; i < image.height; ++i)
    for (Index j = 0; j < image.width; ++j)
      for (Index c = 0; c < 3; ++c)
        result.rgb[usize(3 * (i * image.width + j) + c)] =
            image.rgb[usize(3 * (i * image.width + image.width - 1 - j) + c)];
  return result;
}

}  // namespace

ImageFolder::ImageFolder(const std::vector<std::string>& paths, Extent side) : side_(side) {
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    std::error_code error;
    require<FileError>(fs::exists(path, error), path, ": no such folder or picture.");
    if (!fs::is_directory(path, error)) {
      found.push_back(path);
      continue;
    }
    const FoundPictures inside = find_pictures(path);
    found.insert(found.end(), inside.paths.begin(), inside.paths.end());
    if (!inside.left_out.empty()) left_out_ += (left_out_.empty() ? "" : "; ") + inside.left_out;
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const std::string& path : found) files_.push_back({path, false, false, {}});
  require<FileError>(!files_.empty(), paths.empty() ? std::string("no folder") : paths.front(),
                     ": has no pictures (.png, .jpg, .jpeg, .bmp, .tga, .pbm, .pgm, .ppm) in it, nor in its folders.");
}

std::vector<std::string> ImageFolder::paths() const {
  std::vector<std::string> all;
  for (const File& file : files_) all.push_back(file.path);
  return all;
}

const Image* ImageFolder::photo(Index i) {
  File& file = files_[usize(i)];
  if (file.bad) return nullptr;
  if (file.small.height > 0) return &file.small;
  try {
    last_ = read_image(file.path);
    require<FileError>(std::min(last_.height, last_.width) >= 32, file.path, ": is too small to learn from.");
  } catch (const ReadError&) {
    throw;  // with other photos the training would be another one
  } catch (const FileError&) {
    file.bad = true, ++unreadable_;
    return nullptr;
  }
  const double scale = kSpare * std::max(static_cast<double>(side_.height) / static_cast<double>(last_.height),
                                         static_cast<double>(side_.width) / static_cast<double>(last_.width));
  const auto scaled = [scale](Index n) {
    return std::max<Index>(1, static_cast<Index>(std::lround(static_cast<double>(n) * scale)));
  };
  if (scale < 1) last_ = resize_antialiased(last_, scaled(last_.height), scaled(last_.width));
  if (kept_ + last_.rgb.size() > kMostKept) return &last_;
  kept_ += last_.rgb.size();
  file.small = std::move(last_);
  return &file.small;
}

Image ImageFolder::sample(Index i, bool augment, Random random) {
  const Image* image = nullptr;
  for (Index tries = 0; !image && tries < size(); ++tries) image = photo((i + tries) % size());
  require<FileError>(image != nullptr, path(0), ": cannot be read as a picture, and no other of the ", size(),
                     " files can.");
  if (!augment) return cover(*image, side_.height, side_.width);
  // The largest part of the samples' shape, times a random factor.
  const double fit = std::min(static_cast<double>(image->height) / static_cast<double>(side_.height),
                              static_cast<double>(image->width) / static_cast<double>(side_.width));
  const double scale = fit * static_cast<double>(random.uniform(real(0.5), 1));
  const auto part = [&](Index side, Index most) {
    return std::clamp<Index>(static_cast<Index>(std::lround(static_cast<double>(side) * scale)), 1, most);
  };
  const Index height = part(side_.height, image->height), width = part(side_.width, image->width);
  const Index top = random.below(image->height - height + 1), left = random.below(image->width - width + 1);
  const Image result = resize_antialiased(crop(*image, top, left, height, width), side_.height, side_.width);
  return random.uniform() < real(0.5) ? mirrored(result) : result;
}

}  // namespace fu
