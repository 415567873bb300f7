// The transformer on tensors. A program that calls only this one links no tape.
#include "featup/backbones/vit_forward.h"

namespace fu {

template Tensor Vit::features(const Tensor& image, VitFeature feature, const Progress& progress) const;

}  // namespace fu
