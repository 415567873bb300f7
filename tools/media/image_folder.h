// The photos of some folders, for training: found once, decoded as they are wanted, kept small.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// Pictures in a folder and its folders, by the endings of their names, in a fixed order. Throws FileError if it cannot
/// be searched.
std::vector<std::string> find_pictures(const std::string& folder);

class ImageFolder {
 public:
  /// Folders, searched to their depths, and single files; in a fixed order. Throws FileError if there is no picture at
  /// all. side: of the samples.
  ImageFolder(const std::vector<std::string>& paths, Extent side);

  Index size() const { return static_cast<Index>(files_.size()); }
  const std::string& path(Index i) const { return files_[static_cast<std::size_t>(i)].path; }
  std::vector<std::string> paths() const;
  /// A sample of photo i. augment: some part of it, from half of its sides up, half of them mirrored; else its middle.
  /// One that cannot be read is counted and stands for the next one: the sample depends on the files alone. Throws
  /// FileError if none can be read.
  Image sample(Index i, bool augment, Random random);
  /// Files that turned out unreadable so far.
  Index unreadable() const { return unreadable_; }

 private:
  struct File {
    std::string path;
    bool read = false, bad = false;
    Image small;  // its copy in memory, if there was room
  };
  const Image* photo(Index i);

  std::vector<File> files_;
  Extent side_;
  Index unreadable_ = 0;
  std::size_t kept_ = 0;  // bytes
  Image last_;
};

}  // namespace fu
