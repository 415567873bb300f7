#include "featup/training/train_options.h"

namespace fu {

TrainOptions TrainOptions::published() {
  TrainOptions o;
  o.compat = "published";
  o.steps = 2000;
  o.augment = false;
  o.sigma = o.temperature = 1;
  o.norm = true;
  o.back_projection = o.shrinkage = o.smooth = 0;
  o.lr = 1e-3;
  o.constant_lr = true;
  return o;
}

TrainOptions TrainOptions::from(const std::map<std::string, std::string>& given) {
  const auto compat = given.find("compat");
  TrainOptions o = compat != given.end() && compat->second == "published" ? published() : TrainOptions();
  set_fields(o, given);
  if (const std::optional<FieldInfo> field = meaningless_field(o, given))
    throw UsageError(cat("[train] ", field->name, ": has a meaning only with the ", field->only_field, " ",
                         field->only_words(), ", not ", field_texts(o)[field->only_field], ". Leave it out."));
  if (o.compat.empty() && !given.count("lr")) o.lr = trained_kind(o.kind).lr;
  if (o.color_range > 0 && !given.count("temperature")) o.temperature = 1;
  if (o.levels < kSmoothedLevel && !given.count("smooth")) o.smooth = 0;
  return o;
}

double TrainOptions::lr_at(Index step) const { return lr * (constant_lr ? 1 : warmup_cosine(step, 0, steps, 0.02)); }

UpsamplerTrainerOptions trainer_options(const TrainOptions& o) {
  UpsamplerTrainerOptions trainer;
  trainer.crops = o.crops, trainer.crop_zoom = o.crop_zoom;
  trainer.jitters = o.jitters, trainer.max_pad = o.max_pad, trainer.max_zoom = o.max_zoom;
  trainer.seed = o.seed, trainer.norm = o.norm;
  UpsamplerObjectiveOptions& j = trainer.objective;
  j.kind = o.kind, j.upscale = o.upscale;
  j.loss = o.loss == "crops" ? TrainingLoss::crops : TrainingLoss::views;
  j.layers.levels = o.levels, j.layers.radius = o.radius, j.layers.key_dim = o.key_dim;
  j.layers.mixing = o.mixing, j.layers.shared = o.shared, j.layers.unit_sum = o.unit_sum;
  j.layers.sigma = o.sigma, j.layers.temperature = o.temperature, j.layers.color_range = o.color_range;
  if (o.color_range > 0) j.layers.dropout = 0;  // the keys of a filter only work in pairs
  j.filter.strength = static_cast<real>(o.back_projection), j.filter.shrinkage = static_cast<real>(o.shrinkage);
  j.layers.smoothing = {static_cast<real>(o.smooth), static_cast<real>(o.smooth_colors)};
  require<UsageError>(j.filter.usable(), "[train] back-projection ", o.back_projection, ", shrinkage ", o.shrinkage,
                      ": must be at least 0, and the shrinkage below 1.");
  require<UsageError>(j.layers.smoothing.usable(), "[train] smooth ", o.smooth, ", smooth-colors ", o.smooth_colors,
                      ": must be at least 0 and at least 0.001.");
  require<UsageError>(!j.layers.smoothing.present() || o.levels >= kSmoothedLevel, "[train] smooth ", o.smooth,
                      ": smoothing follows level ", kSmoothedLevel, ", and there are levels ", o.levels,
                      ". Set smooth to 0, or use more levels.");
  j.attention = o.downsampler == "attention", j.plain_mean = o.downsampler == "mean", j.kernel = o.kernel;
  j.uncertainty = o.uncertainty, j.projection = o.projection;
  j.lr = o.lr, j.crf = o.crf, j.tv = o.tv, j.crf_samples = o.crf_samples, j.published = o.compat == "published";
  return trainer;
}

}  // namespace fu
