// featup train: a JBU stack for one's own backbone, from a folder of photos.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <optional>

#include "featup/training/jbu_trainer.h"
#include "tools/cli/featurize.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/cli/ranks.h"
#include "tools/media/image_folder.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

namespace fu {

namespace {

constexpr Index kLooks = 4;       // unseen views of each held-out image
constexpr Index kJudgeEach = 50;  // steps

JbuTrainerOptions trainer_options(const Options& o) {
  const Options::Train& t = o.train;
  JbuTrainerOptions trainer;
  trainer.jitters = t.jitters, trainer.max_pad = t.max_pad, trainer.max_zoom = t.max_zoom, trainer.seed = o.seed;
  trainer.norm = t.norm || o.compat == "published";
  JbuObjectiveOptions& j = trainer.objective;
  j.layers.levels = t.levels, j.layers.radius = t.radius, j.layers.key_dim = t.key_dim;
  j.layers.mixing = !t.no_mixing, j.layers.shared = t.shared, j.layers.unit_sum = t.unit_sum;
  j.layers.sigma = t.sigma, j.layers.temperature = t.temperature;
  j.layers.color_range = t.color_range;
  j.filter.strength = static_cast<real>(t.back_projection), j.filter.shrinkage = static_cast<real>(t.shrinkage);
  j.layers.smoothing = {static_cast<real>(t.smooth), static_cast<real>(t.smooth_colors)};
  require<UsageError>(
      j.filter.usable() && j.layers.smoothing.usable(),
      "--back-projection, --shrinkage, --smooth, --smooth-colors: give numbers, the last at least 0.001.");
  require<UsageError>(!j.layers.smoothing.present() || t.levels >= kSmoothedLevel,
                      "--smooth: the smoothing follows the second level; with --levels ", t.levels, " there is none.");
  if (t.color_range > 0) j.layers.dropout = 0;  // keys of a filter stand in pairs
  j.attention = t.downsampler == "attention", j.plain_mean = t.downsampler == "mean", j.kernel = t.kernel,
  j.uncertainty = !t.no_uncertainty, j.projection = t.projection;
  j.lr = t.lr, j.crf = t.crf, j.tv = t.tv, j.crf_samples = t.crf_samples, j.published = o.compat == "published";
  return trainer;
}

/// Images that are only judged by, and what is known of them.
class HeldOut {
 public:
  HeldOut(ImageFolder& folder, const std::vector<Index>& chosen, const JbuTrainer& trainer, std::uint64_t seed) {
    const FeatureFunction features = [&](const Tensor& image) { return trainer.features(image); };
    for (Index i : chosen) {
      const Tensor image = normalize(folder.sample(i, false, Random(0)));
      images_.push_back(
          {image, features(image), HeldOutViews(image, features, kLooks, seed + static_cast<std::uint64_t>(i))});
    }
    bilinear_ = explained([](const Entry& e) { return e.features; });
  }
  double bilinear() const { return bilinear_; }
  double by(const JbuObjective& training) const {
    return explained([&](const Entry& e) { return training.map(e.features, e.image); });
  }

 private:
  struct Entry {
    Tensor image, features;
    HeldOutViews views;
  };
  template <class F>
  double explained(const F& map_of) const {
    ExplainedVariance total;
    for (const Entry& e : images_) {
      const ExplainedVariance one = e.views.explained_by(map_of(e));
      total.error += one.error, total.variance += one.variance;
    }
    return total.value();
  }
  std::vector<Entry> images_;
  double bilinear_ = 0;
};

/// Numbers below n in an order drawn from the stream.
std::vector<Index> shuffled(Index n, Random random) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  for (Index i = n - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(random.below(i + 1))]);
  return order;
}

// Streams of random numbers beside the trainer's own.
constexpr std::uint64_t kOrderStream = std::uint64_t{1} << 60, kSampleStream = std::uint64_t{1} << 61,
                        kHoldStream = (std::uint64_t{1} << 62);

