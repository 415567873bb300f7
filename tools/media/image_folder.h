// The photos of some folders, for training: found once, decoded when a sample is taken, kept as small copies.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Pictures of a folder, and what was left out.
struct FoundPictures {
  std::vector<std::string> paths;  // sorted
  std::string left_out;            // in words, of one line; empty: nothing
};

/// Pictures in a folder and all folders below it, told by the endings of their names. Links to folders are followed,
/// each folder once: a link that leads back ends there. Left out are files with other endings, files that begin with
/// "._" (macOS puts them beside pictures on foreign disks), and folders that cannot be opened. throws FileError if the
/// folder itself cannot be searched. arrays: .npy counts as a picture too.
FoundPictures find_pictures(const std::string& folder, bool arrays = false);

class ImageFolder {
 public:
  /// paths: folders (see find_pictures) and single files. side: the size of the samples, in pixels. throws FileError if
  /// there is no picture at all.
  ImageFolder(const std::vector<std::string>& paths, Extent side);

  Index size() const { return static_cast<Index>(files_.size()); }
  const std::string& path(Index i) const { return files_[usize(i)].path; }
  std::vector<std::string> paths() const;
  /// A sample of photo i: with augment, a random part of 0.5 to 1 times the largest that fits, mirrored half of the
  /// time; else the middle. For a photo that cannot be read the next one is taken, so that the sample depends on the
  /// files alone, not on the order of calls. throws FileError if none can be read.
  Image sample(Index i, bool augment, Random random);
  /// What the folders hold besides pictures; see FoundPictures.
  const std::string& left_out() const { return left_out_; }
  /// Files that could not be read so far.
  Index unreadable() const { return unreadable_; }

 private:
  struct File {
    std::string path;
    bool read = false, bad = false;
    Image small;  // its copy in memory, if there was room
  };
  const Image* photo(Index i);

  std::vector<File> files_;
  std::string left_out_;
  Extent side_;
  Index unreadable_ = 0;
  std::size_t kept_ = 0;  // bytes
  Image last_;
};

}  // namespace fu
