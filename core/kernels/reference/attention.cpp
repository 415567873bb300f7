// Definition of softmax attention.
#include "core/kernels/reference/doubles.h"
#include "core/kernels/reference/reference.h"

namespace fu {

namespace {

/// Queries (0), keys (1) or values (2) of one head: (tokens, head_dim).
DoubleMatrix part_of(const AttentionArgs& a, Index batch, Index head, Index part) {
  const Index width = a.heads * a.head_dim;
  return doubles(a.qkv + batch * a.tokens * 3 * width + part * width + head * a.head_dim, a.tokens, a.head_dim,
                 3 * width, 1);
}

/// P = softmax of each row of scale * Q K^T.
DoubleMatrix probabilities(const AttentionArgs& a, const DoubleMatrix& q, const DoubleMatrix& k) {
  DoubleMatrix p = double(a.scale) * q * k.transpose();
  for (Index i = 0; i < p.rows(); ++i) p.row(i) = softmax_of(p.row(i).array()).matrix();
  return p;
}

}  // namespace

Index attention_scratch_ref(const AttentionArgs&) { return 0; }

void attention_ref(const AttentionArgs& a) {
  const Index width = a.heads * a.head_dim;
  for (Index b = 0; b < a.batch; ++b)
    for (Index h = 0; h < a.heads; ++h) {
      const DoubleMatrix p = probabilities(a, part_of(a, b, h, 0), part_of(a, b, h, 1));
      write_matrix(DoubleMatrix(p * part_of(a, b, h, 2)), a.y + b * a.tokens * width + h * a.head_dim, width);
    }
}

Index attention_backward_scratch_ref(const AttentionArgs&) { return 0; }

void attention_backward_ref(const AttentionArgs& a) {
  const Index width = a.heads * a.head_dim, n = a.tokens;
  for (Index b = 0; b < a.batch; ++b)
    for (Index h = 0; h < a.heads; ++h) {
      const DoubleMatrix q = part_of(a, b, h, 0), k = part_of(a, b, h, 1), v = part_of(a, b, h, 2);
      const DoubleMatrix p = probabilities(a, q, k);
      const DoubleMatrix dy = doubles(a.dy + b * n * width + h * a.head_dim, n, a.head_dim, width, 1);
      const DoubleMatrix dp = dy * v.transpose();
      DoubleMatrix ds(n, n);
      for (Index i = 0; i < n; ++i)
        ds.row(i) = double(a.scale) * p.row(i).array() * (dp.row(i).array() - p.row(i).dot(dp.row(i)));
      real* dqkv = a.dqkv + b * n * 3 * width + h * a.head_dim;
      write_matrix(DoubleMatrix(ds * k), dqkv, 3 * width);
      write_matrix(DoubleMatrix(ds.transpose() * q), dqkv + width, 3 * width);
      write_matrix(DoubleMatrix(p.transpose() * dy), dqkv + 2 * width, 3 * width);
    }
}

}  // namespace fu