/// Which photo comes when: epoch after epoch, each in an order of its own.
class Sequence {
 public:
  Sequence(std::vector<Index> photos, std::uint64_t seed) : photos_(std::move(photos)), seed_(seed) {}
  Index at(Index place) {
    const auto n = static_cast<Index>(photos_.size());
    if (place / n != epoch_)
      epoch_ = place / n, order_ = shuffled(n, Random(seed_, kOrderStream + static_cast<std::uint64_t>(epoch_)));
    return photos_[static_cast<std::size_t>(order_[static_cast<std::size_t>(place % n)])];
  }

 private:
  std::vector<Index> photos_, order_;
  std::uint64_t seed_;
  Index epoch_ = -1;
};

/// All that decides what the weights become.
std::string fingerprint(const Options& o, const ImageFolder& folder, const std::string& backbone) {
  const Options::Train& t = o.train;
  std::uint64_t files = 1469598103934665603u;  // FNV-1a
  const auto mix = [&files](const std::string& text) {
    for (char c : text) files = (files ^ static_cast<unsigned char>(c)) * 1099511628211u;
  };
  for (Index i = 0; i < folder.size(); ++i) {
    std::error_code none;
    mix(folder.path(i) + ":" + std::to_string(std::filesystem::file_size(folder.path(i), none)));
  }
  return cat("backbone ", backbone, " ", o.feature, ", size ", o.size, ", seed ", o.seed, ", compat ", o.compat,
             ", steps ", t.steps, ", batch ", t.batch, ", jitters ", t.jitters, " ", t.max_pad, " ", t.max_zoom,
             ", stack ", t.levels, " ", t.radius, " ", t.key_dim, " ", t.shared, t.unit_sum, t.no_mixing, t.norm, " ",
             t.sigma, " ", t.temperature, " ", t.color_range, " ", t.back_projection, " ", t.shrinkage, " ", t.smooth,
             " ", t.smooth_colors, ", downsampler ", t.downsampler, " ", t.kernel, t.no_uncertainty, ", loss ",
             t.projection, " ", t.crf, " ", t.crf_samples, " ", t.tv, ", lr ", t.lr, t.constant_lr, ", augment ",
             !t.no_augment, ", held out ", t.held_out, ", ", folder.size(), " files ", files);
}

/// Published stacks always mix channels at the end: one that does not has a mixing that adds nothing. They have no
/// filter of tokens, and no smoothing.
std::map<std::string, Tensor> published_layout(std::map<std::string, Tensor> stack, Index channels) {
  stack.erase("upsampler.token_filter");
  stack.erase("upsampler.smoothing");
  stack.emplace("upsampler.fixup_proj.1.weight", Tensor::zeros({channels, channels, 1, 1}));
  stack.emplace("upsampler.fixup_proj.1.bias", Tensor::zeros({channels}));
  return stack;
}

/// Sums up what the processes found: gradients, the loss, and whether one of them wants to stop.
void share(const Ranks& ranks, Module& module, double& loss, bool& stopped) {
  if (ranks.count() == 1) return;
  std::vector<real> values = {static_cast<real>(loss), stopped ? real(1) : real(0)};
  std::vector<Parameter*> parameters;
  for (Parameter* p : module.parameters())
    if (p->trainable) parameters.push_back(p);
  for (const Parameter* p : parameters) {
    const std::size_t n = static_cast<std::size_t>(p->value.size());
    if (p->has_grad())
      values.insert(values.end(), p->grad.data(), p->grad.data() + n);
    else
      values.insert(values.end(), n, 0);
  }
  ranks.sum(values);
  loss = static_cast<double>(values[0]), stopped = values[1] > 0;
  const real* from = values.data() + 2;
  for (Parameter* p : parameters) {
    p->grad = Tensor(p->value.shape());
    std::copy(from, from + p->value.size(), p->grad.data());
    from += p->value.size();
  }
}

