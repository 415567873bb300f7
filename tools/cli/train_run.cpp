#include "tools/cli/train_run.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "featup/builtin/builtin.h"
#include "tools/cli/errors.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/parse.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/say.h"
#include "tools/media/image_io.h"

namespace fu {

namespace {

constexpr Index kJudgeEach = 50;    // steps
constexpr double kPatience = 0.25;  // seconds; mpirun kills one second after it told to end
// Streams of random numbers beside the trainer's own.
constexpr std::uint64_t kSampleStream = std::uint64_t{1} << 61, kJudgeStream = std::uint64_t{1} << 62;

/// The size that all pictures are cut to.
Extent training_size(const TrainOptions& options, Index patch) {
  const Extent side = parse_square_or_extent(options.size);
  require<UsageError>(side.height % patch == 0 && side.width % patch == 0 && side.height >= 3 * patch &&
                          side.width >= 3 * patch && side.height * side.width <= (Index{1} << 21) &&
                          options.kernel <= std::min(side.height, side.width),
                      "--size ", options.size, ": training takes pictures of one size: multiples of the patch, ", patch,
                      " pixels, at least three of them, and 2^21 pixels at most.");
  return side;
}

/// The size of the pictures that training reads: crops are finer than the image that the upsampler sees.
Extent photo_size(const TrainOptions& options, Index patch) {
  const Extent side = training_size(options, patch);
  const Index scale = options.loss == "crops" ? options.crop_zoom : 1;
  return {scale * side.height, scale * side.width};
}

constexpr std::uint64_t kHashStart = 1469598103934665603u;

/// source: Fowler, Noll, Vo: FNV-1a
template <class Bytes>
std::uint64_t hash_on(std::uint64_t hash, const Bytes& bytes) {
  for (char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

/// Names and sizes of all files as one number.
std::uint64_t hash_of(const ImageFolder& folder) {
  std::uint64_t hash = kHashStart;
  for (Index i = 0; i < folder.size(); ++i) {
    std::error_code none;
    const auto bytes = std::filesystem::file_size(folder.path(i), none);
    hash = hash_on(hash, folder.path(i) + ":" + std::to_string(bytes));
  }
  return hash;
}

/// All values of an upsampler as one number.
std::uint64_t hash_of(Module& module) {
  std::uint64_t hash = kHashStart;
  for (const Parameter* p : module.parameters())
    hash = hash_on(
        hash, std::string_view(reinterpret_cast<const char*>(p->value.data()), usize(p->value.size()) * sizeof(real)));
  return hash;
}

/// What the published code can read: no filter of tokens, no smoothing, and always a mixing of channels at the end,
/// which adds nothing where the stack has none.
std::map<std::string, Tensor> published_layout(std::map<std::string, Tensor> stack, Index channels) {
  stack.erase("upsampler.token_filter");
  stack.erase("upsampler.smoothing");
  stack.emplace("upsampler.fixup_proj.1.weight", Tensor::zeros({channels, channels, 1, 1}));
  stack.emplace("upsampler.fixup_proj.1.bias", Tensor::zeros({channels}));
  return stack;
}

}  // namespace

bool is_safetensors(const std::string& path) { return std::filesystem::path(path).extension() == ".safetensors"; }

TrainRun::TrainRun(const TrainCommand& command, const TrainOptions& options, const Ranks& ranks, TrainFiles files,
                   const std::string& arguments)
    : o_(command),
      options_(options),
      ranks_(ranks),
      files_(std::move(files)),
      arguments_(arguments),
      backbone_(o_.backbone.open()),
      folder_(o_.folders, photo_size(options_, backbone_->patch())),
      trainer_(feature_function(backbone_.get()), backbone_->channels(), trainer_options(options_)),
      bar_("train", o_.common.quiet || !ranks_.first()) {
  std::vector<std::string> reads = folder_.paths();
  reads.push_back(o_.backbone.name);
  if (!o_.start.empty()) reads.push_back(o_.start);
  protect_inputs(reads, {files_.upsampler, files_.picture, o_.export_to.empty() ? files_.picture : o_.export_to});
  settings_ = describe_settings();
  if (!o_.start.empty()) start();
  if (o_.resume) resume();
  first_step_ = trainer_.steps();
  hold_out();
}

std::string TrainRun::describe_settings() const {
  std::string backbone = backbone_->describe();
  std::replace(backbone.begin(), backbone.end(), ' ', '_');  // fields are separated by blanks
  BackboneOptions options = o_.backbone.options();
  options.feature = backbone_->feature();
  return cat("backbone=", backbone, " ", fingerprint(options), " files=", folder_.size(), ":", hash_of(folder_), " ",
             fingerprint(options_));
}

/// The settings of a training that starts from other values hold these as one number, so that it is not resumed with
/// others.
void TrainRun::start() {
  LearnedUpsampler& upsampler = trainer_.objective().upsampler();
  start_from(upsampler, trained_kind(options_.kind), o_.start == "builtin" ? builtin_stack() : Weights(o_.start));
  settings_ += cat(" init=", hash_of(upsampler.module()));
}

void TrainRun::resume() {
  const Weights before(files_.upsampler);
  const auto found = before.metadata().find("training");
  require<UsageError>(found != before.metadata().end(), files_.upsampler,
                      ": was not written by featup train. Name another file with -o.");
  require<UsageError>(found->second.find("steps=") != std::string::npos, files_.upsampler,
                      ": was written by an earlier version of this program, whose settings cannot be compared with "
                      "these. Go on with that version, or name another file with -o.");
  require<UsageError>(found->second == settings_, files_.upsampler,
                      ": was trained with other settings or pictures, so it cannot go on as it would have: ",
                      fingerprint_difference(found->second, settings_), ".");
  trainer_.load(before);
  course_.load(before);
}

/// Some photos are kept aside to judge by. Of fewer than five none is: then the first is judged by views of it that
/// training does not see.
void TrainRun::hold_out() {
  const std::vector<Index> order = shuffled(folder_.size(), Random(options_.seed, kJudgeStream));
  held_out_ = std::min(options_.held_out, folder_.size() / 5);
  const auto split = order.begin() + static_cast<std::ptrdiff_t>(held_out_);
  std::vector<Index> judges =
      held_out_ > 0 ? std::vector<Index>(order.begin(), split) : std::vector<Index>{order.front()};
  if (!ranks_.first()) judges.clear();
  judge_ = std::make_unique<HeldOutPhotos>(folder_, judges, trainer_, options_.seed);
  sequence_ = std::make_unique<PhotoSequence>(std::vector<Index>(split, order.end()), options_.seed);
}

/// Places [first, last) of this step's batch.
std::vector<Tensor> TrainRun::images_of(Index first, Index last) {
  std::vector<Tensor> images;
  for (Index b = first; b < last; ++b) {
    const Index place = trainer_.steps() * options_.batch + b;
    images.push_back(
        normalize(folder_.sample(sequence_->at(place), options_.augment,
                                 Random(options_.seed, kSampleStream + static_cast<std::uint64_t>(place)))));
  }
  return images;
}

std::uint64_t TrainRun::identity() const {
  return hash_on(kHashStart, settings_ + " step=" + std::to_string(trainer_.steps()));
}

bool TrainRun::step() {
  const Index batch = options_.batch, first = ranks_.rank() * batch / ranks_.count(),
              last = (ranks_.rank() + 1) * batch / ranks_.count();
  double loss = 0;
  const auto waiting = [this] { while_waiting(); };
  trainer_.set_lr(options_.lr_at(trainer_.steps()));
  ranks_.together([&] { loss = trainer_.accumulate(images_of(first, last), first, batch); }, waiting);
  // Behind the gradients, the loss, and how many want to stop.
  std::vector<double>& sums = trainer_.gradient_sums();
  const bool wants_to_stop = wants_to_stop_ || interruptible_->interrupted();
  sums.insert(sums.end(), {loss, wants_to_stop ? 1.0 : 0.0});
  ranks_.sum(sums, waiting);
  const bool stop = sums.back() > 0;
  loss = sums[sums.size() - 2];
  trainer_.finish_step();
  ranks_.together(
      [&] {
        require<UsageError>(
            std::isfinite(loss), "the loss is no number any more, at step ", trainer_.steps(), ". ",
            files_.existed || saved_ > begin_ ? files_.upsampler + " holds the last good state; g" : "G",
            "ive a smaller --lr, now ", options_.lr, ".");
        if (ranks_.first()) after_step(loss);
      },
      waiting);
  return stop;
}

void TrainRun::while_waiting() {
  if (told_of_others_ || !interruptible_->interrupted()) return;
  const double now = now_seconds();
  if (told_to_end_ == 0) told_to_end_ = now;
  if (now - told_to_end_ < kPatience) return;
  told_of_others_ = true;
  if (!ranks_.speaks()) return;
  if (ranks_.first()) {
    save();
    print_error(cat("told to end, while other processes of this training do not answer. ", files_.upsampler,
                    " holds its state after step ", trainer_.steps(), ": the same command with --resume goes on."));
  } else {
    print_error("the first process of this training has ended. " + files_.upsampler +
                " holds its last checkpoint, if there was one: the same command with --resume goes on from it.");
  }
}

void TrainRun::after_step(double loss) {
  const Index steps = trainer_.steps(), done = steps - first_step_;
  course_.add_loss(loss);
  if (steps % kJudgeEach == 0 || steps == options_.steps) course_.judge(*judge_, trainer_);
  const double now = now_seconds(), rate = static_cast<double>(done * options_.batch) / (now - begin_);
  bar_.update(static_cast<double>(done) / static_cast<double>(options_.steps - first_step_),
              course_.text(steps, options_.steps, judge_->explained_by_bilinear(), rate));
  wants_to_stop_ = interruptible_->interrupted() || (o_.time_budget > 0 && now - begin_ > o_.time_budget);
  if (now - saved_ < o_.checkpoint || steps >= options_.steps || wants_to_stop_) return;
  save();
  saved_ = now_seconds();
}

void TrainRun::work() {
  interruptible_.emplace();
  begin_ = saved_ = now_seconds();
  while (trainer_.steps() < options_.steps) {
    try {
      // Several processes stop after the step whose sum told all of them.
      const bool told = step();
      if (ranks_.count() == 1 ? wants_to_stop_ : told) break;
    } catch (const OtherFailed&) {
      if (ranks_.first()) save();
      throw;
    }
  }
}

void TrainRun::export_upsampler() {
  if (is_safetensors(o_.export_to))
    write_safetensors(o_.export_to, trainer_.upsampler(), {}, o_.dtype == "f16" ? DType::f16 : DType::f32);
  else
    write_torch(o_.export_to, "state_dict", published_layout(trainer_.upsampler(), backbone_->channels()));
}

void TrainRun::write(Report& report) {
  if (!course_.explained) course_.explained = judge_->explained_by(trainer_.objective());
  save();
  if (!o_.export_to.empty()) export_upsampler();
  write_png(files_.picture, course_.picture());
  bar_.finish();
  report["outputs"] = {files_.upsampler, files_.picture};
  if (o_.export_to.empty()) return;
  report["outputs"].push_back(o_.export_to);
  const std::map<std::string, Tensor> stack = trainer_.upsampler();
  if (is_safetensors(o_.export_to) || (!stack.count("upsampler.token_filter") && !stack.count("upsampler.smoothing")))
    return;
  const std::string note =
      o_.export_to +
      ": is without the filter of tokens and the smoothing, which the published code does not know; for a stack "
      "that is trained as that code runs it, give --back-projection 0 --shrinkage 0 --smooth 0.";
  report["note"] = note;
  print_note(note);
}

void TrainRun::tell(Report& report) const {
  const Index steps = trainer_.steps(), files = folder_.size();
  report["kind"] = options_.kind, report["steps"] = steps, report["images"] = files - folder_.unreadable(),
  report["unreadable"] = folder_.unreadable();
  report["held_out"] = held_out_, report["images_seen"] = (steps - first_step_) * options_.batch;
  report["loss"] = course_.recent_loss, report["explained_variance"] = *course_.explained,
  report["explained_variance_bilinear"] = judge_->explained_by_bilinear();
  report_left_out(report, folder_.left_out(), o_.common);
  if (!o_.common.prints_text()) return;
  if (folder_.unreadable() > 0)
    say("%ld of %ld files could not be read as pictures and were left out\n", static_cast<long>(folder_.unreadable()),
        static_cast<long>(files));
  if (steps < options_.steps)
    say("%s after %ld of %ld steps; the same command with --resume goes on\n",
        wants_to_stop_ && !interruptible_->interrupted() ? "time is up" : "interrupted", static_cast<long>(steps),
        static_cast<long>(options_.steps));
  say("%ld steps on %ld images: loss %.4f, unseen views of %s explained %.4f (bilinear %.4f), %.1f s -> %s, picture "
      "%s\n",
      static_cast<long>(steps), static_cast<long>(files - held_out_), course_.recent_loss,
      held_out_ > 0 ? "held-out images" : "a training image", *course_.explained, judge_->explained_by_bilinear(),
      report.seconds(), files_.upsampler.c_str(), files_.picture.c_str());
}

}  // namespace fu
