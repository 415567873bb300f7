// Definitions of softmax, layer norm and RMS norm.
#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

void softmax_ref(const real* x, real* y, Index outer, Index n, Index inner, real scale) {
  if (n == 0) return;
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c) {
      const Index first = o * n * inner + c;
      write_row(softmax_of(double(scale) * doubles(x + first, n, inner)), y + first, inner);
    }
}

void softmax_backward_ref(const real* y, const real* dy, real* dx, Index outer, Index n, Index inner, real scale) {
  for (Index o = 0; o < outer; ++o)
    for (Index c = 0; c < inner; ++c) {
      const Index first = o * n * inner + c;
      const DoubleRow p = doubles(y + first, n, inner), d = doubles(dy + first, n, inner);
      write_row(double(scale) * p * (d - (p * d).sum()), dx + first, inner);
    }
}

namespace {

/// A row of x without its mean, divided by its standard deviation.
struct NormalRow {
  DoubleRow values;
  double scale;  // 1 / sqrt(variance + eps)
  NormalRow(const real* x, Index c, real eps) : values(doubles(x, c)) {
    values -= values.mean();
    scale = 1 / std::sqrt(values.square().mean() + double(eps));
    values *= scale;
  }
};

}  // namespace

void layer_norm_ref(const real* x, const real* weight, const real* bias, real* y, Index rows, Index c, real eps) {
  if (c == 0) return;
  for (Index r = 0; r < rows; ++r)
    write_row(NormalRow(x + r * c, c, eps).values * doubles(weight, c) + doubles(bias, c), y + r * c);
}

Index layer_norm_scratch_ref(Index, Index) { return 0; }

void layer_norm_backward_ref(const real* x, const real* weight, const real* dy, real* dx, real* dweight, real* dbias,
                             Index rows, Index c, real eps, real*) {
  if (c == 0) return;
  DoubleRow weight_sum = DoubleRow::Zero(c), bias_sum = DoubleRow::Zero(c);
  for (Index r = 0; r < rows; ++r) {
    const NormalRow normal(x + r * c, c, eps);
    const DoubleRow d = doubles(dy + r * c, c), h = d * doubles(weight, c);
    if (dx) write_row(normal.scale * (h - h.mean() - normal.values * (h * normal.values).mean()), dx + r * c);
    weight_sum += d * normal.values;
    bias_sum += d;
  }
  if (dweight) write_row(weight_sum, dweight);
  if (dbias) write_row(bias_sum, dbias);
}

void normalize_rows_ref(const real* x, real* y, real* scales, Index rows, Index c, real eps) {
  if (c == 0) return;
  for (Index r = 0; r < rows; ++r) {
    const NormalRow normal(x + r * c, c, eps);
    if (scales) scales[r] = static_cast<real>(normal.scale);
    write_row(normal.values, y + r * c);
  }
}

void normalize_rows_backward_ref(const real* y, const real* scales, const real* dy, Index given, real* dx,
                                 const real* active, const real* slopes, real* sums, Index rows, Index c) {
  if (c == 0) return;
  for (Index r = 0; r < rows; ++r) {
    DoubleRow d = doubles(dy + r * c, c);
    d.tail(c - given) = 0;
    const DoubleRow out = doubles(y + r * c, c);
    const DoubleRow g = double(scales[r]) * (d - d.mean() - out * (d * out).mean());
    if (slopes)
      write_row(doubles(sums, c) + g * doubles(slopes + r * c, c), sums);
    else if (active)
      write_row((doubles(active + r * c, c) > 0).select(g, DoubleRow::Zero(c)), dx + r * c);
    else
      write_row(g, dx + r * c);
  }
}

void rms_norm_ref(const real* x, const real* weight, real* y, Index rows, Index c, real eps) {
  if (c == 0) return;
  for (Index r = 0; r < rows; ++r) {
    const DoubleRow in = doubles(x + r * c, c);
    write_row(in / std::sqrt(in.square().mean() + double(eps)) * doubles(weight, c), y + r * c);
  }
}

Index rms_norm_scratch_ref(Index, Index) { return 0; }

void rms_norm_backward_ref(const real* x, const real* weight, const real* dy, real* dx, real* dweight, Index rows,
                           Index c, real eps, real*) {
  if (c == 0) return;
  DoubleRow sums = DoubleRow::Zero(c);
  for (Index r = 0; r < rows; ++r) {
    const DoubleRow in = doubles(x + r * c, c), d = doubles(dy + r * c, c), h = d * doubles(weight, c);
    const double scale = 1 / std::sqrt(in.square().mean() + double(eps));
    const DoubleRow normal = in * scale;
    if (dx) write_row(scale * (h - normal * (h * normal).mean()), dx + r * c);
    sums += d * normal;
  }
  if (dweight) write_row(sums, dweight);
}

}  // namespace fu
