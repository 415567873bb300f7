// y = R x with R a rotation for each token, so dx = R^T dy: the same turn in the other direction.
#include "autograd/gradient_cases.h"

namespace fu {

Var rotary_embedding(const Var& x, const RotaryAngles& angles, Index heads) {
  return record("rotary_embedding", {x}, rotary_embedding(x.value, angles, heads),
                [angles, heads](const Gradient& g) { g.add(0, rotary_embedding_backward(g.dy, angles, heads)); });
}

void gradient_cases_rotary_embedding(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Index batch, tokens, heads, dim, rest;
  };
  for (const Case& c : {Case{2, 5, 2, 6, 3}, Case{1, 1, 1, 2, 0}, Case{1, 7, 3, 4, 12}, Case{0, 4, 1, 2, 1}}) {
    const RotaryAngles angles{cases.normal({c.tokens, c.dim / 2}), cases.normal({c.tokens, c.dim / 2})};
    cases.add(std::to_string(c.tokens) + " tokens", {cases.normal({c.batch, c.tokens, c.heads * c.dim + c.rest})},
              [angles, heads = c.heads](In x) { return rotary_embedding(x[0], angles, heads); });
  }
}

}  // namespace fu
