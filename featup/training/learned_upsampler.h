// An upsampler under training: what the trainer and its losses ask of a network, whatever kind it is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "featup/photo/preprocess.h"
#include "layers/module.h"

namespace fu {

/// Linear forms of features: x (1,h,w,C) times the rows (K,C) gives K channels; `squared`: x and rows are squared
/// first. Both may be on a tape.
struct LinearForms {
  Var x, rows;           // (1,h,w,C) and (K,C)
  bool squared = false;  // both are squared first
  /// (1,h,w,K)
  Var values() const { return squared ? linear(square(x), square(rows), Tensor()) : linear(x, rows, Tensor()); }
};

/// An upsampler that is linear in the features it enlarges: kernels or weights come from the photo (and from the
/// features as constants). So linear maps over channels may be applied before it, and a loss on few of them costs few.
class LearnedUpsampler {
 public:
  virtual ~LearnedUpsampler() = default;
  LearnedUpsampler() = default;
  LearnedUpsampler(const LearnedUpsampler&) = delete;
  LearnedUpsampler& operator=(const LearnedUpsampler&) = delete;

  /// The parameters.
  virtual Module& module() = 0;
  /// Size of the map of h x w features.
  virtual Extent map_size(Index h, Index w) const = 0;

  /// What is enlarged in place of the features (1,h,w,C): a filter that is not learned. Called while dropout is off.
  /// Default: the features.
  virtual Tensor source(const Tensor& features, const Tensor& image) const;
  /// A learned map over channels that comes before all others: x (1,h,w,C) -> same. Default: x.
  virtual Var mixed(const Var& x) const;
  /// What that map adds to every pixel of the result, (C); of size 0: nothing. It is not part of enlarge()'s results.
  virtual Var constant() const;

  /// The forms, enlarged, one after another: (1,H,W,K of all). features (1,h,w,C): of the backbone; keys are made of
  /// them. image (1,.,.,3), normalised, of any size.
  virtual Var enlarge(const std::vector<LinearForms>& forms, const Tensor& features, const Tensor& image) const = 0;
  /// All channels of x (1,h,w,C), enlarged: (1,H,W,C).
  virtual Var enlarge_all(const Var& x, const Tensor& features, const Tensor& image) const = 0;

  /// The whole upsampler as it is now, in inference: features (1,h,w,C) -> (1,H,W,C).
  virtual Tensor map(const Tensor& features, const Tensor& image) const = 0;
  /// Adds the tensors of a file that open_upsampler() reads, by their published names.
  virtual void export_to(std::map<std::string, Tensor>& tensors) = 0;
  /// Takes its values from a file of the same kind. throws FileError naming what does not fit.
  virtual void read(const Weights& file) = 0;
};

}  // namespace fu
