#include "tools/cli/train_course.h"

#include <algorithm>
#include <cstdio>
#include <iomanip>

#include "core/files/schema.h"
#include "tools/media/curve_picture.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr Index kViews = 4;                                     // unseen views of each held-out photo
constexpr std::uint64_t kOrderStream = std::uint64_t{1} << 60;  // of random numbers, beside the trainer's own

}  // namespace

std::vector<Index> shuffled(Index n, Random random) {
  std::vector<Index> order(usize(n));
  for (Index i = 0; i < n; ++i) order[usize(i)] = i;
  for (Index i = n - 1; i > 0; --i) std::swap(order[usize(i)], order[usize(random.below(i + 1))]);
  return order;
}

Index PhotoSequence::at(Index place) {
  const auto n = static_cast<Index>(photos_.size());
  if (place / n != epoch_) {
    epoch_ = place / n;
    order_ = shuffled(n, Random(seed_, kOrderStream + static_cast<std::uint64_t>(epoch_)));
  }
  return photos_[usize(order_[usize(place % n)])];
}

HeldOutPhotos::HeldOutPhotos(ImageFolder& folder, const std::vector<Index>& chosen, const UpsamplerTrainer& trainer,
                             std::uint64_t seed) {
  const FeatureFunction features = [&](const Tensor& image) { return trainer.features(image); };
  for (Index i : chosen) {
    const Tensor image = trainer.image_of(normalize(folder.sample(i, false, Random(0))));
    photos_.push_back(
        {image, features(image), HeldOutViews(image, features, kViews, seed + static_cast<std::uint64_t>(i))});
  }
  bilinear_ = explained([](const Photo& p) { return p.features; });
}

template <class F>
double HeldOutPhotos::explained(const F& map_of) const {
  ExplainedVariance total;
  for (const Photo& p : photos_) {
    const ExplainedVariance one = p.views.explained_by(map_of(p));
    total.error += one.error, total.variance += one.variance;
  }
  return total.value();
}

double HeldOutPhotos::explained_by(const UpsamplerObjective& objective) const {
  return explained([&](const Photo& p) { return objective.map(p.features, p.image); });
}

void Course::judge(const HeldOutPhotos& by, UpsamplerTrainer& trainer) {
  explained = by.explained_by(trainer.objective());
  for (double v : {static_cast<double>(trainer.steps()), recent_loss, *explained, by.explained_by_bilinear()})
    history.push_back(static_cast<real>(v));
}

void Course::load(const Weights& file) {
  Schema schema(file, "a training's checkpoint");
  constexpr NumberRange kAnyLoss{-1e31, 1e31};
  if (schema.says("recent")) recent_loss = schema.number("recent", kAnyLoss);
  if (!schema.has("training.history")) return;
  const Tensor rows = schema.tensor("training.history", {Schema::kAny, 4}, kAnyLoss);
  history.assign(rows.data(), rows.data() + rows.size());
  if (history.size() >= 4) explained = static_cast<double>(history[history.size() - 2]);
}

void Course::save(const std::string& file, UpsamplerTrainer& trainer, const std::string& settings,
                  const std::string& command) const {
  std::map<std::string, Tensor> tensors = trainer.upsampler();
  trainer.save(tensors);
  Tensor rows({static_cast<Index>(history.size()) / 4, 4});
  std::copy(history.begin(), history.end(), rows.data());
  if (!history.empty()) tensors["training.history"] = rows;
  write_safetensors(file, tensors,
                    {{"training", settings},
                     {"step", std::to_string(trainer.steps())},
                     {"recent", cat(std::setprecision(17), recent_loss)},
                     {"command", command}});
}

Image Course::picture() const {
  const auto column = [&](std::size_t c) {
    std::vector<double> values;
    for (std::size_t i = c; i < history.size(); i += 4) values.push_back(static_cast<double>(history[i]));
    return values;
  };
  const auto curve = [&](std::size_t c, const std::string& title) {
    return curve_picture(column(c), 240, 360, {title, "steps", column(0)});
  };
  return side_by_side({curve(1, "loss"), curve(2, "explained variance of unseen views")});
}

std::string Course::text(Index step, Index steps, double bilinear, double images_per_second) const {
  char start[64], judged[80] = "", end[40];
  std::snprintf(start, sizeof start, "step %ld of %ld, loss %.4f", static_cast<long>(step), static_cast<long>(steps),
                recent_loss);
  if (explained)
    std::snprintf(judged, sizeof judged, ", unseen views explained %.4f (bilinear %.4f)", *explained, bilinear);
  std::snprintf(end, sizeof end, ", %.1f images/s", images_per_second);
  return std::string(start) + judged + end;
}

}  // namespace fu
