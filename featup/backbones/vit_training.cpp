// The transformer on values that a tape records.
#include "autograd/checkpoint.h"
#include "autograd/ops.h"
#include "featup/backbones/vit_forward.h"

namespace fu {

template <>
Var Vit::run(const TransformerBlock& block, Var x, const RotaryAngles* angles) const {
  if (!checkpoints_) return block(std::move(x), angles);
  // By value: they must be there during backward.
  const RotaryAngles turned = angles ? *angles : RotaryAngles();
  const bool rotates = angles != nullptr;
  return checkpoint([&block, turned, rotates](const auto& in) { return block(in[0], rotates ? &turned : nullptr); },
                    {x});
}

template Var Vit::features(const Var& image, VitFeature feature, Index layer, const Progress& progress) const;
template Var Vit::tokens(const Var& image, Index blocks, const Progress& progress) const;

}  // namespace fu
