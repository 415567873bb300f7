// Definition of the attention of pixels to cells, and of its gradients.
#include <vector>

#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// One pixel and the cells that it looks at.
struct Looking {
  Index pixel;
  std::vector<Index> cells;
};

std::vector<Looking> all_pixels(const CellAttentionArgs& a) {
  std::vector<Looking> all;
  for (Index r = 0; r < a.row_count; ++r)
    for (Index c = 0; c < a.col_count; ++c) {
      const CellRun &rows = a.row_runs[r], &cols = a.col_runs[c];
      std::vector<Index> cells;
      for (Index i = rows.first; i < rows.last; ++i)
        for (Index j = cols.first; j < cols.last; ++j) cells.push_back(i * a.w + j);
      for (Index i = rows.begin; i < rows.end; ++i)
        for (Index j = cols.begin; j < cols.end; ++j) all.push_back({i * a.cols + j, cells});
    }
  return all;
}

/// Rows of x, `row` apart, for the cells: (cells, c).
DoubleMatrix rows_of(const real* x, const std::vector<Index>& cells, Index row, Index c) {
  DoubleMatrix y(static_cast<Index>(cells.size()), c);
  for (Index t = 0; t < y.rows(); ++t) y.row(t) = doubles(x + cells[static_cast<std::size_t>(t)] * row, c).matrix();
  return y;
}

/// Channels and places of what head h weighs, in v and in y.
struct Values {
  Index c, in, out;
  double share;
  Values(const CellAttentionArgs& a, Index h)
      : c(a.use == HeadUse::groups ? a.c / a.heads : a.c),
        in(a.use == HeadUse::groups ? h * c
           : a.use == HeadUse::sum  ? h * a.h * a.w * a.c
                                    : 0),
        out(a.use == HeadUse::groups ? h * c : 0),
        share(a.use == HeadUse::mean ? 1 / double(a.heads) : 1) {}
};

DoubleRow weights_of(const CellAttentionArgs& a, const Looking& p, Index h) {
  const Index row = a.heads * a.head_dim;
  const DoubleMatrix k = rows_of(a.k + h * a.head_dim, p.cells, row, a.head_dim);
  const DoubleRow q = doubles(a.q + p.pixel * row + h * a.head_dim, a.head_dim);
  return softmax_of((double(a.scale) * (k * q.matrix().transpose())).transpose().array());
}

}  // namespace

Index cell_attention_scratch_ref(const CellAttentionArgs&) { return 0; }

void cell_attention_ref(const CellAttentionArgs& a) {
  for (const Looking& p : all_pixels(a)) {
    DoubleRow y = DoubleRow::Zero(a.c);
    for (Index h = 0; h < a.heads; ++h) {
      const Values v(a, h);
      const DoubleRow weights = v.share * weights_of(a, p, h);
      y.segment(v.out, v.c) += (weights.matrix() * rows_of(a.v + v.in, p.cells, a.c, v.c)).array();
    }
    write_row(y, a.y + p.pixel * a.c);
  }
}

Index cell_attention_backward_scratch_ref(const CellAttentionArgs&) { return 0; }

void cell_attention_backward_ref(const CellAttentionArgs& a) {
  const Index row = a.heads * a.head_dim, cells = a.h * a.w, maps = a.use == HeadUse::sum ? a.heads : 1;
  DoubleRow dk = DoubleRow::Zero(cells * row), dv = DoubleRow::Zero(maps * cells * a.c);
  for (const Looking& p : all_pixels(a)) {
    DoubleRow dq = DoubleRow::Zero(row);
    for (Index h = 0; h < a.heads; ++h) {
      const Values v(a, h);
      const Index d = a.head_dim;
      const DoubleRow weights = weights_of(a, p, h), dy = doubles(a.dy + p.pixel * a.c + v.out, v.c),
                      q = doubles(a.q + p.pixel * row + h * d, d);
      const DoubleRow dw = v.share * (dy.matrix() * rows_of(a.v + v.in, p.cells, a.c, v.c).transpose()).array();
      const DoubleRow ds = double(a.scale) * weights * (dw - (weights * dw).sum());
      dq.segment(h * d, d) += (ds.matrix() * rows_of(a.k + h * d, p.cells, row, d)).array();
      for (Index t = 0; t < weights.size(); ++t) {
        const Index cell = p.cells[static_cast<std::size_t>(t)];
        dk.segment(cell * row + h * d, d) += ds[t] * q;
        dv.segment(v.in + cell * a.c, v.c) += v.share * weights[t] * dy;
      }
    }
    if (a.dq) write_row(dq, a.dq + p.pixel * row);
  }
  if (a.dk) write_row(dk, a.dk);
  if (a.dv) write_row(dv, a.dv);
}

}  // namespace fu
