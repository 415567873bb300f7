// y = softmax(keep (s + bias + d z) w + b) along each window, z a given noise. With u the argument of the softmax, du =
// y (dy - sum of dy y); then db = du, dw = du times what w multiplies, ds = du w keep, dd = ds z, and dbias the sum of
// ds. One pass over the windows in place of ten.
#include "autograd/gradient_cases.h"
#include "core/isa.h"

namespace fu {

Var pooling_attention(const Var& saliency, const Var& deviation, const Tensor& noise, const Tensor& keep, const Var& w,
                      const Var& b, const Var& bias) {
  require<ShapeError>(
      saliency.rank() == 2 && saliency.dim(1) > 0 && w.size() == saliency.dim(1) && b.size() == w.size() &&
          bias.size() == 1 &&
          (deviation.size() == 0 || (deviation.shape() == saliency.shape() && noise.shape() == saliency.shape())) &&
          (keep.size() == 0 || keep.size() == saliency.dim(0)),
      "[pooling_attention] saliency ", saliency.shape(), ", deviation ", deviation.shape(), ", noise ", noise.shape(),
      ", keep ", keep.shape(), ", w ", w.shape(), ", b ", b.shape(),
      ": must be (N,K), the next two alike or empty, (N) or empty, (K), (K).");
  const bool noisy = deviation.size() > 0;
  const auto arguments = [=](const Tensor& s, const Tensor& d, const Tensor& z, const Tensor& k, const Tensor& wv,
                             const Tensor& bv, real bias_of) {
    PoolingAttentionArgs g;
    g.rows = s.dim(0), g.n = s.dim(1), g.saliency = s.data();
    if (noisy) g.deviation = d.data(), g.noise = z.data();
    g.keep = k.size() > 0 ? k.data() : nullptr;
    g.w = wv.data(), g.b = bv.data(), g.bias = bias_of;
    return g;
  };
  Tensor y(saliency.shape());
  kernels().pooling_attention(
      arguments(saliency.value, deviation.value, noise, keep, w.value, b.value, bias.value.item()), y.data());
  return record("pooling_attention", {saliency, deviation, w, b, bias}, y,
                [=, s = saliency.value, d = deviation.value, wv = w.value, bv = b.value,
                 bias_of = bias.value](const Gradient& grad) {
                  const PoolingAttentionArgs g = arguments(s, d, noise, keep, wv, bv, bias_of.item());
                  Tensor ds(s.shape()), dd(d.shape()), dw(wv.shape()), db(bv.shape()), dbias(bias_of.shape());
                  Tensor scratch({kernels().pooling_attention_scratch(g) + 1});
                  kernels().pooling_attention_backward(g, y.data(), grad.dy.data(), ds.data(),
                                                       noisy ? dd.data() : nullptr, dw.data(), db.data(), dbias.data(),
                                                       scratch.data());
                  grad.add(0, std::move(ds));
                  if (noisy) grad.add(1, std::move(dd));
                  grad.add(2, std::move(dw));
                  grad.add(3, std::move(db));
                  grad.add(4, std::move(dbias));
                });
}

void gradient_cases_pooling_attention(GradientCases& cases) {
  using In = const std::vector<Var>&;
  for (const Shape& shape : {Shape{30, 9}, Shape{1, 1}, Shape{5, 65}}) {
    const Tensor noise = cases.normal(shape);
    Tensor some = Tensor::full({shape[0]}, 1);
    some.data()[shape[0] / 2] = shape[0] > 1 ? 0 : real(1.5);
    for (const Tensor& keep : {Tensor(), some}) {
      const std::string name = shape.str() + (keep.size() > 0 ? " with some dropped" : "");
      const std::vector<Tensor> last = {cases.normal({shape[1]}), cases.normal({shape[1]}), cases.normal({1})};
      cases.add(name, {cases.normal(shape), last[0], last[1], last[2]},
                [=](In x) { return pooling_attention(x[0], Tensor(), {}, keep, x[1], x[2], x[3]); });
      cases.add(name + ", noise", {cases.normal(shape), cases.normal(shape), last[0], last[1], last[2]},
                [=](In x) { return pooling_attention(x[0], x[1], noise, keep, x[2], x[3], x[4]); });
    }
  }
}

}  // namespace fu
