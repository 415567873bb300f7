// Gradients of the attention to cells. With W the weights of a head, Y = W V and S = scale Q K^T:
//   dV = W^T dY,  dW = dY V^T,  dS = scale W (dW - rowsum(W dW)),  dQ = dS K,  dK = dS^T Q
// A head's share of a mean of `heads` is dW / heads, and dV takes the mean of the weights.
#include "core/kernels/cell_attention.h"
#include "core/kernels/declare.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

/// Many pixels add to one cell. Rectangles are dealt to at most this many parts with sums of their own, which are added
/// in order; the number does not depend on the threads.
constexpr Index kParts = 8;

struct BackwardLayout {
  CellLayout forward;
  Index parts, part, key_sums, value_sums, per_worker;
  explicit BackwardLayout(const CellAttentionArgs& a) : forward(a) {
    const Index blocks = a.row_count * a.col_count;
    part = imax(1, ceil_div(blocks, kParts));
    parts = ceil_div(blocks, part);
    key_sums = a.dk ? a.h * a.w * a.heads * a.head_dim : 0;
    value_sums = a.dv ? a.h * a.w * a.c * (a.use == HeadUse::sum ? a.heads : 1) : 0;
    per_worker = round_up(forward.keys, 16) + forward.rows + 2 * forward.weights;
  }
};

real dot(const real* a, const real* b, Index n) {
  Vec total{};
  for (Index i = 0; i < n; i += kLanes) total += load_n(a + i, n - i) * load_n(b + i, n - i);
  return hsum(total);
}
void add_scaled(real factor, const real* x, Index n, real* y) {
  for (Index i = 0; i < n; i += kLanes) store_n(y + i, load_n(y + i, n - i) + factor * load_n(x + i, n - i), n - i);
}

/// Gradients of one head for a run of pixels that begins at `pixel`, from its weights.
struct HeadGradient {
  const CellAttentionArgs& a;
  const HeadValues& values;
  const CellBlock& block;
  real *key_sums, *value_sums;

  void run(Index head, Index pixel, Index pixels, const real* weights, real* slopes) const {
    const Index q_row = a.heads * a.head_dim, own = a.use == HeadUse::mean ? 0 : head;
    const real share = a.use == HeadUse::mean ? 1 / static_cast<real>(a.heads) : 1;
    for (Index i = 0; i < pixels; ++i) {
      const real* dy = a.dy + (pixel + i) * a.c + own * values.step_out;
      const Index at = (pixel + i) * q_row + head * a.head_dim;
      real along = 0;
      block.each([&](Index t, Index cell) {
        const real weight = weights[weight_at(i, t)];
        const Index value = own * values.step_in + cell * a.c;
        slopes[weight_at(i, t)] = share * dot(dy, a.v + value, values.c);
        along += weight * slopes[weight_at(i, t)];
        if (value_sums) add_scaled(share * weight, dy, values.c, value_sums + value);
      });
      block.each([&](Index t, Index cell) {
        const real ds = a.scale * weights[weight_at(i, t)] * (slopes[weight_at(i, t)] - along);
        const Index key = cell * q_row + head * a.head_dim;
        if (a.dq) add_scaled(ds, a.k + key, a.head_dim, a.dq + at);
        if (key_sums) add_scaled(ds, a.q + at, a.head_dim, key_sums + key);
      });
    }
  }
};

void add_parts(const real* parts, Index count, Index step, Index n, real* out) {
  if (!out) return;
  parallel_ranges(n, 1 << 12, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      real total = 0;
      for (Index part = 0; part < count; ++part) total += parts[part * step + i];
      out[i] = total;
    }
  });
}

}  // namespace

Index cell_attention_backward_scratch(const CellAttentionArgs& a) {
  const BackwardLayout at(a);
  return at.parts * (at.key_sums + at.value_sums) + at.per_worker * a.workers;
}

void cell_attention_backward(const CellAttentionArgs& a) {
  const BackwardLayout at(a);
  const HeadValues values(a);
  const Index q_row = a.heads * a.head_dim, sums = at.key_sums + at.value_sums;
  parallel_for(at.parts, a.workers, [&](Index part, int worker) {
    real *key_sums = a.scratch + part * sums, *value_sums = key_sums + at.key_sums;
    for (Index i = 0; i < sums; ++i) key_sums[i] = 0;
    real* keys = a.scratch + at.parts * sums + worker * at.per_worker;
    real *rows = keys + round_up(at.forward.keys, 16), *weights = rows + at.forward.rows,
         *slopes = weights + at.forward.weights;
    for (Index task = part * at.part; task < imin((part + 1) * at.part, a.row_count * a.col_count); ++task) {
      const CellBlock block(a.row_runs[task / a.col_count], a.col_runs[task % a.col_count], a.w);
      const Index key_size = ceil_div(block.n, kMicroCols) * kMicroCols * a.head_dim;
      const HeadGradient gradient{a, values, block, a.dk ? key_sums : nullptr, a.dv ? value_sums : nullptr};
      pack_cells(a.k, block, a.heads, a.head_dim, keys);
      for (Index i = block.rows.begin; i < block.rows.end; ++i)
        for (Index j = block.cols.begin; j < block.cols.end; j += kRunPixels) {
          const Index pixel = i * a.cols + j, pixels = imin(kRunPixels, block.cols.end - j);
          if (a.dq)
            for (Index p = 0; p < pixels * q_row; ++p) a.dq[pixel * q_row + p] = 0;
          for (Index h = 0; h < a.heads; ++h) {
            cell_scores(a.q + pixel * q_row + h * a.head_dim, q_row, pixels, a.head_dim, keys + h * key_size, block.n,
                        rows, weights);
            for (Index p = 0; p < pixels; ++p) softmax_of_cells(weights, p, block.n, a.scale);
            gradient.run(h, pixel, pixels, weights, slopes);
          }
        }
    }
  });
  add_parts(a.scratch, at.parts, sums, at.key_sums, a.dk);
  add_parts(a.scratch + at.key_sums, at.parts, sums, at.value_sums, a.dv);
}

}  // namespace fu::FU_ISA
