// ConvNeXt on tensors. A program that calls only this one links no tape.
#include "featup/backbones/convnext_forward.h"

namespace fu {

template Tensor ConvNext::map(const Tensor& image, std::size_t stages, const Progress& progress) const;
template Tensor ConvNext::features(const Tensor& image, const Progress& progress) const;
template Tensor ConvNext::pooled(const Tensor& image, const Progress& progress) const;

}  // namespace fu
