#include "tools/cli/report_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tools/cli/say.h"

namespace fu {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string cell(double v, int decimals) {
  if (!std::isfinite(v)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, v);
  return text;
}

nlohmann::ordered_json number(double v) {
  return std::isfinite(v) ? nlohmann::ordered_json(v) : nlohmann::ordered_json(nullptr);
}

}  // namespace

MethodNumbers::MethodNumbers(std::size_t photos, Index probes, Index classes)
    : explained(photos), milliseconds(photos, kNone), iou(photos, kNone), score(probes, classes) {}

ReportRow::ReportRow(const std::string& row_name, const MethodNumbers& n, const std::vector<bool>& of, bool timed)
    : name(row_name) {
  std::vector<double> means, times;
  std::vector<std::vector<double>> by_seed;
  for (std::size_t i = 0; i < n.explained.size(); ++i) {
    if (!of[i] || n.explained[i].empty()) continue;
    means.push_back(spread_of(n.explained[i]).mean);
    times.push_back(n.milliseconds[i]);
    by_seed.resize(n.explained[i].size());
    for (std::size_t s = 0; s < by_seed.size(); ++s) by_seed[s].push_back(n.explained[i][s]);
  }
  photos = static_cast<Index>(means.size());
  explained = spread_of(means);
  if (photos < 2) explained.deviation = kNone;
  std::vector<double> seed_means;
  for (const std::vector<double>& values : by_seed) seed_means.push_back(spread_of(values).mean);
  seeds = seed_means.size() < 2 ? kNone : spread_of(seed_means).deviation;
  milliseconds = timed ? spread_of(times).mean : kNone;
}

void ReportRow::add_probe(const ProbeScore& score, Index classes) {
  judged = score.images;
  const ProbeRow row(name, score, classes);
  const bool any = score.images > 0;
  iou = any ? row.iou.mean : kNone, accuracy = any ? row.accuracy.mean : kNone;
  iou_seeds = any && score.all.size() > 1 ? row.iou.deviation : kNone;
}

nlohmann::ordered_json ReportRow::json() const {
  nlohmann::ordered_json one = {{"method", name},
                                {"photos", photos},
                                {"explained_variance", number(explained.mean)},
                                {"explained_variance_deviation", number(explained.deviation)},
                                {"explained_variance_deviation_over_seeds", number(seeds)},
                                {"milliseconds", number(milliseconds)}};
  if (judged < 0) return one;
  one["mean_iou"] = number(iou), one["mean_iou_deviation"] = number(iou_seeds);
  one["accuracy"] = number(accuracy), one["judged"] = judged;
  return one;
}

std::vector<std::string> report_columns(bool labels) {
  std::vector<std::string> columns = {"explained", "+- photos", "+- seeds", "ms a photo", "photos"};
  if (labels) columns.insert(columns.end(), {"mean IoU %", "+- probes", "accuracy %", "judged"});
  return columns;
}

std::vector<std::string> ReportRow::cells() const {
  std::vector<std::string> all = {cell(explained.mean, 3), cell(explained.deviation, 3), cell(seeds, 3),
                                  cell(milliseconds, milliseconds < 9.95 ? 1 : 0), std::to_string(photos)};
  if (judged >= 0) all.insert(all.end(), {cell(iou, 1), cell(iou_seeds, 1), cell(accuracy, 1), std::to_string(judged)});
  return all;
}

void print_report_table(const std::vector<ReportRow>& rows, const std::string& headline) {
  std::size_t longest = 8;
  for (const ReportRow& row : rows) longest = std::max(longest, row.name.size());
  const int width = static_cast<int>(longest);
  say("%s\n%-*s", headline.c_str(), width, "method");
  for (const std::string& column : report_columns(rows.front().judged >= 0)) say(" %10s", column.c_str());
  say("\n");
  for (const ReportRow& row : rows) {
    say("%-*s", width, row.name.c_str());
    for (const std::string& text : row.cells()) say(" %10s", text.c_str());
    say("\n");
  }
}

MethodQuality quality_of(const Method& method, const MethodNumbers& numbers, const std::vector<bool>& judged,
                         const ReportRow& row) {
  MethodQuality q{method.name, method.cost(), row.milliseconds, {}, {}};
  q.explained.value = row.explained.mean;
  for (const std::vector<double>& of_seeds : numbers.explained) q.explained.samples.push_back(spread_of(of_seeds).mean);
  if (numbers.explained.size() == 1) q.explained.samples = numbers.explained.front();
  q.iou.value = row.iou;
  for (std::size_t i = 0; i < judged.size(); ++i)
    if (judged[i]) q.iou.samples.push_back(numbers.iou[i]);
  return q;
}

}  // namespace fu
