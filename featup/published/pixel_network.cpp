#include "featup/published/pixel_network.h"

#include <algorithm>

#include "core/isa.h"
#include "core/parallel.h"

namespace fu {

namespace {

constexpr Index kTile = 288;       // pixels
constexpr Index kParts = 16;       // of the pixels: each sums gradients of its own, which are added in order
constexpr real kEps = real(1e-5);  // of layer norm
using P = PixelParameters;

/// C (m,n) = act(A B + bias) for row-major A with rows lda apart and packed B.
struct Product {
  Index k, n;
  const Tensor& packed;
  void operator()(Index m, const real* a, Index lda, real* c, Index ldc, const real* bias, Activation activation,
                  real* scratch) const {
    GemmArgs g;
    g.m = m, g.n = n, g.k = k;
    g.a = a, g.a_row = lda, g.packed_b = packed.data();
    g.c = c, g.ldc = ldc, g.bias = bias, g.activation = activation, g.scratch = scratch;
    g.workers = 1;  // tiles run side by side, a product within one does not
    kernels().gemm(g);
  }
};

/// C (m,n) += A^T B for A (k,m) and B (k,n), rows lda and ldb apart.
GemmArgs transposed_product(Index m, Index n, Index k, const real* a, Index lda, const real* b, Index ldb, real* c) {
  GemmArgs g;
  g.m = m, g.n = n, g.k = k;
  g.a = a, g.a_row = 1, g.a_col = lda, g.b = b, g.b_row = ldb;
  g.c = c, g.ldc = n, g.accumulate = true;
  g.workers = 1;
  return g;
}

/// Packs (n,k), rows ld apart, as the B of A B^T; or, not transposed, (k,n) as the B of A B.
Tensor packed(const real* b, Index ld, Index k, Index n, bool transposed) {
  Tensor result({kernels().gemm_packed_size(k, n)});
  kernels().gemm_pack(b, transposed ? 1 : ld, transposed ? ld : 1, k, n, result.data());
  return result;
}

/// Adds the columns of x (rows, n), rows ld apart, to sum.
void add_columns(const real* x, Index rows, Index n, Index ld, real* sum) {
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) sum[i] += x[r * ld + i];
}

/// Folds a layer norm's weight (scale) and bias (shift) into the linear layer after it: returns W diag(scale), and adds
/// W shift to its bias. W (n,k).
Tensor folded(const Tensor& w, const Tensor& scale, const Tensor& shift, Tensor& bias) {
  const Index n = w.dim(0), k = w.dim(1);
  Tensor result(w.shape());
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < k; ++j) {
      result.data()[i * k + j] = w.data()[i * k + j] * scale.data()[j];
      bias.data()[i] += w.data()[i * k + j] * shift.data()[j];
    }
  return result;
}

/// The backward pass of folded(): on entry dw (n,k) is the gradient of W diag(scale) and dbias that of the folded bias;
/// on exit dw is that of W, and those of scale and shift are added.
void unfold(const Tensor& w, const Tensor& scale, const Tensor& shift, const Tensor& dbias, Tensor& dw, Tensor& dscale,
            Tensor& dshift) {
  const Index n = w.dim(0), k = w.dim(1);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < k; ++j) {
      real& d = dw.data()[i * k + j];
      dscale.data()[j] += w.data()[i * k + j] * d;
      dshift.data()[j] += w.data()[i * k + j] * dbias.data()[i];
      d = d * scale.data()[j] + dbias.data()[i] * shift.data()[j];
    }
}

/// Positions 0 .. n-1, those with a factor other than 0 first.
std::vector<Index> kept_first(const Tensor& keep, Index n, Index& kept) {
  std::vector<Index> order;
  for (int pass = 0; pass < 2; ++pass) {
    for (Index i = 0; i < n; ++i)
      if ((keep.size() == 0 || keep.data()[i] != 0) == (pass == 0)) order.push_back(i);
    if (pass == 0) kept = static_cast<Index>(order.size());
  }
  return order;
}

}  // namespace

/// Memory for one tile; each worker has one.
struct PixelNetwork::Scratch {
  Tensor features, normed, derivatives, dfeatures, hidden, dhidden, dnormed, gemm, scales;
  Scratch(const PixelNetwork& net, bool training) {
    const Index f = net.features_.count(), d = net.hidden_, wide = std::max({f, d, net.out_});
    features = Tensor({kTile, f}), normed = Tensor({kTile, std::max(f, d)}), hidden = Tensor({kTile, d});
    GemmArgs g;
    g.m = wide, g.n = wide, g.k = kTile;  // the deepest product that packs its own B
    g.workers = 1;
    gemm = Tensor({kernels().gemm_scratch(g)});
    if (!training) return;
    derivatives = Tensor({kTile, f}), dfeatures = Tensor({kTile, f});
    dhidden = Tensor({kTile, d}), dnormed = Tensor({kTile, d});
    scales = Tensor({kTile});
  }
};

