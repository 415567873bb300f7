// featup fit: fits an upsampler to one photo, and keeps it in a file for featup query.
#include <cstdio>

#include "featup/fit/fit_run.h"
#include "tools/cli/fit_diagnostics.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/progress.h"
#include "tools/cli/say.h"
#include "tools/media/image_io.h"

namespace fu {

namespace {

struct FitCommand {
  std::vector<std::string> images;
  std::string output;
  FeatureArgs source;      // without a layout; a file of features is refused
  double time_budget = 0;  // seconds; 0: none
  std::string resume;
  CompatArgs compat;
  FieldOptions fields;  // of FitOptions
  CommonArgs common;

  const std::string& input() const { return images.front(); }
  void add(Command& app);
  FitOptions options() const;
};

void FitCommand::add(Command& app) {
  app.add_option("image", images, "the photo").required().expected(1);
  app.add_option("-o,--output", output, "the fit; default featup-out/NAME.fit.safetensors, with a picture beside it");
  source.backbone.add(app);
  app.add_option("--features", source.features, "refused: a fit needs a backbone");
  FeatureArgs::add_size(app, source.size);
  app.add_option("--time-budget", time_budget, "seconds after which the best so far is kept").positive();
  app.add_option(
      "--resume", resume,
      "go on from this fit of the same photo: views are made again, the network's steps continue to the bit");
  compat.add(app, "the published network alone, 3000 views, 1200 steps, its windows and all");
  fields.add(app, FitOptions());
  common.add(app);
  app.footer(
      "Example: featup fit photo.jpg --backbone deit_tiny_patch16_224.safetensors\n"
      "The picture: photo, low-resolution features, bilinear, fitted; below, uncertainty, the downsampler's kernels "
      "and saliency if a network was\nfitted, the loss and the explained variance of unseen views.");
}

FitOptions FitCommand::options() const {
  FitOptions options = compat.published() ? FitOptions::published() : FitOptions();
  options.seed = common.seed;
  fields.apply(options);
  return options;
}

/// Why the fit came to its end.
struct End {
  bool interrupted = false, timed_out = false;
  double seconds = 0;
};

/// Works until all is done, the time is up, or the user interrupts.
End work(FitRun& run, const FitCommand& o, const Interruptible& interruptible, ProgressBar& bar) {
  const double begin = now_seconds();
  End end;
  while (run.work()) {
    char text[128];
    if (run.explained() > -1e9)
      std::snprintf(text, sizeof text, "%s, loss %.4f, unseen views explained %.3f", run.stage(), run.loss(),
                    run.explained());
    else
      std::snprintf(text, sizeof text, "%s", run.stage());
    bar.update(run.fraction(), text);
    end.timed_out = o.time_budget > 0 && now_seconds() - begin > o.time_budget && run.ready();
    end.interrupted = interruptible.interrupted();
    if (end.interrupted || end.timed_out) break;
  }
  end.seconds = now_seconds() - begin;
  return end;
}

/// The result, with where it came from.
FittedMap result_of(FitRun& run, const FitCommand& o, const Featurizer& featurizer, const std::string& arguments,
                    double seconds) {
  FittedMap fit = run.result();
  fit.settings["input"] = o.input();
  fit.settings["backbone"] = featurizer.describe();
  fit.settings["size"] = o.source.size;
  fit.settings["cropped"] = featurizer.cropped() ? "1" : "0";
  fit.settings["views"] = std::to_string(run.views());
  fit.settings["steps"] = std::to_string(run.steps());
  fit.settings["options"] = arguments;
  fit.settings["seconds"] = std::to_string(seconds);
  return fit;
}

void report_fit(const FittedMap& fit, const FitRun& run, Report& report) {
  report["in_size"] = {fit.photo.height, fit.photo.width};
  report["lr_size"] = {fit.low.dim(1), fit.low.dim(2)};
  report["channels"] = fit.channels();
  report["views"] = run.views(), report["steps"] = run.steps();
  report["loss"] = run.best_loss(), report["explained_variance"] = run.explained(),
  report["explained_variance_bilinear"] = run.explained_bilinear();
}

void print_fit(const FitCommand& o, const FitRun& run, const End& end, double seconds, const std::string& file,
               const std::string& picture) {
  if (end.interrupted || end.timed_out)
    say("%s: the best so far is kept%s%s\n", end.interrupted ? "interrupted" : "time is up",
        run.steps() > 0 ? "; it goes on with the same command and --resume " : "", run.steps() > 0 ? file.c_str() : "");
  say("%s: loss %.4f, unseen views explained %.3f (bilinear %.3f), %ld views, %ld steps, %.1f s -> %s\n",
      o.input().c_str(), run.best_loss(), run.explained(), run.explained_bilinear(), static_cast<long>(run.views()),
      static_cast<long>(run.steps()), seconds, named_with_picture(file, picture).c_str());
}

int run_fit(const FitCommand& o, const Program& program) {
  Report report("fit", o.images, o.common.json);
  const FitOptions options = o.options();
  const Featurizer featurizer(o.source);
  require<UsageError>(!featurizer.own_size(),
                      "--size own: a fit is asked for other sizes of the same part later, and this "
                      "one has no name. Give the short side, or HxW.");
  require<UsageError>(
      featurizer.backbone(),
      "fit looks at the photo many times, so it needs a backbone; features from a file are one look. Give --backbone.");
  const std::string name = stem_of(o.input()), file = output_file(o.output, name + ".fit.safetensors"),
                    picture = with_extension(file, ".png");
  protect_inputs({o.input(), o.source.backbone.name}, {file, picture});
  if (o.resume.empty()) protect_pictures(o.output, {picture});
  check_outputs({file, picture});
  report_backbone(report, featurizer.backbone(), featurizer.describe(), o.source.backbone, o.common);
  report.stage("load");
  const PhotoFeatures seen = featurizer.run(o.input(), report, {});
  const Image& photo = seen.views->at(seen.in_size.height, seen.in_size.width);
  FitRun run(photo, feature_function(featurizer.backbone()), options);
  if (!o.resume.empty()) {
    FittedMap before = FittedMap::load(o.resume);
    before.settings["path"] = o.resume;
    run.resume(before);
  }
  const Interruptible interruptible;  // to the end: what was fitted is to be written
  ProgressBar bar("fit " + name, o.common.quiet);
  const End end = work(run, o, interruptible, bar);
  const FittedMap fit = result_of(run, o, featurizer, program.arguments, end.seconds);
  report.stage("fit");
  bar.update(1, "write");
  fit.save(file);
  if (!picture.empty()) write_png(picture, fit_overview(fit, photo));
  report.stage("write");
  bar.finish();
  report["outputs"] = {file};
  if (!picture.empty()) report["outputs"].push_back(picture);
  report_fit(fit, run, report);
  if (o.common.prints_text()) print_fit(o, run, end, report.seconds(), file, picture);
  report.print();
  return 0;
}

}  // namespace

void add_fit(Command& command, Program& program) { add_command(command, program, run_fit); }

}  // namespace fu