/// Options that were left out, as published or as ours.
Options with_defaults(Options o) {
  Options::Train& t = o.train;
  const bool published = o.compat == "published";
  if (t.steps == 0) t.steps = published ? 2000 : 500;
  if (t.lr == 0) t.lr = published ? 1e-3 : 5e-3;
  if (t.sigma == 0) t.sigma = published ? 1 : 0.4;
  if (t.color_range < 0) t.color_range = 0;
  if (t.smooth < 0) t.smooth = published || t.levels < kSmoothedLevel ? 0 : 30;
  if (t.back_projection < 0) t.back_projection = published ? 0 : 2.2;
  if (t.shrinkage < 0) t.shrinkage = published ? 0 : 0.2;
  if (t.temperature == 0) t.temperature = published || t.color_range > 0 ? 1 : 5;
  return o;
}

/// The size that all pictures are cut to.
Extent training_size(const Options& o, Index patch) {
  const InputSize asked = parse_input_size(o.size);
  const Extent side = asked.height > 0 ? Extent{asked.height, asked.width} : Extent{asked.short_side, asked.short_side};
  require<UsageError>(side.height % patch == 0 && side.width % patch == 0 && side.height >= 3 * patch &&
                          side.width >= 3 * patch && side.height * side.width <= (Index{1} << 21) &&
                          o.train.kernel <= std::min(side.height, side.width),
                      "--size ", o.size, ": training takes pictures of one size: multiples of the patch, ", patch,
                      " pixels, at least three of them, and 2^21 pixels at most.");
  return side;
}

/// How a training went so far.
struct Course {
  double recent = 0;                // mean loss of the last steps
  std::optional<double> explained;  // of held-out pictures' unseen views, when last judged
  std::vector<real> history;        // rows of step, loss, explained, bilinear

  void load(const Weights& file) {
    if (file.metadata().count("recent")) recent = std::strtod(file.metadata().at("recent").c_str(), nullptr);
    if (!file.has("training.history")) return;
    const Tensor rows = file.read("training.history");
    require<FileError>(rows.rank() == 2 && rows.dim(1) == 4, file.path(), ": its training.history has the shape ",
                       rows.shape(), ", expected (N,4).");
    history.assign(rows.data(), rows.data() + rows.size());
    if (history.size() >= 4) explained = static_cast<double>(history[history.size() - 2]);
  }
  void add_loss(double loss) { recent = recent == 0 ? loss : 0.95 * recent + 0.05 * loss; }
  void judge(const HeldOut& by, JbuTrainer& trainer) {
    explained = by.by(trainer.objective());
    for (double v : {static_cast<double>(trainer.steps()), recent, *explained, by.bilinear()})
      history.push_back(static_cast<real>(v));
  }
  /// One file for `upsample` and for --resume.
  void save(const std::string& file, JbuTrainer& trainer, const std::string& settings,
            const std::string& command) const {
    std::map<std::string, Tensor> tensors = trainer.stack();
    trainer.save(tensors);
    Tensor rows({static_cast<Index>(history.size()) / 4, 4});
    std::copy(history.begin(), history.end(), rows.data());
    if (!history.empty()) tensors["training.history"] = rows;
    write_safetensors(file, tensors,
                      {{"training", settings},
                       {"step", std::to_string(trainer.steps())},
                       {"recent", cat(std::setprecision(17), recent)},
                       {"command", command}});
  }
  Image picture() const {
    std::vector<Image> curves;
    for (std::size_t column : {std::size_t{1}, std::size_t{2}}) {
      std::vector<double> values;
      for (std::size_t i = column; i < history.size(); i += 4) values.push_back(static_cast<double>(history[i]));
      curves.push_back(curve_picture(values, 240, 360));
    }
    return side_by_side(curves);
  }
  std::string text(Index step, Index steps, double bilinear, double images_per_second) const {
    char start[64], judged[80] = "", end[40];
    std::snprintf(start, sizeof start, "step %ld of %ld, loss %.4f", static_cast<long>(step), static_cast<long>(steps),
                  recent);
    if (explained)
      std::snprintf(judged, sizeof judged, ", unseen views explained %.4f (bilinear %.4f)", *explained, bilinear);
    std::snprintf(end, sizeof end, ", %.1f images/s", images_per_second);
    return std::string(start) + judged + end;
  }
};

