// All upsamplers by name: the list from which names are opened, and help, errors and tables are made.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "featup/backbones/feature_function.h"
#include "featup/upsamplers/upsampler.h"

namespace fu {

/// What open_upsampler() is given beside the name.
struct UpsamplerOptions {
  /// As the published code: all levels of a stack, guided by the photo at the backbone's own size.
  bool published = false;
  /// For methods that look at the photo many times; empty where features come from a file. It must outlive the
  /// upsampler.
  FeatureFunction backbone;
  std::uint64_t seed = 0;  // of the views
};

/// A name for how much quality is wanted, and what it opens: "best" opens "fit:0.3@100".
struct QualityPreset {
  std::string name, opens, summary;  // the summary is a few words for help
};

/// One upsampler: its file in this folder makes this entry, its line in upsamplers.def lists it.
struct UpsamplerMethod {
  std::string name;            // "views"; empty for a method that is opened by its file alone
  std::string usage;           // "views[:N][+STACK]": the name, and the argument where the method takes one
  std::string summary;         // a few words for lists
  Cost cost = Cost::one_pass;  // passes of the backbone
  std::string in_tables;       // as quality tables run it, "views:80"; empty: only where it is asked for

  std::vector<QualityPreset> qualities;  // presets that stand for this method, or none

  /// argument: the text after the name, such as ":80+builtin", or empty. Empty for a method without a name. throws
  /// UsageError or FileError.
  std::function<std::unique_ptr<Upsampler>(const std::string& argument, const UpsamplerOptions& options)> open;
  /// Whether a file of weights is for this method. Empty where files do not open it.
  std::function<bool(const Weights& file)> reads;
  /// Opens such a file. throws FileError.
  std::function<std::unique_ptr<Upsampler>(const Weights& file, const UpsamplerOptions& options)> open_file;
};

/// All methods, in the order of upsamplers.def: the first is what tables measure the others against. Then those that
/// were registered.
const std::vector<UpsamplerMethod>& upsampler_methods();

/// Adds a method of your own to the list, behind the others: open_upsampler() then opens it, and texts of choices name
/// it. A method that is already listed keeps its names and its files.
/// Not for use while another thread opens upsamplers or reads the list: register when the program or plugin starts.
/// Positions in upsampler_methods() are no longer valid afterwards. throws UsageError if it has neither a name with
/// open nor reads with open_file; if its usage does not begin with its name; if the name is taken, or has one of :+@/.
/// in it.
/// @code
/// struct Flat : Upsampler {  // every pixel is the mean of all cells
///   std::string describe() const override { return "the mean of all cells"; }
///   Cost cost() const override { return Cost::one_pass; }
///   Tensor operator()(const Tensor& x, const Guide&, Extent size, const ChannelMap* map,
///                     const Progress&) const override {
///     Tensor y = mean(mean(x, 1), 2);
///     if (map) y = linear(y, map->matrix.permute({1, 0}), map->offset);
///     return expand(y, {1, size.height, size.width, y.dim(3)});
///   }
/// };
/// UpsamplerMethod method;
/// method.name = method.usage = "flat";
/// method.open = [](const std::string&, const UpsamplerOptions&) { return std::make_unique<Flat>(); };
/// register_upsampler(method);
/// assert(open_upsampler("flat")->describe() == "the mean of all cells");
/// unregister_upsampler("flat");  // a plugin does so before it is unloaded
/// @endcode
void register_upsampler(UpsamplerMethod method);
/// Takes one that was registered off the list, by its name: for a plugin that is unloaded, because functions of the
/// entry lie in the plugin. Threads: as above. throws UsageError if none of that name was registered.
void unregister_upsampler(const std::string& name);

/// Opens a method by its name with its argument, or from a checkpoint that some method reads. throws FileError or
/// UsageError, which name the choices.
/// @code
/// const Image photo{64, 64, std::vector<unsigned char>(64 * 64 * 3, 128)};
/// const auto views = std::make_shared<const PhotoViews>(photo, false);
/// const Tensor low = open_backbone("builtin")->features(normalize(photo));      // (1,4,4,C)
/// const std::unique_ptr<Upsampler> upsampler = open_upsampler("builtin");
/// const Tensor fine = (*upsampler)(low, guide_of(views, {64, 64}), {64, 64});  // (1,64,64,C)
/// assert(fine.dim(1) == 64 && fine.dim(3) == low.dim(3));
/// @endcode
std::unique_ptr<Upsampler> open_upsampler(const std::string& name_or_path, const UpsamplerOptions& options = {});

/// The same for weights that are open already, from a file or from memory.
std::unique_ptr<Upsampler> open_upsampler(const Weights& file, const UpsamplerOptions& options = {});

/// "nearest, bilinear, ..., or a checkpoint with ...": every usage in one line, for help.
std::string upsampler_choices();
/// The name of today for a name of before, with its argument: "implicit:0.1" -> "fit:0.1". Others stay.
std::string current_upsampler_name(const std::string& name);
/// "fast (builtin, one pass), better (fit:0.3@10, ...), ...", for help.
std::string quality_choices();
/// All presets, from the cheapest.
std::vector<QualityPreset> quality_presets();
/// What a quality preset opens: "best" -> "fit:0.3@100". throws UsageError, which names the presets.
std::string upsampler_of_quality(const std::string& quality);

}  // namespace fu
