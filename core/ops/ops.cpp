#include "core/ops.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

Tensor unary(Unary op, const Tensor& x, real p, real q) {
  Tensor y(x.shape());
  kernels().unary(op, x.data(), y.data(), x.size(), p, q);
  return y;
}

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  const int rank = std::max(a.rank(), b.rank());
  const auto size = [rank](const Tensor& t, int axis) {
    return axis < rank - t.rank() ? 1 : t.dim(axis - (rank - t.rank()));
  };
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const Index m = size(a, i), n = size(b, i);
    require<ShapeError>(m == n || m == 1 || n == 1, "[binary] a ", a.shape(), " and b ", b.shape(),
                        ": sizes along axis ", i - rank, " must be equal or 1. Reshape or repeat one of them.");
    shape.push_back(m == 1 ? n : m);
  }
  Tensor y(shape);
  if (y.size() == 0) return y;
  // Trailing axes on which each side is either whole or a single value merge into one run.
  Index a_run = 1, b_run = 1, run = 1;
  int outer = rank;
  for (; outer > 0; --outer) {
    const Index m = size(a, outer - 1), n = size(b, outer - 1), s = shape[outer - 1];
    const bool a_fits = (m == s && a_run == run) || (m == 1 && a_run == 1);
    const bool b_fits = (n == s && b_run == run) || (n == 1 && b_run == 1);
    if (!a_fits || !b_fits) break;
    a_run *= m;
    b_run *= n;
    run *= s;
  }
  const Index runs = y.size() / run;
  // Steps of a and b along the axes before the run; 0 where they are repeated.
  Index sizes[Shape::kMaxRank], a_steps[Shape::kMaxRank], b_steps[Shape::kMaxRank], a_next = a_run, b_next = b_run;
  for (int i = outer - 1; i >= 0; --i) {
    const Index m = size(a, i), n = size(b, i);
    sizes[i] = shape[i], a_steps[i] = m == 1 ? 0 : a_next, b_steps[i] = n == 1 ? 0 : b_next;
    a_next *= m, b_next *= n;
  }
  constexpr Index kGrain = 1 << 14;
  const Index pieces = (run + kGrain - 1) / kGrain, grain = std::max<Index>(1, kGrain / run);
  const Kernels& table = kernels();
  parallel_ranges(runs * pieces, pieces > 1 ? 1 : grain, [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index r = task / pieces, at = task % pieces * kGrain, n = std::min(kGrain, run - at);
      const Index a_step = a_run == run && run > 1 ? 1 : 0, b_step = b_run == run && run > 1 ? 1 : 0;
      Index a_at = at * a_step, b_at = at * b_step;
      for (Index i = outer - 1, rest = r; i >= 0; rest /= sizes[i], --i)
        a_at += rest % sizes[i] * a_steps[i], b_at += rest % sizes[i] * b_steps[i];
      table.binary(op, a.data() + a_at, a_step, b.data() + b_at, b_step, y.data() + r * run + at, n);
    }
  });
  return y;
}

namespace {

int positive_axis(const char* op, const Tensor& x, int axis) {
  const int i = axis < 0 ? axis + x.rank() : axis;
  require<ShapeError>(i >= 0 && i < x.rank(), "[", op, "] axis ", axis, " of ", x.shape(), ", which has ", x.rank(),
                      ".");
  return i;
}

}  // namespace

