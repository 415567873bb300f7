// A learned JBU stack as an upsampler.
#pragma once

#include "featup/jbu/jbu.h"
#include "featup/upsamplers/linear_upsampler.h"

namespace fu {

/// Which of a stack's levels run where a result needs fewer than there are.
enum class StackPart {
  whole,        // the first ones, on features as the backbone gives them, with the stack's filter and smoothing
  last_levels,  // the last ones alone, on a map that is already in the output space and finer than the backbone's
};

/// memory: see LinearUpsampler; with a stack that filters tokens, also some maps of twice the features' size; with one
/// that smooths, a map of four times their size.
class LearnedJbu : public LinearUpsampler {
 public:
  /// file: a checkpoint, or builtin_stack(). published: all levels, guided by the photo at the backbone's own size, as
  /// the published code runs them. throws FileError.
  LearnedJbu(const Weights& file, bool published, StackPart part = StackPart::whole);

  std::string describe() const override;
  std::string note(Index channels) const override;
  Tensor output_space(const Tensor& features) const override;

 protected:
  Source source(const Tensor& features, const Guide& guide, Extent size) const override;
  void enlarge(const Source& source, Extent size, real* out, const Progress& progress) const override;

 private:
  int levels_run(const Tensor& x, Extent size) const;

  std::string path_;
  bool carried_, published_;  // by the library; as the published code
  StackPart part_;
  JbuStack stack_;
};

}  // namespace fu
