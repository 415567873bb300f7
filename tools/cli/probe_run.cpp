#include "tools/cli/probe_run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "core/number_text.h"
#include "featup/text/prompts.h"
#include "tools/cli/outputs.h"
#include "tools/cli/train_course.h"

namespace fu {

namespace {

// Streams of random numbers beside the one that draws pixels and orders them.
constexpr std::uint64_t kTrialStream = 0x747269616c, kValStream = 0x76616c, kHoldStream = 0x686f6c64;

ProbeOptions options_of(const ProbeTrainCommand& o, const ProbePhotos& photos) {
  ProbeOptions options;
  o.fields.apply(options);
  options.kind = photos.kind(), options.outputs = photos.outputs(), options.seed = o.common.seed;
  check_fields(options);
  return options;
}

std::string without_blanks(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '_');
  return text;
}

std::vector<Tensor*> tensors_of(Probe& p) { return {&p.weight, &p.bias, &p.hidden_weight, &p.hidden_bias}; }

}  // namespace

void ProbeCourse::add(double score, const Probe& now) {
  const bool better = best == 0 || score > scores[usize(best - 1)];
  scores.push_back(score);
  if (better) best = static_cast<Index>(scores.size()), probe = now;
}

bool ProbeCourse::ended(Index epochs, Index patience) const {
  const auto done = static_cast<Index>(scores.size());
  return done >= epochs || (done > 0 && done - best >= patience);
}

ProbeRun::ProbeRun(const ProbeTrainCommand& command, const ProbeDataOptions& data, const std::string& output)
    : o_(command),
      data_(data),
      output_(output),
      features_(o_.backbone, data.size, data.fine ? data.upsampler : "", o_.common.seed),
      photos_(o_.images, o_.labels, o_.val_images, o_.val_labels, data),
      draws_(probe_draws(o_.common.seed)),
      bar_("probe train", o_.common.quiet) {
  options_ = options_of(o_, photos_);
  read_names();
  hold_out();
  std::vector<std::string> reads = photos_.files();
  for (const std::string& file : {o_.backbone.name, o_.class_names, data_.upsampler}) reads.push_back(file);
  protect_inputs(reads, {output_, chart_of(output_)});
  cache_ = std::make_unique<ProbeCache>(output_, settings(), o_.restart);
  const Index targets = options_.kind == Probe::Kind::classes ? 1 : options_.outputs;
  store_ = std::make_unique<SampleStore>(cache_->folder(), backbone().channels(), targets);
  if (cache_->has_state()) load();
}

/// All that the weights follow from.
std::string ProbeRun::settings() const {
  BackboneOptions backbone_options = o_.backbone.options();
  backbone_options.feature = backbone().feature();
  std::error_code none;
  const auto bytes = std::filesystem::file_size(o_.backbone.name, none);
  return cat("backbone=", without_blanks(backbone().describe()), " backbone-bytes=", none ? 0 : bytes, " ",
             fingerprint(backbone_options), " files=", photos_.size(), ":", photos_.hash(),
             " learned=", photos_.to_learn_from(), " ", fingerprint(data_), " ", fingerprint(options_));
}

void ProbeRun::read_names() {
  const Index k = options_.outputs;
  if (o_.class_names.empty()) {
    for (Index i = 0; i < k; ++i)
      names_.push_back(options_.kind == Probe::Kind::numbers && k == 1 ? "value" : std::to_string(i));
    return;
  }
  constexpr std::size_t kMost = std::size_t{1} << 20;
  const MappedFile file(o_.class_names);
  require<FileError>(file.size() <= kMost, o_.class_names, ": has ", file.size(), " bytes; a list of names has fewer.");
  names_ = split_words(std::string(file.text(0, file.size())), '\n');
  require<FileError>(static_cast<Index>(names_.size()) == k, o_.class_names, ": has ", names_.size(),
                     " names, and there are ", k, options_.kind == Probe::Kind::classes ? " classes" : " numbers",
                     ". Give a name a line, or --classes.");
}

