// Groups of options that several commands share. Each is a small struct: its fields hold what the command line said,
// add() adds the options to a command. A command's own options stand in its own file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/backbones/backbone.h"
#include "tools/cli/command.h"
#include "tools/cli/field_options.h"
#include "tools/media/feature_io.h"

namespace fu {

/// What every command that does some work takes.
struct CommonArgs {
  int threads = 0;  // 0: all cores
  std::uint64_t seed = 0;
  std::string max_memory;  // as given: "2G"
  bool quiet = false, json = false;

  void add(Command& app);
  /// Sets the number of threads and the memory limit, and chooses the kernels: an unknown FU_ISA is told before any
  /// work. throws UsageError.
  void apply() const;
  /// Whether the summary in words is printed.
  bool prints_text() const { return !quiet && !json; }
};

struct BackboneArgs {
  std::string name = "builtin";  // or a file
  FieldOptions fields;           // of BackboneOptions

  void add(Command& app);
  BackboneOptions options() const;
  /// A backbone whose grid can be upsampled. throws FileError; UsageError for features of another kind: of the class
  /// token alone, or attention.
  std::unique_ptr<Backbone> open() const;
  /// A backbone with any feature.
  std::unique_ptr<Backbone> open_any() const { return open_backbone(name, options()); }
};

/// Where the low-resolution features come from: a backbone, or a file.
struct FeatureArgs {
  BackboneArgs backbone;
  std::string features;  // the file; empty: the backbone
  std::string features_layout = "auto";
  std::string size = "224";  // at the backbone, as given
  Index tile = 0;            // side of the windows that the backbone sees, pixels; 0: the whole photo at once

  Option size_option;  // knows whether it was given

  void add(Command& app);
  /// The size at the backbone: as given; else, if there are windows, the photo's own.
  std::string wanted_size() const;
  static void add_layout(Command& app, std::string& layout, const std::string& help);
  static Option add_size(Command& app, std::string& size);
};

/// Which method brings features to the photo's size.
struct UpsamplerArgs {
  std::string name = "builtin", quality;

  void add(Command& app);
  /// The name, or what the quality stands for.
  std::string method() const;
};

/// A linear map over channels.
struct ProjectionArgs {
  std::string project;  // file of a matrix
  Index pca = 0;        // components; 0: none

  void add(Command& app);
};

/// How results are written.
struct FormatArgs {
  std::string format = "npy", dtype = "f32", layout = "hwc";

  void add(Command& app);
  static void add_dtype(Command& app, std::string& dtype, const std::string& help);
  OutputFormat parsed() const;
  const char* extension() const { return format == "safetensors" ? ".safetensors" : ".npy"; }
};

/// Inputs of a run, and what their results are called.
struct ChosenInputs {
  std::vector<std::string> paths;
  std::vector<std::string> names;  // without ending; of pictures in a folder that was given, their path in it
  std::string left_out;            // of the folders, in words; empty: nothing
};

/// Many inputs: which of them are this run's.
struct ShardArgs {
  std::string shard;  // "I/N"
  bool skip_finished = false;

  void add(Command& app);
  /// Folders give way to the pictures in them; with a shard I/N, only each N-th input stays. throws FileError for a
  /// folder without pictures, UsageError if two inputs would write the same file or the shard is none.
  ChosenInputs choose(const std::vector<std::string>& inputs) const;
  /// Whether inputs whose results are there already are left out.
  bool skips() const { return skip_finished || !shard.empty(); }
};

/// "published": as the published code does it.
struct CompatArgs {
  std::string compat;

  void add(Command& app, const std::string& help);
  bool published() const { return compat == "published"; }
};

}  // namespace fu
