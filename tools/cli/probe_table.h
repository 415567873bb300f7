// The table of `eval probe`: how well each method's class maps agree with the labels.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "featup/measure/segmentation.h"

namespace fu {

constexpr Index kNearOutline = 4;  // pixels from an outline that count as near it

/// What one method's class maps were worth so far.
struct ProbeScore {
  std::vector<Confusion> all, near;    // one for each probe: of all pixels, and of those near an outline
  std::vector<double> image_accuracy;  // of the first probe, %
  std::vector<double> image_iou;       // mean over probes of a photo's own mean IoU, %
  double seconds = 0;                  // of upsampling
  Index images = 0;

  ProbeScore(Index probes, Index classes);
  /// Adds one photo.
  ///   logits (1,H,W,probes*classes): classes of the first probe, then of the second, ...
  ///   near: whether a pixel is near an outline
  /// Returns the classes that the first probe names.
  Labels add(const Tensor& logits, const Labels& labels, const std::vector<bool>& near, Index classes);
};

/// A row: means over probes, % where they are shares.
struct ProbeRow {
  ProbeRow(std::string method, const ProbeScore& score, Index classes);

  std::string name;
  Spread iou, accuracy, near, photos;
  std::vector<double> class_iou;  // NaN for a class that is nowhere
  double seconds = 0;             // a photo
  Index images = 0;

  nlohmann::ordered_json json() const;
};

/// Prints the rows, and the IoU of each class. The headline says what was measured.
void print_probe_table(const std::vector<ProbeRow>& rows, const std::string& headline);
/// Bars of the first 24 rows, as SVG. throws FileError.
void write_probe_chart(const std::string& path, const std::vector<ProbeRow>& rows, const std::string& caption);

}  // namespace fu
