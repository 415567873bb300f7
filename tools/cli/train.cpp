// featup train: an upsampler for one's own backbone, from folders of photos.
#include <optional>

#include "tools/cli/errors.h"
#include "tools/cli/outputs.h"
#include "tools/cli/photo_features.h"
#include "tools/cli/program.h"
#include "tools/cli/train_run.h"
#include "tools/media/image_io.h"

namespace fu {

void TrainCommand::add(Command& app) {
  app.add_option("folder", folders, "folders of photos, searched to their depths, or single photos").required();
  app.add_option(
      "-o,--output", output,
      "the upsampler, which is also the checkpoint; default featup-out/KIND.safetensors, with curves beside it");
  backbone.add(app);
  app.add_option("--init", start,
                 "weights to start from, in place of random ones: a file of the same kind, also from its authors; or "
                 "builtin, for a jbu stack without mixing");
  app.add_flag("--resume", resume, "go on from the checkpoint, to the same weights as if it had never stopped");
  app.add_option("--time-budget", time_budget, "seconds after which the checkpoint is written and the program ends")
      .positive();
  app.add_option("--checkpoint", checkpoint, "seconds between checkpoints").non_negative().show_default();
  app.add_option("--export", export_to,
                 "also write the upsampler alone: as .safetensors, or a jbu stack as a PyTorch .ckpt for the published "
                 "code, which knows neither the filter of tokens nor the smoothing");
  FormatArgs::add_dtype(app, dtype, "of an exported .safetensors: f32 or f16");
  fields.add(app, TrainOptions());
  common.add(app);
  app.footer(
      "Example: featup train ~/Pictures --backbone dino_deitsmall16_pretrain.pth -o dino_jbu.safetensors\n"
      "then:    featup upsample photo.jpg --backbone dino_deitsmall16_pretrain.pth --upsampler dino_jbu.safetensors\n"
      "also:    featup train ~/Pictures --kind anyup --init anyup_multi.pth -o anyup.safetensors");
}

TrainOptions TrainCommand::options() const {
  std::map<std::string, std::string> given = fields.given();
  given["seed"] = field_text(common.seed);
  TrainOptions said;
  fields.apply(said);
  fields.require_meaning(said);
  return TrainOptions::from(given);
}

namespace {

/// The names of the results, checked before any work.
TrainFiles files_of(const TrainCommand& o, const std::string& kind, const Ranks& ranks) {
  require<UsageError>(kind == "jbu" || o.export_to.empty() || is_safetensors(o.export_to), "--export ", o.export_to,
                      ": PyTorch's files are for --kind jbu. Name it .safetensors.");
  require<OptionError>(o.output != "-", "-o -: a training keeps its checkpoint in a file. Give its name.");
  TrainFiles files;
  files.upsampler = output_file(o.output, kind + ".safetensors");
  files.picture = with_extension(files.upsampler, ".png");
  std::vector<std::string> outputs = {files.upsampler, files.picture};
  if (!o.export_to.empty()) outputs.push_back(o.export_to);
  if (ranks.first() && !o.resume) protect_pictures(o.output, {files.picture});
  if (ranks.first()) check_outputs(outputs);
  std::error_code none;
  files.existed = std::filesystem::exists(files.upsampler, none);
  require<UsageError>(o.resume || !files.existed, files.upsampler,
                      ": is there already. Go on with it by --resume, or name another with -o.");
  require<UsageError>(!o.resume || files.existed, files.upsampler, ": there is nothing to resume. Leave --resume out.");
  return files;
}

/// What the processes see must be the same, or each would compute its share of another training.
void require_same(const Ranks& ranks, const TrainRun& run) {
  const bool same = ranks.same(run.identity());
  ranks.together([&] {
    require<UsageError>(same, "the ", ranks.count(),
                        " processes of this training do not see the same pictures, backbone, options or checkpoint. "
                        "Give all of them the same command, and folders that all machines share.");
  });
}

int train_together(const TrainCommand& o, const Program& program, const Ranks& ranks) {
  Report report("train", o.folders, o.common.json);
  std::optional<TrainRun> run;
  ranks.together([&] {
    const TrainOptions options = o.options();
    require<UsageError>(options.batch >= ranks.count(), "--batch ", options.batch, " cannot be shared by ",
                        ranks.count(), " processes. Give at least one picture to each.");
    run.emplace(o, options, ranks, files_of(o, options.kind, ranks), program.arguments);
  });
  require_same(ranks, *run);
  report_backbone(report, &run->backbone(), run->backbone().describe(), o.backbone, o.common);
  report.stage("load");
  run->work();
  report.stage("train");
  ranks.together([&] {
    if (!ranks.first()) return;
    run->write(report);
    report.stage("write");
    run->tell(report);
    report.print();
  });
  return 0;
}

int run_train(const TrainCommand& o, const Program& program) {
  const Ranks ranks;
  try {
    return train_together(o, program, ranks);
  } catch (const OtherFailed&) {
    return 1;
  }
}

}  // namespace

void add_train(Command& command, Program& program) { add_command(command, program, run_train); }

}  // namespace fu
