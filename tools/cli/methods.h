// The methods that a quality table compares: those of the registry, and others that the user names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "featup/upsamplers/registry.h"
#include "tools/cli/arguments.h"

namespace fu {

/// Options of all `eval` commands.
struct EvalArgs {
  std::vector<std::string> more;  // methods beside those that every table has
  bool only = false;
  std::string output;

  void add(Command& app);
  /// Those that choose the methods alone, for a command with another kind of output.
  void add_methods(Command& app);
};

/// A method of a table, opened.
struct Method {
  std::string name;  // as --upsampler takes it, or folder:DIR
  std::unique_ptr<Upsampler> upsampler;

  Cost cost() const { return upsampler->cost(); }
};

/// Opens the methods of a table: the ones that all tables have (the first is what the others are measured against), or
/// with `only` just the first; then those that the user names, each once. folder:DIR reads the feature map of each
/// photo from DIR/PHOTO.npy or .safetensors, and enlarges it bilinearly if it has fewer pixels than the result.
///   photo: name of the photo at hand, without folder and ending. It may change between uses, and must outlive the
///   methods.
/// throws FileError or UsageError, which name the choices.
std::vector<Method> open_methods(const EvalArgs& args, const UpsamplerOptions& options, const std::string& photo);

/// throws FileError if a folder lacks the map of a photo that it will be asked for.
void require_maps(const std::vector<Method>& methods, const std::vector<std::string>& photos);

/// The rows of a table, in their order: methods by their cost. Those of many passes saw only each `slow_every`-th
/// photo, so before them stands the first method on the same photos, as "NAME, there".
struct TableRow {
  std::string name;
  std::size_t method;    // in the list
  bool on_some = false;  // the first method once more
};
std::vector<TableRow> table_rows(const std::vector<Method>& methods, Index slow_every);

/// Whether a method prepares features, so that its results cannot be compared with those of others channel by channel
/// (see Upsampler::output_space).
bool has_own_space(const Upsampler& upsampler, const Tensor& features);

/// The longest of the names, for columns; at least 8.
std::size_t name_width(const std::vector<Method>& methods);

}  // namespace fu
