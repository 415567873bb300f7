// What `segment` writes of a photo.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "featup/classes/label_map.h"
#include "tools/cli/photo_features.h"
#include "tools/media/feature_io.h"

namespace fu {

/// What is written beside the label picture and the overlay.
struct SegmentOutputs {
  bool heatmaps = true, html = false, scores = false;
  double threshold = 0;  // the page begins with it
  std::string masks;     // "rle", "polygons" or empty
  OutputFormat format;
};

/// Files of one photo: BASE.labels.png (the numbers of classes; 255: none), BASE.overlay.png, BASE.heatmaps/N-NAME.png,
/// BASE.masks.json, BASE.scores.npy and BASE.html. All are of one size: that of the result or, if the photo was cut to
/// whole patches at its own size, of the whole photo, where what was cut off takes over its neighbour's numbers.
class SegmentFiles {
 public:
  /// size: of the result.
  SegmentFiles(std::string base, const PhotoFeatures& photo, Extent size, const Classes& classes,
               const SegmentOutputs& outputs);

  /// Of each class, while its scores are at hand.
  void add(const ScorePlane& scores);
  /// All others. summary: receives "outputs" and the classes' areas and confidences.
  void finish(const LabelMap& map, const std::vector<double>& probabilities,
              const std::vector<std::pair<std::string, std::string>>& settings, nlohmann::ordered_json& summary);

  /// In place of all of that, for outputs that are numbers (1,size,K): BASE.numbers.npy, and BASE.numbers.png with
  /// their colours. summary: receives "outputs" and the range of each.
  void finish_numbers(const Tensor& values, const std::string& unit, nlohmann::ordered_json& summary);

  const std::string& labels_path() const { return labels_; }
  /// What may be written under that base, to protect inputs.
  static std::vector<std::string> paths(const std::string& base, const SegmentOutputs& outputs);

 private:
  /// Values (size) at their places in the picture.
  template <class T>
  std::vector<T> placed(const std::vector<T>& values) const;
  Tensor placed_tensor(const Tensor& x) const;
  /// The pixel of the result that a pixel of the picture takes its numbers from.
  Index place_of(Index row, Index column) const;
  Image picture() const;
  std::string names() const;
  std::string extension() const;
  void add_overlay(const Labels& labels);
  void write_masks(const Labels& labels, const LabelMap& map);
  void add_to_page(const ScorePlane& scores);
  void write_waiting();
  void write_scores();
  void add_page(const std::vector<std::pair<std::string, std::string>>& settings);

  std::string base_, labels_;
  const PhotoFeatures& photo_;
  const Classes& classes_;
  SegmentOutputs outputs_;
  Extent size_, whole_;  // of the result, and of what is written
  Index top_ = 0, left_ = 0;
  std::vector<std::string> heatmaps_, written_;
  /// Pictures that are not written yet.
  struct Picture {
    std::string path;
    std::function<std::string()> encode;
  };
  std::vector<Picture> waiting_;
  Tensor scores_;  // (1,size,K), if they are written
  Tensor page_;    // (K,h,w), reduced, for the page
};

}  // namespace fu
