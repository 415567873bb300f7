// featup train: a JBU stack for one's own backbone, from folders of photos.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/train_run.h"
#include "tools/media/image_io.h"

namespace fu {

void TrainCommand::add(CLI::App& app) {
  app.add_option("folder", folders, "folders of photos, searched to their depths, or single photos")->required();
  app.add_option("-o,--output", output,
                 "the stack, which is also the checkpoint; default featup-out/jbu.safetensors, with curves beside it");
  backbone.add(app);
  app.add_flag("--resume", resume, "go on from the checkpoint, to the same weights as if it had never stopped");
  app.add_option("--time-budget", time_budget, "seconds after which the checkpoint is written and the program ends")
      ->check(CLI::PositiveNumber);
  app.add_option("--checkpoint", checkpoint, "seconds between checkpoints")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--export", export_to,
                 "also write the stack alone: as .safetensors, or as a PyTorch .ckpt for the published code, which "
                 "knows neither the filter of tokens nor the smoothing");
  FormatArgs::add_dtype(app, dtype, "of an exported .safetensors: f32 or f16");
  fields.add(app, TrainOptions());
  common.add(app);
  app.footer(
      "Example: featup train ~/Pictures --backbone dino_deitsmall16_pretrain.pth -o dino_jbu.safetensors\n"
      "then:    featup upsample photo.jpg --backbone dino_deitsmall16_pretrain.pth --upsampler dino_jbu.safetensors");
}

TrainOptions TrainCommand::options() const {
  std::map<std::string, std::string> given = fields.given();
  given["seed"] = field_text(common.seed);
  return TrainOptions::from(given);
}

namespace {

/// The names of the results, checked before any work.
TrainFiles files_of(const TrainCommand& o, const Ranks& ranks) {
  TrainFiles files;
  files.stack = output_file(o.output, "jbu.safetensors");
  files.picture = with_extension(files.stack, ".png");
  if (ranks.first()) check_outputs(files.stack, files.picture);
  if (ranks.first() && !o.export_to.empty()) check_outputs(o.export_to, files.picture);
  std::error_code none;
  files.existed = std::filesystem::exists(files.stack, none);
  require<UsageError>(o.resume || !files.existed, files.stack,
                      ": is there already. Go on with it by --resume, or name another with -o.");
  require<UsageError>(!o.resume || files.existed, files.stack, ": there is nothing to resume. Leave --resume out.");
  return files;
}

int run_train(const TrainCommand& o, const Program& program) {
  const Ranks ranks;
  const TrainOptions options = o.options();
  Report report("train", o.folders, o.common.json);
  require<UsageError>(options.batch >= ranks.count(), "--batch ", options.batch, " cannot be shared by ", ranks.count(),
                      " processes. Give at least one picture to each.");
  TrainRun run(o, options, ranks, files_of(o, ranks), program.arguments);
  report_backbone(report, &run.backbone(), run.backbone().describe(), o.backbone, o.common);
  report.stage("load");
  run.work();
  report.stage("train");
  if (!ranks.first()) return 0;
  run.write(report);
  report.stage("write");
  run.tell(report);
  report.print();
  return 0;
}

}  // namespace

void add_train(CLI::App& command, Program& program) { add_command(command, program, run_train); }

}  // namespace fu
