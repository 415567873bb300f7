// The folder beside a probe under way: what is finished of its training, so that the same command goes on from there.
#pragma once

#include <string>

namespace fu {

/// OUTPUT.cache: settings.txt, the state of the training, and the samples of finished photos. One process at a time.
class ProbeCache {
 public:
  /// Opens the cache of an output, or begins one. settings: all that the probe's weights follow from, as fingerprints
  /// are. restart: what is there is thrown away. throws UsageError if it was begun with other settings, naming them, or
  /// if another process is at work in it; FileError if the folder cannot be written.
  ProbeCache(const std::string& output, const std::string& settings, bool restart);
  ~ProbeCache();
  ProbeCache(const ProbeCache&) = delete;
  ProbeCache& operator=(const ProbeCache&) = delete;

  const std::string& folder() const { return folder_; }
  /// Where the training keeps its state, and whether there is one.
  std::string state() const { return folder_ + "/state.safetensors"; }
  bool has_state() const;
  /// Whether it goes on from an earlier run.
  bool resumed() const { return resumed_; }
  /// Removes the folder, and what killed processes left of the output. Files that are not of a cache stay.
  void remove();

 private:
  void lock();
  void clear(bool all) const;

  std::string folder_;
  int lock_ = -1;
  bool resumed_ = false;
};

}  // namespace fu
