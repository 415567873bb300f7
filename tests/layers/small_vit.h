// A transformer that is small enough for tests, and parameters in which mistakes show.
#pragma once

#include "autograd/ops.h"
#include "featup/backbones/vit.h"

namespace fu::test {

inline VitConfig small_vit() {
  VitConfig c;
  c.patch = 4, c.dim = 64, c.depth = 2, c.heads = 1, c.mlp_hidden = 96, c.grid = 3, c.prefix = 2;
  c.prefix_positions = 2, c.registers = 1, c.layer_scale = true;
  return c;
}

/// Moves every parameter off its first value: ones and zeros would hide mistakes.
inline void disturb(Module& module) {
  Random random(77);
  module.visit([&](const std::string&, Parameter& p, FileLayout) {
    p.set(p.value + unary(Unary::affine, random.normal(p.value.shape()), real(0.1)));
  });
}

}  // namespace fu::test
