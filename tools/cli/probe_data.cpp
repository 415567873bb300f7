#include "tools/cli/probe_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"
#include "tools/media/image_io.h"
#include "tools/media/label_picture.h"
#include "tools/media/number_map.h"

namespace fu {

namespace {

constexpr Index kIgnored = 255;

PixelTargets part_of(const PixelTargets& all, const Part& part) {
  PixelTargets t;
  t.height = part.height, t.width = part.width;
  const Index k = all.labels.empty() ? all.numbers.dim(2) : 0;
  if (k > 0) t.numbers = Tensor({part.height, part.width, k});
  for (Index i = 0; i < part.height; ++i) {
    const Index from = (part.top + i) * all.width + part.left;
    if (k > 0)
      std::copy_n(all.numbers.data() + from * k, part.width * k, t.numbers.data() + i * part.width * k);
    else
      t.labels.insert(t.labels.end(), all.labels.begin() + from, all.labels.begin() + from + part.width);
  }
  return t;
}

Index highest_label(const std::string& path) {
  const Image picture = read_label_picture(path);
  Index highest = -1;
  for (std::size_t p = 0; p < picture.rgb.size(); p += 3)
    if (picture.rgb[p] != kIgnored) highest = std::max<Index>(highest, picture.rgb[p]);
  return highest;
}

}  // namespace

ProbePhotos::ProbePhotos(const std::string& images, const std::string& labels, const std::string& val_images,
                         const std::string& val_labels, const ProbeDataOptions& options)
    : options_(options) {
  size_ = options.size == "own" ? InputSize{0, 0, 0} : parse_input_size(options.size);
  pairs_ = labelled_photos(images, labels, left_out_, true);
  learned_ = size();
  if (!val_images.empty()) {
    const std::vector<LabelledPhoto> more = labelled_photos(val_images, val_labels, left_out_, true);
    pairs_.insert(pairs_.end(), more.begin(), more.end());
  }
  const bool numbers = options.kind == "numbers" || (options.kind == "auto" && is_number_map(pairs_.front().labels));
  if (numbers) {
    kind_ = Probe::Kind::numbers;
    outputs_ = read_number_map(pairs_.front().labels).values.dim(2);
    require<UsageError>(options.classes == 0, "--classes ", options.classes, ": ", pairs_.front().labels,
                        " holds numbers, not classes. Leave it out, or give --kind classes.");
    return;
  }
  outputs_ = options.classes;
  for (Index i = 0; options.classes == 0 && i < learned_; ++i)
    outputs_ = std::max(outputs_, highest_label(pair(i).labels) + 1);
  require<UsageError>(outputs_ > 0, labels, ": all pixels of all pictures are ", kIgnored,
                      ", which stands for no class. Give labels from 0 up.");
  require<UsageError>(outputs_ >= 2, labels, ": a probe tells two classes or more apart, and there is ", outputs_,
                      ". Give labels of several classes, or --classes.");
}

std::vector<std::string> ProbePhotos::files() const {
  std::vector<std::string> all;
  for (const LabelledPhoto& p : pairs_) all.push_back(p.photo), all.push_back(p.labels);
  return all;
}

/// source: Fowler, Noll, Vo: FNV-1a
std::uint64_t ProbePhotos::hash() const {
  std::uint64_t hash = 1469598103934665603u;
  for (const std::string& path : files()) {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(path, none);
    for (char c : path + ":" + std::to_string(bytes)) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

PixelTargets ProbePhotos::read_targets(Index i, Extent photo) const {
  const std::string& path = pair(i).labels;
  PixelTargets t;
  if (kind_ == Probe::Kind::numbers) {
    NumberMap map = read_number_map(path);
    t.height = map.values.dim(0), t.width = map.values.dim(1), t.numbers = std::move(map.values);
    require<FileError>(t.numbers.dim(2) == outputs_, path, ": has ", t.numbers.dim(2), " numbers a pixel, ",
                       pairs_.front().labels, " ", outputs_, "; all must have as many.");
    for (Index n = 0; n < t.numbers.size(); ++n) t.numbers.data()[n] *= static_cast<real>(options_.label_scale);
  } else {
    const Image picture = read_label_picture(path);
    t.height = picture.height, t.width = picture.width;
    for (std::size_t p = 0; p < picture.rgb.size(); p += 3) t.labels.push_back(picture.rgb[p]);
  }
  require<FileError>(t.height == photo.height && t.width == photo.width, path, ": has ", t.height, "x", t.width,
                     " pixels, its photo ", photo.height, "x", photo.width, ".");
  return t;
}

PreparedPhoto ProbePhotos::prepare(Index i, Index patch) const {
  const std::string& path = pair(i).photo;
  const Image whole = read_image(path);
  const Extent photo{whole.height, whole.width};
  require<FileError>(std::min(photo.height, photo.width) >= patch, path,
                     ": is smaller than one patch of the backbone.");
  const PixelTargets targets = read_targets(i, photo);
  PreparedPhoto p;
  const bool own = size_.short_side == 0 && size_.height == 0;
  const Extent size =
      own ? Extent{photo.height / patch * patch, photo.width / patch * patch} : input_extent(whole, size_, patch);
  require<UsageError>(std::max(size.height, size.width) <= kMaxInputSide && size.height * size.width <= kMaxInput, path,
                      ": at --size ", options_.size, " the backbone would see ", size.height, "x", size.width,
                      " pixels, which is too many. Give a smaller --size.");
  const Part part = own                ? middle_part(photo, size.height, size.width)
                    : size_.height > 0 ? covered_part(photo, size)
                                       : middle_part(photo, photo.height, photo.width);
  p.part = crop(whole, part.top, part.left, part.height, part.width);
  p.targets = part_of(targets, part);
  p.seen = own                ? p.part
           : size_.height > 0 ? cover(whole, size.height, size.width)
                              : resize_antialiased(whole, size.height, size.width);
  return p;
}

}  // namespace fu
