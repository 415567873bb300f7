// Chapter 4: forward and backward passes as Eigen expressions, a line for a line of the derivation.
#include <cmath>

#include "core/eigen.h"
#include "tools/book/4_layers.h"

namespace fu::book {

namespace {

using Column = Eigen::Array<real, Eigen::Dynamic, 1>;  // one number for each row

/// A tensor of the given shape with the values of an Eigen array.
Tensor tensor(const RowArray& values, const Shape& shape) { return to_tensor(values, shape); }

}  // namespace

//! [layer_norm]
Var plain_layer_norm(const Var& x, const Var& weight, const Var& bias, real eps) {
  const Tensor w = weight.value;
  RowArray z = as_array(x.value);
  z.colwise() -= Column(z.rowwise().mean());                     // x - m
  const Column s = (z.square().rowwise().mean() + eps).rsqrt();  // 1 / sqrt(v + eps)
  z.colwise() *= s;                                              // the normalised rows
  RowArray y = z.rowwise() * as_array(w).row(0);
  y.rowwise() += as_array(bias.value).row(0);
  return record("layer_norm", {x, weight, bias}, tensor(y, x.shape()), [z, s, w](const Gradient& g) {
    const ConstArrayMap dy = as_array(g.dy);
    const RowArray h = dy.rowwise() * as_array(w).row(0);
    RowArray dx = h - z.colwise() * Column((h * z).rowwise().mean());  // without the part along z
    dx.colwise() -= Column(h.rowwise().mean());                        // and without the mean
    dx.colwise() *= s;
    g.add(0, tensor(dx, g.dy.shape()));
    g.add(1, tensor((dy * z).colwise().sum(), w.shape()));
    g.add(2, tensor(dy.colwise().sum(), w.shape()));
  });
}
//! [layer_norm]

//! [softmax]
Var plain_softmax(const Var& x, const Var& temperature) {
  const real t = temperature.value.item();
  RowArray y = as_array(x.value) / t;
  y.colwise() -= Column(y.rowwise().maxCoeff());  // so that exp cannot overflow
  y = y.exp();
  y.colwise() /= Column(y.rowwise().sum());
  return record("softmax", {x, temperature}, tensor(y, x.shape()), [y, t, x = x.value](const Gradient& g) {
    RowArray dx = as_array(g.dy);
    dx.colwise() -= Column((as_array(g.dy) * y).rowwise().sum());
    dx *= y / t;
    g.add(0, tensor(dx, g.dy.shape()));
    g.add(1, Tensor::from({}, {-(dx * as_array(x)).sum() / t}));
  });
}
//! [softmax]

//! [attention]
Var plain_attention(const Var& q, const Var& k, const Var& v) {
  const Tensor Q = q.value, K = k.value, V = v.value;
  const real scale = 1 / std::sqrt(static_cast<real>(Q.dim(1)));
  RowMatrix P = as_matrix(Q) * as_matrix(K).transpose() * scale;  // scores, then weights
  P.colwise() -= Vector(P.rowwise().maxCoeff());
  P = P.array().exp();
  P.array().colwise() /= Column(P.array().rowwise().sum());
  const Tensor y = to_tensor(P * as_matrix(V));
  return record("attention", {q, k, v}, y, [Q, K, V, P, y, scale](const Gradient& g) {
    const ConstMatrixMap dy = as_matrix(g.dy);
    RowMatrix dS = dy * as_matrix(V).transpose();                            // the gradient of P
    dS.colwise() -= Vector((as_array(g.dy) * as_array(y)).rowwise().sum());  // dy . y for each row
    dS.array() *= P.array();                                                 // the gradient of the scores
    g.add(0, to_tensor(scale * dS * as_matrix(K)));
    g.add(1, to_tensor(scale * dS.transpose() * as_matrix(Q)));
    g.add(2, to_tensor(P.transpose() * dy));
  });
}
//! [attention]

//! [gelu]
Var plain_gelu(const Var& x) {
  const Tensor below = to_tensor(as_array(x.value).unaryExpr([](real v) {  // the share of normal numbers below v
    return real(0.5) * (1 + std::erf(v / std::sqrt(real(2))));
  }),
                                 x.shape());
  return record("gelu", {x}, x.value * below, [x = x.value, below](const Gradient& g) {
    const real root = std::sqrt(2 * real(3.14159265358979));
    const RowArray density = (-as_array(x).square() / 2).exp() / root;
    g.add(0, tensor(as_array(g.dy) * (as_array(below) + as_array(x) * density), g.dy.shape()));
  });
}
//! [gelu]

}  // namespace fu::book
