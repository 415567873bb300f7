// ConvNeXt on tensors. A program that calls only this one links no tape.
#include "featup/backbones/convnext_forward.h"

namespace fu {

template Tensor ConvNext::features(const Tensor& image, const Progress& progress) const;

}  // namespace fu
