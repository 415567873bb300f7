// The residual network on values that a tape records.
#include "autograd/ops.h"
#include "featup/backbones/resnet_forward.h"

namespace fu {

template Var ResNet::map(const Var& image, std::size_t layers, const Progress& progress) const;
template Var ResNet::features(const Var& image, const Progress& progress) const;

}  // namespace fu
