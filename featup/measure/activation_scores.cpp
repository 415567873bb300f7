#include "featup/measure/activation_scores.h"

#include <algorithm>

namespace fu {

Tensor activation_mask(const Tensor& scores) {
  const auto [low, high] = std::minmax_element(scores.data(), scores.data() + scores.size());
  const real from = *low, range = *high > *low ? *high - *low : real(1);
  Tensor mask(scores.shape());
  for (Index p = 0; p < scores.size(); ++p) mask.data()[p] = (scores.data()[p] - from) / range;
  return mask;
}

Tensor masked_image(const Tensor& image, const Tensor& mask) {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && mask.size() * 3 == image.size(), "[mask] image ",
                      image.shape(), " and mask ", mask.shape(), ": must be (1,H,W,3) and (1,H,W,1).");
  Tensor out(image.shape());
  for (Index p = 0; p < mask.size(); ++p)
    for (Index c = 0; c < 3; ++c) out.data()[3 * p + c] = image.data()[3 * p + c] * mask.data()[p];
  return out;
}

double average_drop(const std::vector<MaskedProbability>& photos) {
  double sum = 0;
  for (const MaskedProbability& p : photos) sum += p.whole > 0 ? std::max(0.0, p.whole - p.masked) / p.whole : 0;
  return photos.empty() ? 0 : 100 * sum / static_cast<double>(photos.size());
}

double average_increase(const std::vector<MaskedProbability>& photos) {
  double count = 0;
  for (const MaskedProbability& p : photos) count += p.masked > p.whole ? 1 : 0;
  return photos.empty() ? 0 : 100 * count / static_cast<double>(photos.size());
}

}  // namespace fu
