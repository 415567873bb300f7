#include "core/ops/smooth.h"

#include <cmath>

#include "core/error.h"
#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

/// Factors of the equations of one line of n pixels, `step` elements apart:
///   (1 + before + after) y[i] - before y[i-1] - after y[i+1] = x[i], before and after being the links times strength.
void factor(const real* links, double strength, Index n, Index step, real* own, real* past, real* next) {
  double before = 0, passed = 0;  // the link to the pixel before, and that pixel's factor of the way back
  for (Index i = 0; i < n; ++i) {
    const double after = i + 1 < n ? strength * static_cast<double>(links[i * step]) : 0;
    const double inverse = 1 / (1 + before + after - before * passed);
    own[i * step] = static_cast<real>(inverse);
    past[i * step] = static_cast<real>(before * inverse);
    next[i * step] = static_cast<real>(passed = after * inverse);
    before = after;
  }
}

}  // namespace

LinkSmoother::LinkSmoother(const Tensor& across, const Tensor& down, double strength) {
  require<ShapeError>(across.rank() == 2 && across.shape() == down.shape() && across.size() > 0, "[smooth] links ",
                      across.shape(), " and ", down.shape(), ": must be equal (h,w).");
  require<UsageError>(strength >= 0 && std::isfinite(strength), "[smooth] strength ", strength,
                      ": must be a number from 0 on.");
  h_ = across.dim(0), w_ = across.dim(1);
  const Index n = h_ * w_;
  factors_ = Tensor({kRounds, 2, 3, h_, w_});
  for (int round = 0; round < kRounds; ++round) {
    const double s = 1.5 * std::pow(4, kRounds - 1 - round) / (std::pow(4, kRounds) - 1) * strength;
    real* f = factors_.data() + round * 6 * n;
    parallel_ranges(h_, 16, [&](Index begin, Index end) {
      for (Index i = begin * w_; i < end * w_; i += w_)
        factor(across.data() + i, s, w_, 1, f + i, f + n + i, f + 2 * n + i);
    });
    f += 3 * n;
    parallel_ranges(w_, 16, [&](Index begin, Index end) {
      for (Index j = begin; j < end; ++j) factor(down.data() + j, s, h_, w_, f + j, f + n + j, f + 2 * n + j);
    });
  }
}

void LinkSmoother::check(const Tensor& x) const {
  require<ShapeError>(x.rank() == 4 && x.dim(0) == 1 && x.dim(1) == h_ && x.dim(2) == w_, "[smooth] x ", x.shape(),
                      ": must be (1,", h_, ",", w_, ",C).");
}

void LinkSmoother::rows(Tensor& x, int round) const {
  const real* f = factors_.data() + round * 6 * h_ * w_;
  kernels().smooth_rows(x.data(), {f, f + h_ * w_, f + 2 * h_ * w_}, h_, w_, x.dim(3));
}

void LinkSmoother::columns(Tensor& x, int round) const {
  const real* f = factors_.data() + (round * 6 + 3) * h_ * w_;
  kernels().smooth_columns(x.data(), {f, f + h_ * w_, f + 2 * h_ * w_}, h_, w_, x.dim(3));
}

void LinkSmoother::apply(Tensor& x) const {
  check(x);
  for (int round = 0; round < kRounds; ++round) rows(x, round), columns(x, round);
}

void LinkSmoother::apply_transposed(Tensor& x) const {
  check(x);
  // The equations of each sweep are symmetric: the transpose is the same sweeps in the opposite order.
  for (int round = kRounds; round-- > 0;) columns(x, round), rows(x, round);
}

}  // namespace fu
