// The transformer on values that a tape records.
#include "autograd/ops.h"
#include "featup/backbones/vit_forward.h"

namespace fu {

template Var Vit::features(const Var& image, VitFeature feature, Index layer, const Progress& progress) const;
template Var Vit::tokens(const Var& image, Index blocks, const Progress& progress) const;

}  // namespace fu
