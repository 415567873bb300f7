// The subcommands of the featup program.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "featup/backbones/backbone.h"
#include "featup/fit/feature_grid.h"
#include "featup/upsamplers/registry.h"
#include "tools/media/feature_io.h"

namespace fu {

/// What the command line said. Defaults are those of CLI documentation.
struct Options {
  std::vector<std::string> inputs;
  std::string output;  // -o
  std::string backbone = "builtin";
  std::string feature = "token";  // token, key
  std::string features;           // file in place of a backbone
  std::string features_layout = "auto";
  std::string upsampler = "builtin", quality;
  std::string size = "224", out_size;
  std::string project;
  Index pca = 0;
  std::string format = "npy", dtype = "f32", layout = "hwc";
  std::string compat;  // published
  int threads = 0;
  std::uint64_t seed = 0;
  std::string max_memory;
  bool quiet = false, json = false, all = false;
  std::string shard;  // I/N
  bool skip_finished = false;
  std::vector<std::string> methods;  // eval
  Index jitters = 32;                // eval: unseen views

  struct Fit {
    Index views = 0, steps = -1, pca = -1;  // 0, -1: what the mode says
    Index drawn = 10, held_out = 16, max_pad = 30, frequencies = 30, kernel = 29, spacing = 4;
    Index coarse_steps = 0;
    double max_frequency = 0, dropout_in = 0.2, dropout_hidden = 0.2, dropout_saliency = 0.2;
    std::string schedule = "constant";
    double max_zoom = 1.8, lr = 2e-3, magnitude = 1e-3, tv = 0.05, blur_pin = 0.1,
           smoothness = GridOptions{}.smoothness, time_budget = 0;
    bool no_grid = false, no_color = false, no_uncertainty = false, no_early_stop = false;
    std::string downsampler = "attention", resume;
    std::string line;  // the settings in words, for the file
  } fit;
  struct Train {
    Index steps = 0, batch = 4, jitters = 5, max_pad = 20, levels = 4, radius = 3, key_dim = 32, kernel = 16,
          projection = 30, crf_samples = 1000;
    Index held_out = 8;
    double lr = 0, sigma = 0, temperature = 0, color_range = -1, back_projection = -1, shrinkage = -1, smooth = -1,
           smooth_colors = 0.02;  // 0 (-1 where 0 means none), and for steps: what the mode says
    double max_zoom = 2, crf = 1e-3, tv = 0, time_budget = 0, checkpoint = 180;
    bool shared = false, unit_sum = false, no_mixing = false, norm = false, no_uncertainty = false, no_augment = false,
         constant_lr = false;
    bool resume = false;
    std::string downsampler = "attention", export_to;
  } train;
  struct Eval {
    std::string images, labels, val_images, val_labels;
    bool only = false;  // eval
    Index classes = 11, seeds = 3, every = 1, slow_every = 8, scenes = 20;
  } eval;
  struct Page {
    bool html = false;
    std::string image, low;
  } page;
  struct Query {
    std::string image, size, crop, points;
  } query;
};

/// Each does its work, prints its summary, and returns the exit code. Errors that concern all of the work are thrown.
int run_upsample(const Options& options);
int run_features(const Options& options);
int run_show(const Options& options);
int run_info(const Options& options);
int run_eval_views(const Options& options);
int run_eval_probe(const Options& options);
int run_eval_scene(const Options& options);
int run_fit(const Options& options);
int run_query(const Options& options);
int run_train(const Options& options);

// What they share.

/// "224" or "224x336".
InputSize parse_input_size(const std::string& text);
/// "224x336"; {0,0} for an empty text.
Extent parse_extent(const std::string& option, const std::string& text);
/// "500000000", "500M", "2G".
std::size_t parse_bytes(const std::string& text);
OutputFormat parse_format(const Options& options);
Layout parse_layout(const std::string& text);

/// The folder for outputs, made if it is not there. Throws FileError.
std::string output_folder(const Options& options);
/// -o names a file, or a folder for a file of that name; a folder that is missing is made. Throws FileError.
std::string output_file(const Options& o, const std::string& name);
/// Results first of all need a place: throws before any work if one cannot be written, or both are one file.
void check_outputs(const std::string& file, const std::string& picture);
std::string with_extension(const std::string& path, const std::string& extension);
/// File name without folder and extension. Throws UsageError if two inputs would write the same file.
std::vector<std::string> output_stems(const std::vector<std::string>& inputs);

/// Folders among the inputs give way to the pictures in them; with --shard I/N, only each N-th input stays. Throws
/// UsageError if two inputs would write the same file.
void choose_inputs(Options& options);
/// Throws UsageError if one of the outputs is one of the files that the options read: results never replace inputs.
void protect_inputs(const Options& options, const std::vector<std::string>& outputs);

/// Times the stages of a command, and prints the summary at the end.
class Report {
 public:
  Report(const std::string& command, const Options& options);
  nlohmann::ordered_json& operator[](const std::string& key) { return json_[key]; }
  /// Adds the time since the last call (or the start) to a stage.
  void stage(const std::string& name);
  /// Closes the summary; prints it if --json was given.
  void print();
  double seconds() const;

 private:
  const Options& options_;
  nlohmann::ordered_json json_, stages_;
  double start_, last_;
};

/// Prints an error as the program does: one line.
void print_error(const std::string& message);

}  // namespace fu
