// One training under way: its photos, its trainer, its checkpoints.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "featup/training/train_options.h"
#include "tools/cli/arguments.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/cli/ranks.h"
#include "tools/cli/report.h"
#include "tools/cli/train_course.h"

namespace fu {

/// What the command line of `featup train` said.
struct TrainCommand {
  std::vector<std::string> folders;
  std::string output, export_to, dtype = "f32";
  std::string start;  // a file of weights, or "builtin"; empty: from random ones
  BackboneArgs backbone;
  bool resume = false;
  double time_budget = 0;   // seconds; 0: none
  double checkpoint = 180;  // seconds
  FieldOptions fields;      // of TrainOptions
  CommonArgs common;

  void add(Command& app);
  TrainOptions options() const;
};

bool is_safetensors(const std::string& path);

struct TrainFiles {
  std::string upsampler, picture;
  bool existed = false;  // the upsampler, before this run
};

class TrainRun {
 public:
  /// Opens backbone and photos, computes the features of the held-out ones, and with --resume reads the checkpoint.
  /// arguments: the command line, kept in the checkpoint. throws FileError, UsageError.
  TrainRun(const TrainCommand& command, const TrainOptions& options, const Ranks& ranks, TrainFiles files,
           const std::string& arguments);

  const Backbone& backbone() const { return *backbone_; }
  /// A number of all that decides what the weights become, and of the step that they are at.
  std::uint64_t identity() const;
  /// Steps until all are done, the time is up, or the user interrupts; writes checkpoints meanwhile. throws UsageError
  /// if the loss is no number any more; OtherFailed, with a checkpoint behind the last step, if another process cannot
  /// go on.
  void work();
  /// Writes the upsampler, its export, and the curves.
  void write(Report& report);
  /// Fills the report, and prints the summary.
  void tell(Report& report) const;

 private:
  std::string describe_settings() const;
  void start();
  void resume();
  void hold_out();
  std::vector<Tensor> images_of(Index first, Index last);
  /// One step of all processes together. Whether one of them wanted to end before the gradients were summed.
  bool step();
  /// Called while other processes are waited for. A signal to end that they do not answer may be mpirun's, which ends
  /// all when one was killed: then the first process keeps what was learned.
  void while_waiting();
  /// Of the first process: progress, judging, checkpoints.
  void after_step(double loss);
  void save() { course_.save(files_.upsampler, trainer_, settings_, arguments_); }
  void export_upsampler();

  const TrainCommand& o_;
  TrainOptions options_;
  const Ranks& ranks_;
  TrainFiles files_;
  std::string arguments_;
  std::unique_ptr<Backbone> backbone_;
  ImageFolder folder_;
  UpsamplerTrainer trainer_;
  std::string settings_;  // all that decides what the weights become: a checkpoint goes on only under the same
  Index held_out_ = 0;    // photos
  std::unique_ptr<HeldOutPhotos> judge_;
  std::unique_ptr<PhotoSequence> sequence_;
  Course course_;
  std::optional<Interruptible> interruptible_;  // from the first step on
  ProgressBar bar_;
  Index first_step_ = 0;
  double begin_ = 0, saved_ = 0;  // moments, seconds: of the first step, and of the last checkpoint
  bool wants_to_stop_ = false;
  double told_to_end_ = 0;       // the moment when while_waiting() first saw the signal, seconds
  bool told_of_others_ = false;  // that they do not answer
};

}  // namespace fu
