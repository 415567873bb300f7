// The numbers of `eval report`: what was measured of each method, and its rows as text, JSON and cells of a page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/cli/methods.h"
#include "tools/cli/probe_table.h"
#include "tools/cli/recommendation.h"

namespace fu {

/// What was measured of one method, photo by photo. A photo that it did not see has no seeds, and NaN.
struct MethodNumbers {
  std::vector<std::vector<double>> explained;  // share of the variance of unseen views, of each seed
  std::vector<double> milliseconds;            // the least over seeds
  std::vector<double> iou;                     // a photo's own mean IoU, %; NaN too for photos that do not judge
  ProbeScore score;                            // of the photos that judge

  MethodNumbers(std::size_t photos, Index probes, Index classes);
};

/// A row of the table. What is not known is NaN, and "-" as text.
struct ReportRow {
  /// of: the photos to take; the others are left out.
  ReportRow(const std::string& row_name, const MethodNumbers& numbers, const std::vector<bool>& of, bool timed);
  void add_probe(const ProbeScore& score, Index classes);

  std::string name;
  Spread explained;         // mean, and deviation over photos
  double seeds = 0;         // deviation over seeds of the mean over photos
  double milliseconds = 0;  // a photo
  Index photos = 0;
  double iou = 0, iou_seeds = 0, accuracy = 0;  // of the probe, %: mean and deviation over its seeds
  Index judged = -1;                            // -1: no labels at all

  nlohmann::ordered_json json() const;
  /// One text for each of report_columns().
  std::vector<std::string> cells() const;
};

std::vector<std::string> report_columns(bool labels);
/// Prints the rows in columns. The headline says what was measured.
void print_report_table(const std::vector<ReportRow>& rows, const std::string& headline);

/// What recommend() needs of a method. judged: photos that judge.
MethodQuality quality_of(const Method& method, const MethodNumbers& numbers, const std::vector<bool>& judged,
                         const ReportRow& row);

}  // namespace fu
