#include "featup/measure/segmentation.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "featup/measure/class_colors.h"

namespace fu {

std::vector<bool> near_boundaries(const Labels& labels, Index height, Index width, Index classes, Index reach) {
  // The smallest and the largest label around every pixel, first along its row, then along its column. They differ
  // where another label is near.
  constexpr int kNone = 1 << 20;
  const std::size_t n = usize(height * width);
  std::vector<int> low(n), high(n);
  const auto known = [&](std::size_t p) { return labels[p] < classes; };
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      int least = kNone, most = -1;
      for (Index k = std::max<Index>(0, j - reach); k <= std::min(width - 1, j + reach); ++k) {
        const std::size_t p = usize(i * width + k);
        if (known(p)) least = std::min<int>(least, labels[p]), most = std::max<int>(most, labels[p]);
      }
      low[usize(i * width + j)] = least, high[usize(i * width + j)] = most;
    }
  std::vector<bool> near(n);
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      int least = kNone, most = -1;
      for (Index k = std::max<Index>(0, i - reach); k <= std::min(height - 1, i + reach); ++k) {
        const std::size_t p = usize(k * width + j);
        least = std::min(least, low[p]), most = std::max(most, high[p]);
      }
      const std::size_t p = usize(i * width + j);
      near[p] = known(p) && least < most;
    }
  return near;
}

void Confusion::add(const Confusion& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

double Confusion::accuracy() const {
  Index right = 0, all = 0;
  for (Index a = 0; a < classes_; ++a)
    for (Index b = 0; b < classes_; ++b) {
      const Index n = counts_[usize(a * classes_ + b)];
      all += n, right += a == b ? n : 0;
    }
  return all > 0 ? static_cast<double>(right) / static_cast<double>(all) : NAN;
}

double Confusion::iou(Index c) const {
  Index either = 0;
  for (Index k = 0; k < classes_; ++k)
    either += counts_[usize(c * classes_ + k)] + (k == c ? 0 : counts_[usize(k * classes_ + c)]);
  const auto both = static_cast<double>(counts_[usize(c * classes_ + c)]);
  return either > 0 ? both / static_cast<double>(either) : NAN;
}

double Confusion::mean_iou() const {
  std::vector<double> all;
  for (Index c = 0; c < classes_; ++c) all.push_back(iou(c));
  return spread_of(all).mean;
}

Labels largest_of(const Tensor& logits, Index first, Index k) {
  const Index n = logits.dim(1) * logits.dim(2), c = logits.dim(3);
  Labels best(usize(n));
  parallel_ranges(n, 4096, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      const real* x = logits.data() + p * c + first;
      best[usize(p)] = static_cast<unsigned char>(std::max_element(x, x + k) - x);
    }
  });
  return best;
}

Image paint_labels(const Labels& labels, Index height, Index width, Index classes) {
  Image picture{height, width, {}};
  picture.rgb.reserve(3 * labels.size());
  for (unsigned char label : labels) {
    const auto color = label < classes ? class_color(label) : std::array<unsigned char, 3>{0, 0, 0};
    picture.rgb.insert(picture.rgb.end(), color.begin(), color.end());
  }
  return picture;
}

Spread spread_of(const std::vector<double>& values) {
  double sum = 0, squares = 0, n = 0;
  for (double v : values)
    if (std::isfinite(v)) sum += v, ++n;
  if (n == 0) return {NAN, 0};
  for (double v : values)
    if (std::isfinite(v)) squares += (v - sum / n) * (v - sum / n);
  return {sum / n, std::sqrt(squares / n)};
}

}  // namespace fu