void ProbeRun::hold_out() {
  const Index n = photos_.to_learn_from();
  held_.assign(usize(photos_.size()), false);
  if (photos_.size() > n) {
    std::fill(held_.begin() + static_cast<std::ptrdiff_t>(n), held_.end(), true);
    return;
  }
  if (data_.validation <= 0 || n < 2) return;
  const Index wanted = static_cast<Index>(std::lround(data_.validation * static_cast<double>(n))),
              count = std::clamp<Index>(wanted, 1, n - 1);
  const std::vector<Index> order = shuffled(n, Random(o_.common.seed, kHoldStream));
  for (Index i = 0; i < count; ++i) held_[usize(order[usize(i)])] = true;
}

Index ProbeRun::held_out() const { return static_cast<Index>(std::count(held_.begin(), held_.end(), true)); }

void ProbeRun::collect() {
  // Where the streams stand: a photo takes two numbers for each pixel, or none if no pixel is known.
  Random val_draws(o_.common.seed, kValStream);
  const auto stream = [&](Index i) -> Random& { return i < photos_.to_learn_from() ? draws_ : val_draws; };
  for (Index i = 0; i < store_->photos(); ++i)
    stream(i).seek(stream(i).position() + 2 * static_cast<std::uint64_t>(store_->samples_of(i)));
  for (Index i = store_->photos(); i < photos_.size(); ++i) {
    bar_.update(0.8 * static_cast<double>(i) / static_cast<double>(photos_.size()), "features of labelled photos");
    require<UsageError>(!interruptible_.interrupted(), "interrupted after ", i, " of ", photos_.size(),
                        " photos; the same command goes on from ", cache_->folder(), ".");
    const PreparedPhoto photo = photos_.prepare(i, backbone().patch());
    store_->add(features_.samples(photo, draw_pixels(photo.targets, options_, stream(i))));
  }
  for (Index i = 0; i < photos_.to_learn_from(); ++i) samples_ += store_->samples_of(i);
  if (samples_ == 0) throw_nothing_known(options_);
}

void ProbeRun::save(ProbeTrainer& trainer, const char* phase) {
  std::map<std::string, Tensor> tensors;
  trainer.save(tensors);
  std::string scores;
  for (double s : course_.scores) scores += field_text(s) + " ";
  if (course_.best > 0) {
    int i = 0;
    for (Tensor* t : tensors_of(course_.probe)) {
      if (t->size() > 0) tensors["best." + std::to_string(i)] = *t;
      ++i;
    }
  }
  write_safetensors(cache_->state(), tensors,
                    {{"phase", phase}, {"scores", scores}, {"best", std::to_string(course_.best)}});
  saved_ = now_seconds();
}

void ProbeRun::load() {
  state_ = std::make_unique<Weights>(cache_->state());
  const auto said = [&](const char* key) {
    const auto it = state_->metadata().find(key);
    require<FileError>(it != state_->metadata().end(), cache_->state(), ": its metadata has no '", key,
                       "'. Give --restart to begin anew.");
    return it->second;
  };
  std::istringstream scores(said("scores"));
  scores.exceptions(std::ios::badbit);  // a stream else takes missing memory for the end of the text
  for (std::string score; scores >> score;) read_number(score, course_.scores.emplace_back());
  course_.best = std::strtol(said("best").c_str(), nullptr, 10);
  require<FileError>(course_.best >= 0 && course_.best <= static_cast<Index>(course_.scores.size()), cache_->state(),
                     ": its best epoch is ", course_.best, " of ", course_.scores.size(),
                     ". Give --restart to begin anew.");
  if (course_.best == 0) return;
  course_.probe.kind = options_.kind, course_.probe.channels = backbone().channels();
  int i = 0;
  for (Tensor* t : tensors_of(course_.probe)) {
    const std::string name = "best." + std::to_string(i++);
    if (state_->has(name)) *t = state_->read(name);
  }
}

/// A step, and what may be due after it.
void ProbeRun::checked_step(ProbeTrainer& trainer, const char* phase, double from, double part) {
  const double loss = trainer.step();
  require<UsageError>(std::isfinite(loss), "the loss is no number any more, at step ", trainer.steps(),
                      ". Give a smaller --lr, now ", options_.lr, ".");
  const double all = static_cast<double>(trainer.steps_of_epoch() * options_.epochs);
  bar_.update(from + part * static_cast<double>(trainer.steps()) / all, phase);
  const bool stop = interruptible_.interrupted();
  if (stop || now_seconds() - saved_ > o_.checkpoint) save(trainer, phase);
  require<UsageError>(!stop, "interrupted at step ", trainer.steps(), "; the same command goes on from ",
                      cache_->folder(), ".");
}

