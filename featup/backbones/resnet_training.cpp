// The residual network on values that a tape records.
#include "autograd/ops.h"
#include "featup/backbones/resnet_forward.h"

namespace fu {

template Var ResNet::features(const Var& image, const Progress& progress) const;

}  // namespace fu
