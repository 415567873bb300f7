#include "tools/cli/probe_table.h"

#include <algorithm>
#include <cmath>

#include "tools/cli/say.h"
#include "tools/media/chart.h"

namespace fu {

namespace {

double percent(double share) { return 100 * share; }

Spread percents(const std::vector<Confusion>& of, double (Confusion::*measure)() const) {
  std::vector<double> values;
  for (const Confusion& c : of) values.push_back(percent((c.*measure)()));
  return spread_of(values);
}

}  // namespace

ProbeScore::ProbeScore(Index probes, Index classes)
    : all(usize(probes), Confusion(classes)), near(usize(probes), Confusion(classes)) {}

Labels ProbeScore::add(const Tensor& logits, const Labels& labels, const std::vector<bool>& near_outline,
                       Index classes) {
  ++images;
  Labels first;
  std::vector<double> iou;
  for (std::size_t s = 0; s < all.size(); ++s) {
    Labels named = largest_of(logits, static_cast<Index>(s) * classes, classes);
    Confusion here(classes), here_near(classes);
    for (std::size_t p = 0; p < named.size(); ++p) {
      if (labels[p] >= classes) continue;
      here.add(labels[p], named[p]);
      if (near_outline[p]) here_near.add(labels[p], named[p]);
    }
    all[s].add(here), near[s].add(here_near);
    iou.push_back(percent(here.mean_iou()));
    if (s > 0) continue;
    image_accuracy.push_back(percent(here.accuracy()));
    first = std::move(named);
  }
  image_iou.push_back(spread_of(iou).mean);
  return first;
}

ProbeRow::ProbeRow(std::string method, const ProbeScore& score, Index classes)
    : name(std::move(method)),
      iou(percents(score.all, &Confusion::mean_iou)),
      accuracy(percents(score.all, &Confusion::accuracy)),
      near(percents(score.near, &Confusion::accuracy)),
      photos(spread_of(score.image_accuracy)),
      seconds(score.images > 0 ? score.seconds / static_cast<double>(score.images) : 0),
      images(score.images) {
  for (Index c = 0; c < classes; ++c) {
    std::vector<double> of_probes;
    for (const Confusion& one : score.all) of_probes.push_back(percent(one.iou(c)));
    class_iou.push_back(spread_of(of_probes).mean);
  }
}

nlohmann::ordered_json ProbeRow::json() const {
  nlohmann::ordered_json one = {{"method", name},
                                {"images", images},
                                {"mean_iou", iou.mean},
                                {"mean_iou_deviation", iou.deviation},
                                {"accuracy", accuracy.mean},
                                {"accuracy_deviation", accuracy.deviation},
                                {"accuracy_near", near.mean},
                                {"accuracy_near_deviation", near.deviation},
                                {"accuracy_deviation_over_images", photos.deviation},
                                {"seconds", seconds}};
  for (double value : class_iou) one["iou"].push_back(std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr);
  return one;
}

void print_probe_table(const std::vector<ProbeRow>& rows, const std::string& headline) {
  say("%s\nmean (+- standard deviation over seeds); near: within %ld pixels of an outline; last: its deviation over "
      "photos, seconds a photo\n",
      headline.c_str(), static_cast<long>(kNearOutline));
  std::size_t longest = 8;
  for (const ProbeRow& row : rows) longest = std::max(longest, row.name.size());
  const int width = static_cast<int>(longest);
  for (const ProbeRow& row : rows)
    say("%-*s  mIoU %5.2f +- %.2f  accuracy %5.2f +- %.2f  near %5.2f +- %.2f  photos %ld +- %.2f  %.2f s\n", width,
        row.name.c_str(), row.iou.mean, row.iou.deviation, row.accuracy.mean, row.accuracy.deviation, row.near.mean,
        row.near.deviation, static_cast<long>(row.images), row.photos.deviation, row.seconds);
  say("\nIoU of each class, %%:\n%-*s", width, "class");
  for (std::size_t c = 0; c < rows.front().class_iou.size(); ++c) say(" %5zu", c);
  say("\n");
  for (const ProbeRow& row : rows) {
    say("%-*s", width, row.name.c_str());
    for (double value : row.class_iou) say(" %5.1f", value);
    say("\n");
  }
}

void write_probe_chart(const std::string& path, const std::vector<ProbeRow>& rows, const std::string& caption) {
  constexpr std::size_t kBars = 24;
  std::vector<BarGroup> groups = {{"mean IoU, %", {}}, {"accuracy, %", {}}, {"accuracy near outlines, %", {}}};
  for (std::size_t i = 0; i < std::min(rows.size(), kBars); ++i) {
    const ProbeRow& row = rows[i];
    groups[0].bars.push_back({row.name, row.iou.mean, row.iou.deviation});
    groups[1].bars.push_back({row.name, row.accuracy.mean, row.accuracy.deviation});
    groups[2].bars.push_back({row.name, row.near.mean, row.near.deviation});
  }
  write_bar_chart(path, "Linear probe of upsampled features", groups, caption);
}

}  // namespace fu
