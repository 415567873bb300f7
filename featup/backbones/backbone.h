// A backbone turns a photo into a coarse grid of feature vectors.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/tensor.h"
#include "featup/fields.h"

namespace fu {

class Backbone {
 public:
  virtual ~Backbone() = default;
  /// For people: "DINO or DeiT transformer, 12 blocks of width 192, patch 16".
  virtual std::string describe() const = 0;
  /// Side of one cell of the grid, in pixels of the image.
  virtual Index patch() const = 0;
  virtual Index channels() const = 0;
  /// image (B,H,W,3), normalised, H and W multiples of patch()  ->  (B,H/patch,W/patch,channels). Records nothing on a
  /// tape. throws ShapeError for other sizes.
  virtual Tensor features(const Tensor& image, const Progress& progress = {}) const = 0;
};

/// How a backbone is used, where its file leaves a choice.
struct BackboneOptions {
  std::string feature = "token";  // which of its outputs: see BackboneFamily::features
};

/// Every feature that some family has, for help.
std::vector<std::string> backbone_features();

template <class Options, class Visitor, FieldsOf<BackboneOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.feature, FieldInfo("feature", "what a transformer gives: normalised tokens, or the keys of its last block")
                       .one_of(backbone_features()));
}

/// Opens the backbone that the library carries under that name ("builtin"), or else the one in that file: weights of
/// any family in families.def, or a FeatUp checkpoint that holds its backbone. throws FileError if there is neither
/// such a name nor such a file, or if no family knows the file; UsageError if the family has no such feature.
std::unique_ptr<Backbone> open_backbone(const std::string& name_or_path, const BackboneOptions& options = {});

}  // namespace fu