bool is_safetensors(const std::string& path) { return std::filesystem::path(path).extension() == ".safetensors"; }

void export_stack(const Options& o, JbuTrainer& trainer, Index channels) {
  if (is_safetensors(o.train.export_to))
    write_safetensors(o.train.export_to, trainer.stack(), {}, o.dtype == "f16" ? DType::f16 : DType::f32);
  else
    write_torch(o.train.export_to, "state_dict", published_layout(trainer.stack(), channels));
}

}  // namespace

int run_train(const Options& given) {
  const Ranks ranks;
  const bool published = given.compat == "published";
  const Options o = with_defaults(given);
  const Options::Train& t = o.train;
  Report report("train", o);
  require<UsageError>(t.batch >= ranks.count(), "--batch ", t.batch, " cannot be shared by ", ranks.count(),
                      " processes. Give at least one picture to each.");
  const std::string file = output_file(o, "jbu.safetensors"), picture = with_extension(file, ".png");
  if (ranks.first()) check_outputs(file, picture);
  if (ranks.first() && !t.export_to.empty()) check_outputs(t.export_to, picture);
  std::error_code none;
  const bool exists = std::filesystem::exists(file, none);
  require<UsageError>(t.resume || !exists, file,
                      ": is there already. Go on with it by --resume, or name another with -o.");
  require<UsageError>(!t.resume || exists, file, ": there is nothing to resume. Leave --resume out.");

  const std::unique_ptr<Backbone> backbone = open_backbone(o.backbone, {o.feature});
  ImageFolder folder(o.inputs, training_size(o, backbone->patch()));
  Options reads = o;
  reads.inputs = folder.paths();
  protect_inputs(reads, {file, picture, t.export_to.empty() ? picture : t.export_to});
  const FeatureFunction look = [&](const Tensor& image) { return backbone->features(image); };
  const JbuTrainerOptions options = trainer_options(o);
  JbuTrainer trainer(look, backbone->channels(), options);
  const std::string settings = fingerprint(o, folder, backbone->describe());
  Course course;
  Index images_before = 0;
  if (t.resume) {
    const Weights before(file);
    const auto found = before.metadata().find("training");
    require<UsageError>(found != before.metadata().end(), file,
                        ": was not written by featup train. Name another file with -o.");
    require<UsageError>(
        found->second == settings, file,
        ": was trained with other settings or pictures, so it cannot go on as it would have. It had: ", found->second);
    trainer.load(before);
    course.load(before);
    images_before = trainer.steps() * t.batch;
  }
  report["backbone"] = backbone->describe();

  // Some photos are kept aside to judge by; of a handful, the first is judged by views of it that training does not
  // see.
  const std::vector<Index> order = shuffled(folder.size(), Random(o.seed, kHoldStream));
  const Index held = std::min(t.held_out, folder.size() / 5);
  const auto split = order.begin() + static_cast<std::ptrdiff_t>(held);
  const std::vector<Index> judges =
      held > 0 ? std::vector<Index>(order.begin(), split) : std::vector<Index>{order.front()};
  const HeldOut judge(folder, ranks.first() ? judges : std::vector<Index>(), trainer, o.seed);
  Sequence sequence(std::vector<Index>(split, order.end()), o.seed);
  report.stage("load");

  const Interruptible interruptible;
  ProgressBar bar("train", o.quiet || !ranks.first());
  const double begin = now_seconds();
  double saved = begin;
  bool wish = false;  // to stop
  const Index first_step = trainer.steps();
  while (trainer.steps() < t.steps) {
    // This process's share of the batch.
    const Index first = ranks.rank() * t.batch / ranks.count(), last = (ranks.rank() + 1) * t.batch / ranks.count();
    std::vector<Tensor> images;
    for (Index b = first; b < last; ++b) {
      const Index place = trainer.steps() * t.batch + b;
      images.push_back(normalize(folder.sample(sequence.at(place), !t.no_augment && !published,
                                               Random(o.seed, kSampleStream + static_cast<std::uint64_t>(place)))));
    }
    trainer.set_lr(t.lr * (t.constant_lr || published ? 1 : warmup_cosine(trainer.steps(), 0, t.steps, 0.02)));
    double loss = trainer.accumulate(images, first, t.batch);
    bool stop = wish;
    share(ranks, trainer.objective(), loss, stop);
    trainer.finish_step();
    require<UsageError>(std::isfinite(loss), "the loss is no number any more, at step ", trainer.steps(), ". ",
                        exists || saved > begin ? file + " holds the last good state; g" : "G",
                        "ive a smaller --lr, now ", t.lr, ".");
    if (!ranks.first()) {
      if (stop) break;
      continue;
    }
    course.add_loss(loss);
    if (trainer.steps() % kJudgeEach == 0 || trainer.steps() == t.steps) course.judge(judge, trainer);
    const double now = now_seconds(),
                 rate = static_cast<double>((trainer.steps() - first_step) * t.batch) / (now - begin);
    bar.update(static_cast<double>(trainer.steps() - first_step) / static_cast<double>(t.steps - first_step),
               course.text(trainer.steps(), t.steps, judge.bilinear(), rate));
    wish = interruptible.interrupted() || (t.time_budget > 0 && now - begin > t.time_budget);
    if (now - saved >= t.checkpoint && trainer.steps() < t.steps && !wish)
      course.save(file, trainer, settings, o.fit.line), saved = now_seconds();
    if (ranks.count() == 1 ? wish : stop) break;
  }
  report.stage("train");
  if (!ranks.first()) return 0;
  if (!course.explained) course.explained = judge.by(trainer.objective());
  course.save(file, trainer, settings, o.fit.line);
  if (!t.export_to.empty()) export_stack(o, trainer, backbone->channels());
  write_png(picture, course.picture());
  report.stage("write");
  bar.finish();

  report["outputs"] = {file, picture};
  if (!t.export_to.empty()) {
    report["outputs"].push_back(t.export_to);
    if (!is_safetensors(t.export_to) &&
        (options.objective.filter.present() || options.objective.layers.smoothing.present())) {
      const std::string note =
          t.export_to +
          ": is without the filter of tokens and the smoothing, which the published code does not know; for a stack " +
          "that is trained as that code runs it, give --back-projection 0 --shrinkage 0 --smooth 0.";
      report["note"] = note;
      std::fprintf(stderr, "featup: note: %s\n", note.c_str());
    }
  }
  report["steps"] = trainer.steps(), report["images"] = folder.size() - folder.unreadable(),
  report["unreadable"] = folder.unreadable();
  report["held_out"] = held, report["images_seen"] = trainer.steps() * t.batch - images_before;
  report["loss"] = course.recent, report["explained_variance"] = *course.explained,
  report["explained_variance_bilinear"] = judge.bilinear();
  if (!o.quiet && !o.json) {
    if (folder.unreadable() > 0)
      std::printf("%ld of %ld files could not be read as pictures and were left out\n",
                  static_cast<long>(folder.unreadable()), static_cast<long>(folder.size()));
    if (trainer.steps() < t.steps)
      std::printf("%s after %ld of %ld steps; the same command with --resume goes on\n",
                  interruptible.interrupted() ? "interrupted" : "time is up", static_cast<long>(trainer.steps()),
                  static_cast<long>(t.steps));
    std::printf(
        "%ld steps on %ld images: loss %.4f, unseen views of %s explained %.4f (bilinear %.4f), %.1f s -> %s, picture "
        "%s\n",
        static_cast<long>(trainer.steps()), static_cast<long>(folder.size() - held), course.recent,
        held > 0 ? "held-out images" : "a training image", *course.explained, judge.bilinear(), report.seconds(),
        file.c_str(), picture.c_str());
  }
  report.print();
  return 0;
}

}  // namespace fu
