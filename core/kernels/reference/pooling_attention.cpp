// Definition of attention pooling's weights.
#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

double keep_of(const PoolingAttentionArgs& g, Index r) { return g.keep ? double(g.keep[r]) : 1; }

/// keep * (saliency + bias + deviation * noise) of window r; 0 where keep is 0, whatever saliency holds there.
DoubleRow kept_saliency(const PoolingAttentionArgs& g, Index r) {
  if (keep_of(g, r) == 0) return DoubleRow::Zero(g.n);
  DoubleRow s = doubles(g.saliency + r * g.n, g.n) + double(g.bias);
  if (g.deviation) s += doubles(g.deviation + r * g.n, g.n) * doubles(g.noise + r * g.n, g.n);
  return keep_of(g, r) * s;
}

}  // namespace

void pooling_attention_ref(const PoolingAttentionArgs& g, real* y) {
  if (g.n == 0) return;
  for (Index r = 0; r < g.rows; ++r)
    write_row(softmax_of(kept_saliency(g, r) * doubles(g.w, g.n) + doubles(g.b, g.n)), y + r * g.n);
}

Index pooling_attention_scratch_ref(const PoolingAttentionArgs&) { return 0; }

void pooling_attention_backward_ref(const PoolingAttentionArgs& g, const real* y, const real* dy, real* dsaliency,
                                    real* ddeviation, real* dw, real* db, real* dbias, real*) {
  DoubleRow w_sum = DoubleRow::Zero(g.n), b_sum = DoubleRow::Zero(g.n);
  double bias_sum = 0;
  for (Index r = 0; r < g.rows; ++r) {
    const DoubleRow out = doubles(y + r * g.n, g.n), grad = doubles(dy + r * g.n, g.n);
    // y was rounded to reals, so its sum is only almost 1.
    const DoubleRow dx = out * (grad - (out * grad).sum() / out.sum());
    const DoubleRow ds = dx * doubles(g.w, g.n) * keep_of(g, r);
    w_sum += dx * kept_saliency(g, r);
    b_sum += dx;
    bias_sum += ds.sum();
    write_row(ds, dsaliency + r * g.n);
    if (!ddeviation) continue;
    const bool kept = keep_of(g, r) != 0;
    write_row(kept ? DoubleRow(ds * doubles(g.noise + r * g.n, g.n)) : DoubleRow::Zero(g.n), ddeviation + r * g.n);
  }
  write_row(w_sum, dw);
  write_row(b_sum, db);
  *dbias = static_cast<real>(bias_sum);
}

}  // namespace fu