/// Sums of the parameters' gradients, in the order of the columns.
struct PixelNetwork::Sums {
  Tensor of[P::count];
  explicit Sums(const PixelNetwork& net) {
    const Index f = net.features_.count(), d = net.hidden_, o = net.out_;
    const Shape shapes[P::count] = {{f}, {f}, {f}, {d, net.kept_}, {d}, {d}, {d}, {d, d}, {d}, {o, d}, {o}};
    for (int i = 0; i < P::count; ++i) of[i] = Tensor::zeros(shapes[i]);
  }
};

PixelNetwork::PixelNetwork(Features features, std::vector<Tensor> parameters, const Tensor& keep_in,
                           const Tensor& keep_hidden)
    : features_(std::move(features)), parameters_(std::move(parameters)), keep_in_(keep_in) {
  const Index f = features_.count(), sines = features_.sines();
  hidden_ = parameters_.at(P::first_weight).dim(0), out_ = parameters_.at(P::last_weight).dim(0);
  require<ShapeError>(parameters_[P::first_weight].dim(1) == f && parameters_[P::phases].size() == 2 * sines,
                      "[pixel network] ", f, " features for a layer of ", parameters_[P::first_weight].shape(), ".");
  order_ = kept_first(keep_in, f, kept_);
  const auto signal_of = [&](Index i) {
    return i < 2 * sines ? i % sines % features_.signals : features_.first_plain + i - 2 * sines;
  };
  const auto by_signal = [&](Index a, Index b) { return signal_of(a) < signal_of(b); };
  for (int part = 0; part < 2; ++part) {
    const auto from = order_.begin() + (part ? kept_ : 0), to = part ? order_.end() : order_.begin() + kept_;
    std::sort(from, to, [&](Index a, Index b) { return signal_of(a) != signal_of(b) ? by_signal(a, b) : a < b; });
    for (auto run = from; run != to;) {
      const auto end = std::upper_bound(run, to, *run, by_signal);
      runs_.push_back({signal_of(*run), run - order_.begin(), end - order_.begin()});
      run = end;
    }
  }
  for (Index i : order_) {
    const bool periodic = i < 2 * sines;
    frequencies_.push_back(periodic ? features_.frequencies[usize(i % sines / features_.signals)] : 1);
    phases_.push_back(periodic ? parameters_[P::phases].data()[i] : 0);
    turns_.push_back(i < sines ? real(0) : periodic ? real(1) : real(-1));
  }
  hidden_order_ = kept_first(keep_hidden, hidden_, kept_hidden_);

  const auto moved = [](const Tensor& x, const auto& order_of, Index n, const Tensor& scale) {
    Tensor y({n});
    for (Index i = 0; i < n; ++i)
      y.data()[i] = x.data()[order_of(i)] * (scale.size() > 0 ? scale.data()[order_of(i)] : 1);
    return y;
  };
  const auto column = [&](Index i) { return order_[usize(i)]; };
  const auto row = [&](Index i) { return hidden_order_[usize(i)]; };
  norm_in_weight_ = moved(parameters_[P::norm_in_weight], column, f, keep_in),
  norm_in_bias_ = moved(parameters_[P::norm_in_bias], column, f, keep_in);
  norm_hidden_weight_ = moved(parameters_[P::norm_hidden_weight], row, hidden_, {}),
  norm_hidden_bias_ = moved(parameters_[P::norm_hidden_bias], row, hidden_, {});
  // ReLU keeps a positive factor, so that of dropout is part of the layer before it.
  first_scale_ = keep_hidden.size() > 0 ? moved(keep_hidden, row, hidden_, {}) : Tensor::full({hidden_}, 1);
  first_bias_ = moved(parameters_[P::first_bias], row, hidden_, keep_hidden);
  first_ = Tensor({hidden_, kept_}), second_ = Tensor({hidden_, hidden_});
  for (Index i = 0; i < hidden_; ++i)
    for (Index j = 0; j < kept_; ++j)
      first_.data()[i * kept_ + j] =
          parameters_[P::first_weight].data()[row(i) * f + column(j)] * first_scale_.data()[i];
  for (Index i = 0; i < hidden_; ++i)
    for (Index j = 0; j < hidden_; ++j)
      second_.data()[i * hidden_ + j] = parameters_[P::second_weight].data()[i * hidden_ + row(j)];
  const Tensor& last = parameters_[P::last_weight];
  second_bias_ = parameters_[P::second_bias].clone();
  const Tensor first = folded(first_, norm_in_weight_, norm_in_bias_, first_bias_);
  const Tensor second = folded(second_, norm_hidden_weight_, norm_hidden_bias_, second_bias_);
  packed_first_ = packed(first.data(), kept_, kept_, kept_hidden_, true);
  packed_second_ = packed(second.data(), hidden_, hidden_, hidden_, true);
  packed_last_ = packed(last.data(), hidden_, hidden_, out_, true);
  packed_first_back_ = packed(first.data(), kept_, kept_hidden_, kept_, false);
  packed_second_back_ = packed(second.data(), hidden_, hidden_, hidden_, false);
  packed_last_back_ = packed(last.data(), hidden_, out_, hidden_, false);
}