Tensor expand(const Tensor& x, const Shape& shape) {
  bool fits = x.rank() <= shape.rank();
  for (int i = 1; fits && i <= x.rank(); ++i) fits = x.dim(-i) == shape[-i] || x.dim(-i) == 1;
  require<ShapeError>(fits, "[expand] x ", x.shape(), " to ", shape,
                      ": sizes along each axis, from the last, must be equal or 1 in x.");
  if (x.shape() == shape) return x;
  Tensor y(shape);
  // The longest trailing axes that are whole in x, or all of them 1 there, are one run.
  const auto size = [&](int i) { return i <= x.rank() ? x.dim(-i) : 1; };
  Index run = 1, x_run = 1;
  int outer = shape.rank();
  for (int i = 1; outer > 0; ++i, --outer) {
    const Index n = shape[-i];
    if (!(size(i) == n && x_run == run) && !(size(i) == 1 && x_run == 1)) break;
    run *= n, x_run *= size(i);
  }
  constexpr Index kGrain = 1 << 14;
  const Index runs = run > 0 ? y.size() / run : 0, pieces = (run + kGrain - 1) / kGrain;
  parallel_ranges(runs * pieces, pieces > 1 ? 1 : kGrain / std::max<Index>(1, run), [&](Index begin, Index end) {
    for (Index task = begin; task < end; ++task) {
      const Index r = task / pieces, at = task % pieces * kGrain, n = std::min(kGrain, run - at);
      Index from = 0, step = x_run, rest = r;
      for (int i = outer - 1; i >= 0; --i) {
        const Index m = size(shape.rank() - i);
        if (m != 1) from += rest % shape[i] * step;
        step *= m;
        rest /= shape[i];
      }
      if (x_run == run)
        std::copy_n(x.data() + from + at, n, y.data() + r * run + at);
      else
        std::fill_n(y.data() + r * run + at, n, x.data()[from]);
    }
  });
  return y;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  Tensor y = x;
  // Neighbouring axes that go are summed together.
  const int lead = x.rank() - shape.rank();
  require<ShapeError>(lead >= 0, "[sum_to] x ", x.shape(), " to ", shape, ".");
  const auto goes = [&](int i) { return i < lead || (shape[i - lead] == 1 && x.dim(i) != 1); };
  for (int i = 0; i < x.rank(); ++i) {
    if (!goes(i)) continue;
    int end = i;
    Shape next = y.shape();
    for (; end < x.rank() && goes(end); ++end) next.set(end, 1);
    Tensor part(next);
    kernels().sum_axis(y.data(), part.data(), y.shape().elements(0, i), y.shape().elements(i, end),
                       y.shape().elements(end, y.rank()));
    y = part;
    i = end - 1;
  }
  return y.reshape(shape);
}

void add_to(Tensor& y, const Tensor& x) {
  require<ShapeError>(y.shape() == x.shape(), "[add_to] y ", y.shape(), " += x ", x.shape(), ": shapes must be equal.");
  parallel_ranges(y.size(), Index{1} << 14, [&](Index begin, Index end) {
    kernels().binary(Binary::add, y.data() + begin, 1, x.data() + begin, 1, y.data() + begin, end - begin);
  });
}

Tensor sum(const Tensor& x, int axis) {
  const int i = positive_axis("sum", x, axis);
  Shape shape = x.shape();
  shape.set(i, 1);
  Tensor y(shape);
  kernels().sum_axis(x.data(), y.data(), x.shape().elements(0, i), x.dim(i), x.shape().elements(i + 1, x.rank()));
  return y;
}

Tensor mean(const Tensor& x, int axis) {
  const Index n = x.dim(axis);
  return unary(Unary::affine, sum(x, axis), n > 0 ? 1 / static_cast<real>(n) : 0);
}

Tensor sum(const Tensor& x) {
  Tensor y{Shape{}};
  kernels().sum_axis(x.data(), y.data(), 1, x.size(), 1);
  return y;
}

Tensor mean(const Tensor& x) {
  return unary(Unary::affine, sum(x), x.size() > 0 ? 1 / static_cast<real>(x.size()) : 0);
}

Tensor softmax(const Tensor& x, int axis, real temperature) {
  const int i = positive_axis("softmax", x, axis);
  require<ShapeError>(temperature > 0, "[softmax] temperature ", temperature, " must be positive.");
  Tensor y(x.shape());
  kernels().softmax(x.data(), y.data(), x.shape().elements(0, i), x.dim(i), x.shape().elements(i + 1, x.rank()),
                    1 / temperature);
  return y;
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, real eps) {
  require<ShapeError>(x.rank() >= 1 && weight.size() == x.dim(-1) && bias.size() == x.dim(-1), "[layer_norm] x ",
                      x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": weight and bias must have as many elements as x's last axis.");
  Tensor y(x.shape());
  const Index c = x.dim(-1);
  kernels().layer_norm(x.data(), weight.data(), bias.data(), y.data(), c > 0 ? x.size() / c : 0, c, eps);
  return y;
}

