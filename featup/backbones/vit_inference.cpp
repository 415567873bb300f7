// The transformer on tensors. A program that calls only this one links no tape.
#include "featup/backbones/vit_forward.h"

namespace fu {

template <>
Tensor Vit::run(const TransformerBlock& block, Tensor x, const RotaryAngles* angles) const {
  return block(std::move(x), angles);
}

template Tensor Vit::features(const Tensor& image, VitFeature feature, Index layer, const Progress& progress) const;
template Tensor Vit::tokens(const Tensor& image, Index blocks, const Progress& progress) const;

}  // namespace fu
