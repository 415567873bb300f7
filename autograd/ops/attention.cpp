// y = softmax(q k^T / sqrt(d)) v for each head. Nothing but the inputs is saved: scores are computed again, a block of
// queries at a time, so memory grows linearly with the tokens (core/kernels/attention.cpp has the formulas).
#include <cmath>

#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var attention(const Var& qkv, Index heads) {
  return record("attention", {qkv}, attention(qkv.value, heads), [qkv = qkv.value, heads](const Gradient& g) {
    AttentionArgs args;
    args.batch = qkv.dim(0), args.tokens = qkv.dim(1), args.heads = heads, args.head_dim = qkv.dim(2) / 3 / heads;
    args.scale = static_cast<real>(1 / std::sqrt(static_cast<double>(args.head_dim)));
    Tensor dqkv(qkv.shape()), scratch({kernels().attention_backward_scratch(args) + 1});
    args.qkv = qkv.data(), args.dy = g.dy.data(), args.dqkv = dqkv.data(), args.scratch = scratch.data();
    kernels().attention_backward(args);
    g.add(0, std::move(dqkv));
  });
}

void gradient_cases_attention(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    Index batch, tokens, heads, dim;
  };
  for (const Case& c : {Case{2, 5, 2, 4}, Case{1, 1, 1, 3}, Case{1, 50, 3, 8}, Case{2, 17, 1, 33}, Case{0, 4, 1, 2}})
    cases.add(std::to_string(c.tokens) + " tokens", {cases.normal({c.batch, c.tokens, 3 * c.heads * c.dim})},
              [heads = c.heads](In x) { return attention(x[0], heads); });
}

}  // namespace fu