/// Features of n pixels; where they are wanted, their derivatives by their phases too.
void PixelNetwork::make_features(const real* signals, Index n, real* features, real* derivatives) const {
  const Index f = features_.count(), s = features_.signals;
  const real *frequencies = frequencies_.data(), *phases = phases_.data();
  for (Index p = 0; p < n; ++p) {
    real* out = features + p * f;
    for (const Run& run : runs_) {
      const real signal = signals[p * s + run.signal];
      // The product is rounded before the phase is added, as published.
      for (Index i = run.begin; i < run.end; ++i) out[i] = frequencies[i] * signal + phases[i];
    }
  }
  kernels().sin_cos_columns(features, turns_.data(), derivatives, n, f);
}

void PixelNetwork::forward(const Tensor& signals, real* y, real* h1, real* h2) const {
  const Index pixels = signals.dim(0), f = features_.count(), d = hidden_;
  require<ShapeError>(signals.rank() == 2 && signals.dim(1) == features_.signals, "[pixel network] signals ",
                      signals.shape(), " must be (N,", features_.signals, ").");
  const int workers = threads();
  std::vector<Scratch> scratch;
  for (int worker = 0; worker < workers; ++worker) scratch.emplace_back(*this, false);
  parallel_for((pixels + kTile - 1) / kTile, workers, [&](Index tile, int worker) {
    Scratch& s = scratch[usize(worker)];
    const Index begin = tile * kTile, n = std::min(kTile, pixels - begin);
    real *first = h1 ? h1 + begin * d : s.hidden.data(), *second = h2 ? h2 + begin * d : s.hidden.data(),
         *normed = s.normed.data();
    make_features(signals.data() + begin * features_.signals, n, s.features.data(), nullptr);
    kernels().normalize_rows(s.features.data(), normed, nullptr, n, f, kEps);
    Product{kept_, kept_hidden_, packed_first_}(n, normed, f, first, d, first_bias_.data(), Activation::relu,
                                                s.gemm.data());
    for (Index p = 0; p < n; ++p) std::fill(first + p * d + kept_hidden_, first + (p + 1) * d, real(0));
    kernels().normalize_rows(first, normed, nullptr, n, d, kEps);
    Product{d, d, packed_second_}(n, normed, d, second, d, second_bias_.data(), Activation::relu, s.gemm.data());
    Product{d, out_, packed_last_}(n, second, d, y + begin * out_, out_, parameters_[P::last_bias].data(),
                                   Activation::none, s.gemm.data());
  });
}

void PixelNetwork::backward_tile(const Tensor& signals, const Tensor& h1, const Tensor& h2, const Tensor& dy,
                                 Index begin, Index n, Scratch& s, Sums& sums) const {
  const Index f = features_.count(), d = hidden_;
  const real *first = h1.data() + begin * d, *second = h2.data() + begin * d, *grad = dy.data() + begin * out_;
  real *normed = s.normed.data(), *dhidden = s.dhidden.data(), *dnormed = s.dnormed.data(), *scales = s.scales.data();
  const auto add_product = [&](int at, Index m, const real* a, Index lda, const real* b, Index ldb, Index columns) {
    GemmArgs g = transposed_product(m, columns, n, a, lda, b, ldb, sums.of[at].data());
    g.scratch = s.gemm.data();
    kernels().gemm(g);
  };
  // The last layer, and the second.
  add_product(P::last_weight, out_, grad, out_, second, d, d);
  add_columns(grad, n, out_, out_, sums.of[P::last_bias].data());
  Product{out_, d, packed_last_back_}(n, grad, out_, dhidden, d, nullptr, Activation::none, s.gemm.data());
  kernels().unary_backward(Unary::relu, second, dhidden, dhidden, n * d, 0);
  kernels().normalize_rows(first, normed, scales, n, d, kEps);
  add_product(P::second_weight, d, dhidden, d, normed, d, d);
  add_columns(dhidden, n, d, d, sums.of[P::second_bias].data());
  Product{d, d, packed_second_back_}(n, dhidden, d, dnormed, d, nullptr, Activation::none, s.gemm.data());
  // ReLU's gradient, which is 0 where dropout has zeroed too.
  kernels().normalize_rows_backward(normed, scales, dnormed, d, dhidden, first, nullptr, nullptr, n, d);
  // The first layer and the features, which are made again.
  make_features(signals.data() + begin * features_.signals, n, s.features.data(), s.derivatives.data());
  kernels().normalize_rows(s.features.data(), normed, scales, n, f, kEps);
  add_product(P::first_weight, kept_hidden_, dhidden, d, normed, f, kept_);
  add_columns(dhidden, n, kept_hidden_, d, sums.of[P::first_bias].data());
  Product{kept_hidden_, kept_, packed_first_back_}(n, dhidden, d, s.dfeatures.data(), f, nullptr, Activation::none,
                                                   s.gemm.data());
  kernels().normalize_rows_backward(normed, scales, s.dfeatures.data(), kept_, nullptr, nullptr, s.derivatives.data(),
                                    sums.of[P::phases].data(), n, f);
}

