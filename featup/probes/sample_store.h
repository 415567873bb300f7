// Drawn pixels on the disk: a training on any number of photos holds one photo, and one batch, in memory.
#pragma once

#include <functional>
#include <string>

#include "featup/probes/pixel_samples.h"

namespace fu {

/// A folder with two files: samples.bin, a row of C + T reals a sample; and photos.bin, which says of each photo how
/// many samples it has, and their moments. A photo counts once its record is there whole, so the process may die at any
/// moment. Not for use by several processes at once.
/// memory: 4 bytes a photo, and what read() is given. disk: 4 (C + T) bytes a sample, 16 (C + T) a photo.
class SampleStore : public PixelSamples {
 public:
  /// Opens the store of a folder, or begins one; the folder must be there. Incomplete photos at its end are dropped.
  /// throws FileError if the files cannot be opened or were made for other channels or targets.
  SampleStore(const std::string& folder, Index channels, Index targets);
  ~SampleStore() override;
  SampleStore(const SampleStore&) = delete;
  SampleStore& operator=(const SampleStore&) = delete;

  Index channels() const override { return channels_; }
  Index targets() const override { return targets_; }
  /// Photos that are complete; they were added in the order of their numbers.
  Index photos() const { return static_cast<Index>(counts_.size()); }
  Index samples_of(Index photo) const { return counts_[usize(photo)]; }
  /// Adds the next photo, which may have no samples. throws FileError if the disk is full, UsageError beyond 2^32
  /// samples.
  void add(const PhotoSamples& photo);
  /// The samples of the photos that are wanted, in order, with the sums of their moments. memory: 4 bytes a sample.
  ChosenSamples choose(const std::function<bool(Index photo)>& wanted) const;
  /// Reads rows from the disk, or from what the system keeps of it. throws FileError.
  void read(const std::uint32_t* samples, Index n, Tensor& features, Tensor& targets) const override;

 private:
  std::size_t record_size() const;
  std::string record_of(const PhotoSamples& photo) const;
  void read_records();

  std::string rows_path_, records_path_;
  Index channels_, targets_;
  int rows_ = -1, records_ = -1;  // descriptors
  std::vector<std::uint32_t> counts_;
  std::uint64_t samples_ = 0;
};

}  // namespace fu
