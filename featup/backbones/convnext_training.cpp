// ConvNeXt on values that a tape records.
#include "autograd/ops.h"
#include "featup/backbones/convnext_forward.h"

namespace fu {

template Var ConvNext::features(const Var& image, const Progress& progress) const;

}  // namespace fu
