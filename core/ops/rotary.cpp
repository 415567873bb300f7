#include "core/ops/rotary.h"

#include "core/isa.h"

namespace fu {

namespace {

Tensor rotated(const Tensor& x, const RotaryAngles& angles, Index heads, real direction) {
  const Tensor &c = angles.cosines, &s = angles.sines;
  require<ShapeError>(x.rank() == 3 && c.rank() == 2 && c.shape() == s.shape() && c.dim(0) == x.dim(1) && heads >= 0 &&
                          2 * c.dim(1) * heads <= x.dim(2),
                      "[rotary_embedding] x ", x.shape(), ", cosines ", c.shape(), ", sines ", s.shape(), ", ", heads,
                      " heads: must be (B,N,C), (N,d/2), (N,d/2) with heads * d <= C.");
  Tensor y(x.shape());
  RotaryArgs args;
  args.batch = x.dim(0), args.tokens = x.dim(1), args.channels = x.dim(2), args.heads = heads;
  args.head_dim = 2 * c.dim(1);
  args.cosines = c.data(), args.sines = s.data(), args.direction = direction;
  args.x = x.data(), args.y = y.data();
  kernels().rotary_embedding(args);
  return y;
}

}  // namespace

Tensor rotary_embedding(const Tensor& x, const RotaryAngles& angles, Index heads) {
  return rotated(x, angles, heads, 1);
}

Tensor rotary_embedding_backward(const Tensor& dy, const RotaryAngles& angles, Index heads) {
  return rotated(dy, angles, heads, -1);
}

}  // namespace fu
