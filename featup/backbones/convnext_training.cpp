// ConvNeXt on values that a tape records.
#include "autograd/ops.h"
#include "featup/backbones/convnext_forward.h"

namespace fu {

template Var ConvNext::map(const Var& image, std::size_t stages, const Progress& progress) const;
template Var ConvNext::features(const Var& image, const Progress& progress) const;
template Var ConvNext::pooled(const Var& image, const Progress& progress) const;

}  // namespace fu