void run_gemm(GemmArgs args) {
  Tensor scratch({std::max<Index>(1, kernels().gemm_scratch(args))});
  args.scratch = scratch.data();
  kernels().gemm(args);
}

namespace {

Shape with_last(const Shape& shape, Index size) {
  Shape result = shape;
  result.set(-1, size);
  return result;
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  bool fits = a.rank() == b.rank() && a.rank() >= 2 && a.dim(transpose_a ? -2 : -1) == b.dim(transpose_b ? -1 : -2);
  for (int i = 0; fits && i < a.rank() - 2; ++i) fits = a.dim(i) == b.dim(i);
  require<ShapeError>(fits, "[matmul] a ", a.shape(), transpose_a ? " transposed" : "", " times b ", b.shape(),
                      transpose_b ? " transposed" : "",
                      ": a's last size must be b's second to last, and the sizes before those must be equal.");
  GemmArgs args;
  args.m = a.dim(transpose_a ? -1 : -2), args.k = a.dim(transpose_a ? -2 : -1), args.n = b.dim(transpose_b ? -2 : -1);
  args.a_row = transpose_a ? 1 : args.k, args.a_col = transpose_a ? args.m : 1;
  args.b_row = transpose_b ? 1 : args.n, args.b_col = transpose_b ? args.k : 1;
  args.ldc = args.n;
  Shape shape = with_last(a.shape(), args.n);
  shape.set(-2, args.m);
  Tensor y(shape);
  const Index batch = a.shape().elements(0, a.rank() - 2);
  for (Index i = 0; i < batch; ++i) {
    args.a = a.data() + i * args.m * args.k;
    args.b = b.data() + i * args.k * args.n;
    args.c = y.data() + i * args.m * args.n;
    run_gemm(args);
  }
  return y;
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  require<ShapeError>(x.rank() >= 1 && weight.rank() == 2 && x.dim(-1) == weight.dim(1) &&
                          (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}),
                      "[linear] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(),
                      ": x's last size must be weight's second, and bias as long as weight's first.");
  Tensor y(with_last(x.shape(), weight.dim(0)));
  GemmArgs args;
  args.k = weight.dim(1), args.n = weight.dim(0), args.m = x.shape().elements(0, x.rank() - 1);
  args.a = x.data(), args.a_row = args.k;
  args.b = weight.data(), args.b_row = 1, args.b_col = args.k;
  args.c = y.data(), args.ldc = args.n;
  args.bias = bias.size() ? bias.data() : nullptr;
  args.activation = activation;
  run_gemm(args);
  return y;
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, Index stride, Index padding) {
  const bool ranks = x.rank() == 4 && weight.rank() == 4 && stride >= 1 && padding >= 0;
  require<ShapeError>(
      ranks && x.dim(3) == weight.dim(3) && (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}) &&
          x.dim(1) + 2 * padding >= weight.dim(1) && x.dim(2) + 2 * padding >= weight.dim(2),
      "[conv2d] x ", x.shape(), ", weight ", weight.shape(), ", bias ", bias.shape(), ", stride ", stride, ", padding ",
      padding, ": x must be (B,H,W,C), weight (N,kH,kW,C) no larger than the padded image, bias (N).");
  const Index patch = weight.dim(1) * weight.dim(2) * weight.dim(3);
  return conv2d(x, PackedLinear(weight.reshape({weight.dim(0), patch}), bias), weight.dim(1), weight.dim(2), stride,
                padding);
}

