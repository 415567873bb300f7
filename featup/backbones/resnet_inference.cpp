// The residual network on tensors. A program that calls only this one links no tape.
#include "featup/backbones/resnet_forward.h"

namespace fu {

template Tensor ResNet::map(const Tensor& image, std::size_t layers, const Progress& progress) const;
template Tensor ResNet::features(const Tensor& image, const Progress& progress) const;

}  // namespace fu
