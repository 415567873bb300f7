#include "featup/fit/validation_views.h"

#include "core/ops.h"
#include "featup/measure/views.h"

namespace fu {

Tensor view_residual(const Tensor& map, const JitteredView& v, Extent image) {
  return predict_view(map, v.jitter, image.height, image.width, v.features.dim(1), v.features.dim(2)) - v.features;
}

void ValidationViews::measure_variance() {
  const Index c = views_.at(0).features.dim(3);
  std::vector<double> mean(usize(c));
  const double cells = static_cast<double>(views_[0].features.size() / c) * static_cast<double>(views_.size());
  for (const JitteredView& v : views_)
    for (Index i = 0; i < v.features.size(); ++i)
      mean[usize(i % c)] += static_cast<double>(v.features.data()[i]) / cells;
  for (const JitteredView& v : views_)
    for (Index i = 0; i < v.features.size(); ++i) {
      const double deviation = static_cast<double>(v.features.data()[i]) - mean[usize(i % c)];
      variance_ += deviation * deviation;
    }
}

void ValidationViews::project(const Pca& pca) {
  for (JitteredView& v : views_) {
    const Tensor kept = pca.project(v.features), residual = v.features - pca.unproject(kept);
    lost_ += static_cast<double>(sum(unary(Unary::square, residual)).item());
    v.features = kept;
  }
}

double ValidationViews::explained_by(const Tensor& map) const {
  if (!(variance_ > 0)) return 0;
  double error = lost_;
  for (const JitteredView& v : views_)
    error += static_cast<double>(sum(unary(Unary::square, view_residual(map, v, image_))).item());
  return 1 - error / variance_;
}

double ValidationViews::explained_with(double squared_error) const {
  return variance_ > 0 ? 1 - (squared_error + lost_) / variance_ : 0;
}

}  // namespace fu
