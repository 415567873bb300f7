#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct AttentionSize {
  Index batch, tokens, heads, head_dim;
  Index values() const { return batch * tokens * heads * head_dim; }
  std::string name() const {
    return label({{"batch", batch}, {"tokens", tokens}, {"heads", heads}, {"head_dim", head_dim}});
  }
};
// Tokens around a vector and around a block of queries (48); heads deeper than one block of a matrix product (384).
const AttentionSize kAttentions[] = {{2, 0, 3, 20},  {2, 1, 3, 20},   {1, 3, 1, 1},   {1, 4, 2, 5},   {1, 7, 2, 4},
                                     {1, 8, 1, 8},   {2, 9, 3, 7},    {1, 15, 1, 16}, {1, 16, 2, 17}, {1, 17, 1, 33},
                                     {2, 50, 3, 20}, {1, 421, 2, 20}, {1, 9, 1, 400}};

AttentionArgs arguments(const AttentionSize& s, const Tensor& qkv) {
  AttentionArgs a;
  a.batch = s.batch, a.tokens = s.tokens, a.heads = s.heads, a.head_dim = s.head_dim;
  a.scale = static_cast<real>(1 / std::sqrt(static_cast<double>(s.head_dim)));
  a.qkv = qkv.data();
  return a;
}

}  // namespace

void kernel_cases_attention(KernelCases& cases) {
  for (const AttentionSize& s : kAttentions) {
    const Tensor qkv = cases.random.normal({3 * s.values()});
    const auto run = [=](const Kernels& k) {
      AttentionArgs a = arguments(s, qkv);
      Tensor y = outputs(s.values()), scratch = scratch_of(k.attention_scratch(a));
      a.y = y.data(), a.scratch = scratch.data();
      k.attention(a);
      return y;
    };
    cases.add(s.name(), run, 4e-6);
  }
}

void kernel_cases_attention_backward(KernelCases& cases) {
  for (const AttentionSize& s : kAttentions) {
    const Tensor qkv = cases.random.normal({3 * s.values()}), dy = cases.random.normal({s.values()});
    const auto run = [=](const Kernels& k) {
      AttentionArgs a = arguments(s, qkv);
      Tensor dqkv = outputs(3 * s.values()), scratch = scratch_of(k.attention_backward_scratch(a));
      a.dy = dy.data(), a.dqkv = dqkv.data(), a.scratch = scratch.data();
      k.attention_backward(a);
      return dqkv;
    };
    cases.add(s.name(), run, 1e-5);
  }
}

}  // namespace fu::test