Tensor conv2d(const Tensor& x, const PackedLinear& layer, Index kh, Index kw, Index stride, Index padding) {
  require<ShapeError>(
      x.rank() == 4 && layer.in() == kh * kw * x.dim(3) && x.dim(1) + 2 * padding >= kh && x.dim(2) + 2 * padding >= kw,
      "[conv2d] x ", x.shape(), " for a kernel of ", kh, "x", kw, " and ", layer.in(),
      " inputs: x must be (B,H,W,C), no smaller than the kernel.");
  const Index b = x.dim(0), h = x.dim(1), w = x.dim(2), c = x.dim(3), n = layer.out();
  const Index ho = (h + 2 * padding - kh) / stride + 1, wo = (w + 2 * padding - kw) / stride + 1, patch = kh * kw * c;
  Tensor y({b, ho, wo, n});
  // Patches of a few rows at a time, about 4 MB.
  const Index rows =
      std::clamp<Index>((Index{1} << 20) / std::max<Index>(1, wo * patch), 1, std::max<Index>(1, b * ho));
  for (Index row = 0; row < b * ho; row += rows) {
    const Index end = std::min(row + rows, b * ho);
    Tensor patches({(end - row) * wo, patch});
    kernels().im2col(x.data(), h, w, c, kh, kw, stride, padding, row, end, patches.data());
    const Tensor part = layer(patches);
    std::copy_n(part.data(), part.size(), y.data() + row * wo * n);
  }
  return y;
}

Tensor attention(const Tensor& qkv, Index heads) {
  require<ShapeError>(qkv.rank() == 3 && heads >= 1 && qkv.dim(2) % (3 * heads) == 0, "[attention] qkv ", qkv.shape(),
                      " with ", heads, " heads: must be (B,N,3C) with C a multiple of the heads.");
  AttentionArgs args;
  args.batch = qkv.dim(0), args.tokens = qkv.dim(1), args.heads = heads, args.head_dim = qkv.dim(2) / 3 / heads;
  args.scale = static_cast<real>(1 / std::sqrt(static_cast<double>(args.head_dim)));
  args.qkv = qkv.data();
  Tensor y({args.batch, args.tokens, qkv.dim(2) / 3});
  Tensor scratch({std::max<Index>(1, kernels().attention_scratch(args))});
  args.y = y.data();
  args.scratch = scratch.data();
  kernels().attention(args);
  return y;
}

Tensor adaptive_conv(const Tensor& x, const Tensor& k) {
  const Index d = k.rank() == 4 ? static_cast<Index>(std::lround(std::sqrt(static_cast<double>(k.dim(3))))) : 0;
  require<ShapeError>(x.rank() == 4 && k.rank() == 4 && d % 2 == 1 && d * d == k.dim(3) && x.dim(0) == k.dim(0) &&
                          x.dim(1) == k.dim(1) && x.dim(2) == k.dim(2),
                      "[adaptive_conv] x ", x.shape(), ", kernels ", k.shape(),
                      ": must be (B,H,W,C) and (B,H,W,d*d) with d odd.");
  require<ShapeError>(x.dim(1) > d / 2 && x.dim(2) > d / 2 && d / 2 <= 5, "[adaptive_conv] x ", x.shape(),
                      " with radius ", d / 2,
                      ": height and width must exceed the radius, and the radius may be at most 5. Use a smaller one.");
  Tensor y(x.shape());
  kernels().adaptive_conv(x.data(), k.data(), y.data(), x.dim(0), x.dim(1), x.dim(2), x.dim(3), d / 2);
  return y;
}

Tensor concat(const std::vector<Tensor>& parts, int axis) { return concat(parts.data(), parts.size(), axis); }

Tensor concat(const Tensor* parts, std::size_t count, int axis) {
  require<ShapeError>(count > 0, "[concat] no tensors. Give at least one.");
  const int i = positive_axis("concat", parts[0], axis);
  Shape shape = parts[0].shape();
  Index total = 0;
  for (std::size_t p = 0; p < count; ++p) {
    const Tensor& part = parts[p];
    Shape alike = part.shape();
    if (part.rank() == shape.rank()) alike.set(i, shape[i]);
    require<ShapeError>(alike == shape, "[concat] ", parts[0].shape(), " and ", part.shape(), " along axis ", axis,
                        ": all other sizes must be equal.");
    total += part.dim(i);
  }
  shape.set(i, total);
  Tensor y(shape);
  const Index outer = shape.elements(0, i), inner = shape.elements(i + 1, shape.rank());
  Index at = 0;
  for (std::size_t p = 0; p < count; ++p) {
    const Tensor& part = parts[p];
    const Index run = part.dim(i) * inner;
    for (Index o = 0; o < outer; ++o) std::copy_n(part.data() + o * run, run, y.data() + o * total * inner + at);
    at += run;
  }
  return y;
}

