#include "core/ops/cell_attention.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct CellAttentionSize {
  const char* name;
  CellWindows windows;
  Index heads, head_dim, c;
  HeadUse use;

  Index maps() const { return use == HeadUse::sum ? heads : 1; }
};

std::vector<CellAttentionSize> attention_sizes() {
  return {{"one cell", all_cells(3, 2, 1, 1), 1, 1, 1, HeadUse::mean},
          {"all cells", all_cells(11, 60, 5, 9), 2, 5, 33, HeadUse::mean},
          {"within", cells_within(33, 50, 7, 6, 0.1f), 4, 32, 40, HeadUse::mean},
          {"groups", nearest_cells(20, 30, 10, 12, 9), 4, 16, 68, HeadUse::groups},
          {"summed", nearest_cells(16, 8, 4, 4, 3), 3, 4, 3, HeadUse::sum},
          {"more cells than a block of depth", all_cells(9, 2, 20, 21), 2, 8, 5, HeadUse::mean},
          {"a cell a pixel", cells_within(7, 9, 7, 9, 0.1f), 2, 4, 16, HeadUse::mean}};
}

struct AttentionTensors {
  Tensor q, k, v, dy;
  AttentionTensors(Random& random, const CellAttentionSize& s)
      : q(random.normal({1, s.windows.height, s.windows.width, s.heads * s.head_dim})),
        k(random.normal({1, s.windows.h, s.windows.w, s.heads * s.head_dim})),
        v(random.normal({s.maps(), s.windows.h, s.windows.w, s.c})),
        dy(random.normal({1, s.windows.height, s.windows.width, s.c})) {}
};

}  // namespace

void kernel_cases_cell_attention(KernelCases& cases) {
  for (const CellAttentionSize& s : attention_sizes()) {
    const AttentionTensors t(cases.random, s);
    cases.add(
        s.name,
        [=](const Kernels& k) {
          CellAttentionArgs a = cell_attention_args(t.q, t.k, t.v, s.windows, s.heads, s.use);
          Tensor y = outputs(t.dy.size()), scratch = scratch_of(k.cell_attention_scratch(a));
          a.y = y.data(), a.scratch = scratch.data();
          k.cell_attention(a);
          return y;
        },
        1e-5);
  }
}

void kernel_cases_cell_attention_backward(KernelCases& cases) {
  for (const CellAttentionSize& s : attention_sizes()) {
    const AttentionTensors t(cases.random, s);
    cases.add(
        s.name,
        [=](const Kernels& k) {
          CellAttentionArgs a = cell_attention_args(t.q, t.k, t.v, s.windows, s.heads, s.use);
          Tensor dq = outputs(t.q.size()), dk = outputs(t.k.size()), dv = outputs(t.v.size()),
                 alone = outputs(t.v.size());
          a.dy = t.dy.data(), a.dq = dq.data(), a.dk = dk.data(), a.dv = dv.data();
          Tensor scratch = scratch_of(k.cell_attention_backward_scratch(a));
          a.scratch = scratch.data();
          k.cell_attention_backward(a);
          a.dq = a.dk = nullptr, a.dv = alone.data();
          Tensor less = scratch_of(k.cell_attention_backward_scratch(a));
          a.scratch = less.data();
          k.cell_attention_backward(a);
          return joined({dq, dk, dv, alone});
        },
        2e-5);
  }
}

}  // namespace fu::test
