// Attention of pixels to cells. Nothing but the inputs is saved: the weights are computed again for each run of pixels
// (core/kernels/cell_attention_backward.cpp has the formulas).
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var cell_attention(const Var& q, const Var& k, const Var& v, const CellWindows& windows, Index heads, HeadUse use) {
  return record("cell_attention", {q, k, v}, cell_attention(q.value, k.value, v.value, windows, heads, use),
                [q = q.value, k = k.value, v = v.value, windows, heads, use](const Gradient& g) {
                  CellAttentionArgs args = cell_attention_args(q, k, v, windows, heads, use);
                  const Tensor* inputs[] = {&q, &k, &v};
                  real** const targets[] = {&args.dq, &args.dk, &args.dv};
                  Tensor gradients[3];
                  for (int i = 0; i < 3; ++i)
                    if (g.wants(i)) *targets[i] = (gradients[i] = Tensor(inputs[i]->shape())).data();
                  Tensor scratch({kernels().cell_attention_backward_scratch(args) + 1});
                  args.dy = g.dy.data(), args.scratch = scratch.data();
                  kernels().cell_attention_backward(args);
                  for (int i = 0; i < 3; ++i)
                    if (g.wants(i)) g.add(i, std::move(gradients[i]));
                });
}

void gradient_cases_cell_attention(GradientCases& cases) {
  using In = const std::vector<Var>&;
  struct Case {
    const char* name;
    CellWindows windows;
    Index heads, dim, channels;
    HeadUse use;
  };
  for (const Case& c : {Case{"all cells", all_cells(5, 7, 3, 4), 2, 4, 5, HeadUse::mean},
                        Case{"within", cells_within(9, 12, 4, 5, 0.1f), 2, 3, 3, HeadUse::mean},
                        Case{"nearest", nearest_cells(6, 10, 5, 3, 3), 2, 4, 6, HeadUse::groups},
                        Case{"summed", nearest_cells(4, 4, 2, 2, 3), 3, 2, 4, HeadUse::sum},
                        Case{"wide", all_cells(1, 60, 1, 40), 1, 2, 2, HeadUse::mean}}) {
    const Index width = c.heads * c.dim, maps = c.use == HeadUse::sum ? c.heads : 1;
    const CellWindows& w = c.windows;
    cases.add(c.name,
              {cases.normal({1, w.height, w.width, width}), cases.normal({1, w.h, w.w, width}),
               cases.normal({maps, w.h, w.w, c.channels})},
              [w, heads = c.heads, use = c.use](In x) { return cell_attention(x[0], x[1], x[2], w, heads, use); });
  }
}

}  // namespace fu