namespace {

/// Copies rows of `run` reals from one stride to another.
void copy_strided(const real* in, Index in_step, real* out, Index out_step, Index rows, Index run) {
  parallel_ranges(rows, std::max<Index>(1, 16384 / std::max<Index>(1, run)), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) std::copy_n(in + i * in_step, run, out + i * out_step);
  });
}

}  // namespace

Tensor slice(const Tensor& x, int axis, Index begin, Index end) {
  const int i = positive_axis("slice", x, axis);
  require<ShapeError>(begin >= 0 && begin <= end && end <= x.dim(i), "[slice] [", begin, ",", end, ") of axis ", axis,
                      " of ", x.shape(), ": must lie within the axis.");
  Shape shape = x.shape();
  shape.set(i, end - begin);
  Tensor y(shape);
  const Index inner = shape.elements(i + 1, shape.rank());
  copy_strided(x.data() + begin * inner, x.dim(i) * inner, y.data(), (end - begin) * inner, shape.elements(0, i),
               (end - begin) * inner);
  return y;
}

Tensor unslice(const Tensor& x, int axis, Index begin, Index n) {
  const int i = positive_axis("unslice", x, axis);
  require<ShapeError>(begin >= 0 && begin + x.dim(i) <= n, "[unslice] x ", x.shape(), " at ", begin, " of ", n,
                      " along axis ", axis, ".");
  Shape shape = x.shape();
  shape.set(i, n);
  Tensor y = Tensor::zeros(shape);
  const Index inner = shape.elements(i + 1, shape.rank()), run = x.dim(i) * inner;
  copy_strided(x.data(), run, y.data() + begin * inner, n * inner, shape.elements(0, i), run);
  return y;
}

PackedLinear::PackedLinear(const Tensor& weight, const Tensor& bias) : bias_(bias) {
  require<ShapeError>(weight.rank() == 2 && (bias.size() == 0 || bias.shape() == Shape{weight.dim(0)}),
                      "[linear] weight ", weight.shape(), ", bias ", bias.shape(), ": must be (N,K) and (N).");
  n_ = weight.dim(0);
  k_ = weight.dim(1);
  packed_ = Tensor({kernels().gemm_packed_size(k_, n_)});
  kernels().gemm_pack(weight.data(), 1, k_, k_, n_, packed_.data());
}

Tensor PackedLinear::operator()(const Tensor& x, Activation activation) const {
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == k_, "[linear] x ", x.shape(), " for weights (", n_, ",", k_,
                      "): x's last size must be ", k_, ".");
  Tensor y(with_last(x.shape(), n_));
  run(x, y, activation, false);
  return y;
}

void PackedLinear::add_to(Tensor& y, const Tensor& x) const {
  require<ShapeError>(x.rank() >= 1 && x.dim(-1) == k_ && y.shape() == with_last(x.shape(), n_), "[linear] y ",
                      y.shape(), " += x ", x.shape(), " for weights (", n_, ",", k_, "): sizes do not fit.");
  run(x, y, Activation::none, true);
}

void PackedLinear::run(const Tensor& x, Tensor& y, Activation activation, bool accumulate) const {
  GemmArgs args;
  args.m = x.shape().elements(0, x.rank() - 1), args.n = n_, args.k = k_;
  args.a = x.data(), args.a_row = k_;
  args.packed_b = packed_.data();
  args.c = y.data(), args.ldc = n_;
  args.bias = bias_.size() ? bias_.data() : nullptr;
  args.activation = activation;
  args.accumulate = accumulate;
  run_gemm(args);
}

}  // namespace fu
