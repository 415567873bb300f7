// A backbone turns a photo into a coarse grid of feature vectors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "core/progress.h"
#include "core/tensor.h"
#include "featup/fields.h"

namespace fu {

/// Something that a file's tensors do not tell: what was taken, and from where.
struct BackboneSetting {
  std::string name, value, source;  // "heads", "12", "config.json"
};

/// "heads 12 (config.json), activation quick (option)"
std::string settings_text(const std::vector<BackboneSetting>& settings);

/// A network with its weights, ready for any number of photos. Calls do not change it, so any number of threads may use
/// one.
class Backbone {
 public:
  virtual ~Backbone() = default;
  /// For people: "DINOv2 ViT-S/14, 12 blocks of width 384, patch 14".
  virtual std::string describe() const = 0;
  /// What was taken where the tensors leave it open.
  virtual std::vector<BackboneSetting> settings() const { return {}; }
  /// The feature that it gives: "token".
  virtual std::string feature() const { return "token"; }
  /// Whether that is one vector of the whole image, not a grid.
  virtual bool whole_image() const { return false; }
  /// Side of one cell of the grid, in pixels of the image.
  virtual Index patch() const = 0;
  /// Length of a feature vector.
  virtual Index channels() const = 0;
  /// image (B,H,W,3), H and W multiples of patch()  ->  (B,H/patch,W/patch,channels); (B,1,1,channels) for a feature of
  /// the whole image. The image is normalised by ImageNet's numbers, as normalize() does; a backbone that wants others
  /// converts it. Records nothing on a tape. throws ShapeError for other sizes.
  virtual Tensor features(const Tensor& image, const Progress& progress = {}) const = 0;
  /// All tokens behind the first `layer` blocks, before the final norm, (B,N,C), or the map behind a stage; 0: what the
  /// first block is given. For comparing with the original code. throws UsageError if it has no such thing.
  virtual Tensor hidden_state(const Tensor& image, Index layer) const;
  /// What transformers calls last_hidden_state: all tokens at the end, (B,N,C). For comparing with it. throws
  /// UsageError.
  virtual Tensor last_hidden_state(const Tensor& image) const;
};

/// How a backbone is used, where its file leaves a choice.
struct BackboneOptions {
  std::string feature = "auto";     // which of its outputs: see BackboneFamily::features; auto: the family's first
  Index layer = 0;                  // the block or stage whose output it is, from 1; 0: the last
  Index heads = 0;                  // of attention; 0: by the files beside the weights, or by the width
  std::string activation = "auto";  // of a transformer's MLP
  double norm_eps = 0;              // 0: by the files, or the family's
  std::string positions = "auto";   // how position embeddings are resized
  // Of the photo at the backbone: "0.485,0.456,0.406"; empty: by the files, or the family's.
  std::string mean = {}, std = {};
  std::string precision = "auto";  // of its layers' weights in memory; auto: as a converted file has them, else f32
};

/// Every feature that some family has, for help.
std::vector<std::string> backbone_features();

/// Every option with its name, range and help: see featup/fields.h.
template <class Options, class Visitor, FieldsOf<BackboneOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.feature, FieldInfo("feature", "what the backbone gives; auto: what is usual in its family (tokens)")
                       .one_of(backbone_features()));
  field(o.layer, FieldInfo("layer", "take it from this block or stage, counted from 1; 0: the last")
                     .range(0, 1000)
                     .left_out_by_default());
  field(o.heads, FieldInfo("heads", "attention heads of a transformer; 0: by the files, or by the width")
                     .range(0, 1000)
                     .left_out_by_default());
  field(o.activation, FieldInfo("act", "activation of a transformer's MLP: GELU by erf, by tanh, or x sigmoid(1.702 x)")
                          .one_of({"auto", "erf", "gelu", "tanh", "quick"})
                          .left_out_by_default());
  field(o.norm_eps, FieldInfo("eps", "added to variances in layer norms; 0: by the files, or as usual")
                        .range(0, 1)
                        .left_out_by_default());
  field(o.positions, FieldInfo("positions",
                               "how position embeddings are resized: with an offset of 0.1, to a size, or "
                               "antialiased")
                         .one_of({"auto", "dino", "size", "aa"})
                         .left_out_by_default());
  field(o.mean, FieldInfo("mean", "mean of red, green and blue, like 0.485,0.456,0.406").left_out_by_default());
  field(o.std,
        FieldInfo("std", "standard deviation of red, green and blue, like 0.229,0.224,0.225").left_out_by_default());
  field(o.precision, FieldInfo("precision",
                               "what the layers' weights are kept in: 32 bits a number, 16 (half the memory), or 8 (a "
                               "quarter, and faster); auto: as a converted file has them, else f32")
                         .one_of({"auto", "f32", "f16", "bf16", "int8"})
                         .left_out_by_default());
}

/// Opens the backbone that the library carries under that name ("builtin"), or else the one in that file or folder:
/// weights of any family in families.def, a folder as Hugging Face gives it, or a FeatUp checkpoint that holds its
/// backbone. Every tensor of the network is accounted for. throws FileError if there is neither such a name nor such a
/// file, if no family knows the file, or if it has a tensor that no layer uses; UsageError for an option that the
/// family does not have.
/// @code
/// const std::unique_ptr<Backbone> backbone = open_backbone("builtin");  // or a file of weights
/// const Image photo{64, 96, std::vector<unsigned char>(64 * 96 * 3, 128)};
/// const Tensor low = backbone->features(normalize(photo));              // cells of 16 pixels: (1,4,6,C)
/// assert(low.dim(1) == 64 / backbone->patch() && low.dim(3) == backbone->channels());
/// @endcode
std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, const BackboneOptions& options = {});
/// The same for weights that are open already, from a file or from memory.
std::unique_ptr<Backbone> open_backbone(const Weights& weights, const BackboneOptions& options = {});
/// The weights that open_backbone() opens by that name or path. throws FileError.
Weights backbone_weights(const std::string& name_or_path);

}  // namespace fu