ProbeScores ProbeRun::score_samples(const Probe& probe, const std::vector<std::uint32_t>& samples) const {
  constexpr Index kAtOnce = 4096;
  ProbeScores scores(options_.kind, options_.outputs);
  const auto n = static_cast<Index>(samples.size());
  for (Index begin = 0; begin < n; begin += kAtOnce) {
    const Index count = std::min(kAtOnce, n - begin);
    Tensor x({count, store_->channels()}), t({count, store_->targets()});
    store_->read(samples.data() + begin, count, x, t);
    scores.add(apply_probe(probe, x), t);
  }
  return scores;
}

void ProbeRun::trial() {
  const ChosenSamples judges_of = store_->choose([&](Index i) { return judges(i); });
  require<UsageError>(!judges_of.samples.empty(), "none of the ", held_out(),
                      " photos that are held out to judge has a labelled pixel. Give --val-images, another --seed, or "
                      "--validation 0.");
  if (course_.ended(options_.epochs, data_.patience)) return;
  ProbeTrainer trainer(*store_, store_->choose([&](Index i) { return i < photos_.to_learn_from() && !judges(i); }),
                       options_, Random(o_.common.seed, kTrialStream));
  if (state_) trainer.load(*state_);
  while (!course_.ended(options_.epochs, data_.patience)) {
    const Index end = (static_cast<Index>(course_.scores.size()) + 1) * trainer.steps_of_epoch();
    while (trainer.steps() < end) checked_step(trainer, "trial", 0.8, 0.1);
    const Probe now = trainer.probe();
    const double score = score_samples(now, judges_of.samples).value();
    require<UsageError>(std::isfinite(score),
                        "the score of the held-out photos is no number. Give --val-images, or "
                        "another --seed.");
    course_.add(score, now);
    save(trainer, "trial");
  }
}

void ProbeRun::final_training() {
  ProbeTrainer trainer(*store_, store_->choose([&](Index i) { return i < photos_.to_learn_from(); }), options_, draws_);
  if (state_ && state_->metadata().at("phase") == "final") trainer.load(*state_);
  const Index epochs = course_.best > 0 ? course_.best : options_.epochs;
  while (trainer.steps() < epochs * trainer.steps_of_epoch()) checked_step(trainer, "final", 0.9, 0.08);
  save(trainer, "final");
  probe_ = trainer.probe();
}

void ProbeRun::learn() {
  saved_ = now_seconds();
  const bool in_final = state_ && state_->metadata().at("phase") == "final";
  if (held_out() > 0 && !in_final) trial();
  final_training();
}

std::optional<ProbeScores> ProbeRun::judge() {
  if (held_out() == 0) return {};
  ProbeScores scores(options_.kind, options_.outputs);
  Index done = 0;
  for (Index i = 0; i < photos_.size(); ++i) {
    if (!judges(i)) continue;
    require<UsageError>(!interruptible_.interrupted(), "interrupted before the scores; the same command goes on from ",
                        cache_->folder(), ".");
    bar_.update(0.98 + 0.02 * static_cast<double>(done++) / static_cast<double>(held_out()), "held-out photos");
    const PreparedPhoto photo = photos_.prepare(i, backbone().patch());
    scores.add(features_.outputs(course_.probe, photo), photo.targets);
  }
  bar_.finish();
  return scores;
}

void ProbeRun::write(const std::string& arguments) {
  probe_.names = names_;
  probe_.backbone = backbone().describe(), probe_.settings = settings_text(backbone().settings());
  probe_.size = data_.size, probe_.unit = o_.unit;
  if (data_.fine) probe_.upsampler = data_.upsampler;
  write_probe(output_, probe_,
              {{"training", fingerprint(data_) + " " + fingerprint(options_)},
               {"photos", std::to_string(photos_.to_learn_from())},
               {"epochs_trained", std::to_string(course_.best > 0 ? course_.best : options_.epochs)},
               {"command", arguments}});
  bar_.finish();
  store_.reset();
  state_.reset();
  cache_->remove();
}

void ProbeRun::give_up() {
  for (Index i = 0; i < store_->photos(); ++i)
    if (store_->samples_of(i) > 0) return;
  cache_->remove();
}

}  // namespace fu
