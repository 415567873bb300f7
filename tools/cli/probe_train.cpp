// featup probe train: classes or numbers from features, learned from a user's own label pictures.

#include "tools/cli/errors.h"
#include "tools/cli/inputs.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/probe_run.h"
#include "tools/cli/program.h"
#include "tools/cli/say.h"
#include "tools/media/confusion_chart.h"

namespace fu {

void ProbeTrainCommand::add(Command& app) {
  app.add_option("--images", images, "folder of photos to learn from").required();
  app.add_option(
         "--labels", labels,
         "folder of their labels, files of the same names: pictures with a class a pixel (grey, or numbers of a "
         "palette; 255: none), or numbers: PNG of 16 bits (0: none) or .npy (H,W) or (H,W,K) (NaN: none)")
      .required();
  app.add_option("-o,--output", output, "the probe; default featup-out/probe.safetensors");
  backbone.add(app);
  data_fields.add(app, ProbeDataOptions());
  fields.add(app, ProbeOptions());
  Option val = app.add_option("--val-images", val_images, "photos that judge, in place of held-out ones");
  Option val_of = app.add_option("--val-labels", val_labels, "their labels");
  val.needs(val_of), val_of.needs(val);
  app.add_option("--class-names", class_names, "a file of names, one in each line, for classes or numbers");
  app.add_option("--unit", unit, "of numbers, for people: m");
  app.add_flag("--restart", restart, "throw away what an earlier run left in OUTPUT.cache");
  app.add_option("--checkpoint", checkpoint, "seconds between checkpoints of the training")
      .non_negative()
      .show_default();
  common.add(app);
  app.footer(
      "It trains without the held-out photos first; they judge each epoch. Then it trains on all photos for as many "
      "epochs as were best: that probe is written. An interrupted run is gone on with by the same command.\n"
      "Example: featup probe train --images photos --labels labels --backbone deit_tiny_patch16_224.safetensors "
      "-o probe.safetensors");
}

ProbeDataOptions ProbeTrainCommand::data() const {
  ProbeDataOptions data;
  data_fields.apply(data);
  check_fields(data);
  require<UsageError>(data.fine || !data_fields.given().count("upsampler"),
                      "--upsampler goes with --fine: without it a probe learns from low-resolution features.");
  return data;
}

std::string chart_of(const std::string& probe) { return with_extension(probe, ".confusion.svg"); }

namespace {

void write_confusion(const std::string& path, const ProbeRun& run, const ProbeScores& scores) {
  std::vector<double> counts;
  for (Index c = 0; c < run.options().outputs; ++c)
    for (Index k = 0; k < run.options().outputs; ++k)
      counts.push_back(static_cast<double>(scores.confusion().count(c, k)));
  write_confusion_chart(path, "Confusion of held-out pixels", run.names(), counts,
                        cat(run.held_out(), " held-out photos; ", run.backbone().describe()));
}

void report_run(Report& report, const ProbeRun& run, const std::optional<ProbeScores>& scores) {
  const ProbeCourse& course = run.course();
  report["kind"] = run.options().kind == Probe::Kind::classes ? "classes" : "numbers";
  report["images"] = {{"learned_from", run.photos().to_learn_from()}, {"held_out", run.held_out()}};
  report["pixels"] = run.samples();
  report["resumed"] = run.resumed();
  report["epochs"] = {{"tried", course.scores.size()},
                      {"trained", course.best > 0 ? course.best : run.options().epochs},
                      {"scores", course.scores}};
  if (scores) report["held_out"] = scores->json(run.names());
}

void print_run(const ProbeTrainCommand& o, const ProbeRun& run, const std::optional<ProbeScores>& scores,
               const std::string& output, const std::string& chart, double seconds) {
  const ProbeCourse& course = run.course();
  const long n = static_cast<long>(run.photos().to_learn_from());
  if (!scores) {
    say("%ld photos, %ld pixels, %ld epochs; no photo was held out to judge, %.1f s -> %s\n", n,
        static_cast<long>(run.samples()), static_cast<long>(run.options().epochs), seconds, output.c_str());
    return;
  }
  say("%ld held-out photos, by a probe that did not see them (epoch %ld of %zu was the best):\n%s"
      "The probe that is written was trained on all %ld photos for %ld epochs: %ld pixels, %.1f s -> %s\n",
      static_cast<long>(run.held_out()), static_cast<long>(course.best), course.scores.size(),
      scores->text(run.names(), o.unit).c_str(), n, static_cast<long>(course.best), static_cast<long>(run.samples()),
      seconds, output.c_str());
  if (course.best == run.options().epochs)
    say("The last epoch was the best: more of them may be better, --epochs %ld\n",
        static_cast<long>(3 * run.options().epochs));
  if (!chart.empty()) say("confusion %s\n", chart.c_str());
}

int run_probe_train(const ProbeTrainCommand& o, const Program& program) {
  Report report("probe train", {o.images, o.labels}, o.common.json);
  const ProbeDataOptions data = o.data();
  require<OptionError>(o.output != "-", "-o -: a training keeps its state beside a file. Give its name.");
  const std::string output = output_file(o.output, "probe.safetensors");
  std::string chart = chart_of(output);
  check_outputs({output, chart});
  ProbeRun run(o, data, output);
  report_backbone(report, &run.backbone(), run.backbone().describe(), o.backbone, o.common);
  if (const std::string note = run.features().note(); !note.empty() && !o.common.quiet) report.note(note);
  report_left_out(report, run.photos().left_out(), o.common);
  report.stage("load");
  try {
    run.collect();
  } catch (...) {
    run.give_up();
    throw;
  }
  report.stage("features");
  run.learn();
  report.stage("train");
  const std::optional<ProbeScores> scores = run.judge();
  report.stage("judge");
  if (scores && run.options().kind == Probe::Kind::classes)
    write_confusion(chart, run, *scores);
  else
    chart.clear();
  run.write(program.arguments);
  report["outputs"] = {output};
  if (!chart.empty()) report["outputs"].push_back(chart);
  report_run(report, run, scores);
  if (o.common.prints_text()) print_run(o, run, scores, output, chart, report.seconds());
  report.print();
  return 0;
}

}  // namespace

void add_probe_train(Command& command, Program& program) { add_command(command, program, run_probe_train); }

}  // namespace fu