std::vector<Tensor> PixelNetwork::backward(const Tensor& signals, const Tensor& h1, const Tensor& h2,
                                           const Tensor& dy) const {
  const Index pixels = signals.dim(0), tiles = (pixels + kTile - 1) / kTile, parts = std::min(kParts, tiles);
  const int workers = threads();
  std::vector<Scratch> scratch;
  std::vector<Sums> sums;
  for (int worker = 0; worker < workers; ++worker) scratch.emplace_back(*this, true);
  for (Index part = 0; part < parts; ++part) sums.emplace_back(*this);
  parallel_for(parts, workers, [&](Index part, int worker) {
    for (Index tile = part * tiles / parts; tile < (part + 1) * tiles / parts; ++tile)
      backward_tile(signals, h1, h2, dy, tile * kTile, std::min(kTile, pixels - tile * kTile), scratch[usize(worker)],
                    sums[usize(part)]);
  });
  std::vector<Tensor> result;
  for (int i = 0; i < P::count; ++i) {
    for (std::size_t part = 1; part < sums.size(); ++part) add_to(sums[0].of[i], sums[part].of[i]);
    result.push_back(Tensor::zeros(parameters_[usize(i)].shape()));
  }
  if (sums.empty()) return result;
  // Back to the published order, times what dropout multiplied by.
  const Index f = features_.count();
  const auto column = [&](Index i) { return order_[usize(i)]; };
  const auto row = [&](Index i) { return hidden_order_[usize(i)]; };
  const auto in_scale = [&](Index i) {
    return i < kept_ && keep_in_.size() > 0 ? keep_in_.data()[column(i)] : i < kept_ ? 1 : 0;
  };
  Sums& total = sums[0];
  unfold(first_, norm_in_weight_, norm_in_bias_, total.of[P::first_bias], total.of[P::first_weight],
         total.of[P::norm_in_weight], total.of[P::norm_in_bias]);
  unfold(second_, norm_hidden_weight_, norm_hidden_bias_, total.of[P::second_bias], total.of[P::second_weight],
         total.of[P::norm_hidden_weight], total.of[P::norm_hidden_bias]);
  for (Index i = 0; i < f; ++i) {
    if (column(i) < 2 * features_.sines()) result[P::phases].data()[column(i)] = total.of[P::phases].data()[i];
    result[P::norm_in_weight].data()[column(i)] = total.of[P::norm_in_weight].data()[i] * in_scale(i);
    result[P::norm_in_bias].data()[column(i)] = total.of[P::norm_in_bias].data()[i] * in_scale(i);
  }
  for (Index i = 0; i < hidden_; ++i) {
    const real scale = i < kept_hidden_ ? first_scale_.data()[i] : 0;
    for (Index j = 0; j < kept_; ++j)
      result[P::first_weight].data()[row(i) * f + column(j)] = total.of[P::first_weight].data()[i * kept_ + j] * scale;
    result[P::first_bias].data()[row(i)] = total.of[P::first_bias].data()[i] * scale;
    result[P::norm_hidden_weight].data()[row(i)] = total.of[P::norm_hidden_weight].data()[i];
    result[P::norm_hidden_bias].data()[row(i)] = total.of[P::norm_hidden_bias].data()[i];
    for (Index j = 0; j < hidden_; ++j)
      result[P::second_weight].data()[j * hidden_ + row(i)] = total.of[P::second_weight].data()[j * hidden_ + i];
  }
  for (int i : {P::second_bias, P::last_weight, P::last_bias}) result[usize(i)] = total.of[i];
  return result;
}

}  // namespace fu
