#include "featup/classes/label_map.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/ops.h"
#include "core/parallel.h"

namespace fu {

namespace {

constexpr Index kPixelsEach = 4096;  // of a thread's piece

/// The best class so far of every pixel.
class Leaders {
 public:
  Leaders(const Classes& classes, Index pixels)
      : classes_(classes),
        best_(usize(pixels), -INFINITY),
        sum_(classes.kind == ScoreKind::softmax ? usize(pixels) : 0),
        labels_(usize(pixels), kNoClass) {}

  /// scores (pixels, k) of the classes from `first` on.
  void add(const Tensor& scores, Index first);
  /// Labels and confidences of all classes; labels below the threshold are taken back.
  void finish(double threshold, LabelMap& map);

 private:
  void take_best(const real* scores, Index k, Index first, std::size_t p);
  void add_to_sums(const Tensor& scores, Index first, Index begin, Index end, real* scratch);
  double confidence(std::size_t p, const std::vector<ClassShare>& classes) const;

  const Classes& classes_;
  std::vector<float> best_;  // score
  std::vector<float> sum_;   // of a softmax: over the classes, exp(scale * (score - best))
  Labels labels_;
};

/// The best of pixel p's k scores, and of those before.
void Leaders::take_best(const real* scores, Index k, Index first, std::size_t p) {
  for (Index i = 0; i < k; ++i) {
    const auto v = static_cast<float>(scores[i]);
    if (!(v > best_[p])) continue;
    best_[p] = v;
    labels_[p] = static_cast<unsigned char>(first + i);
  }
}

/// Pixels [begin, end) of a softmax: their best scores, and the sums that belong to them.
void Leaders::add_to_sums(const Tensor& scores, Index first, Index begin, Index end, real* scratch) {
  const Index k = scores.dim(-1);
  const double scale = classes_.scale;
  for (Index p = begin; p < end; ++p) {
    const real* const s = scores.data() + p * k;
    const float before = best_[usize(p)];
    take_best(s, k, first, usize(p));
    const auto best = static_cast<real>(best_[usize(p)]);
    if (best_[usize(p)] > before && sum_[usize(p)] > 0)
      sum_[usize(p)] *= static_cast<float>(std::exp(scale * (static_cast<double>(before) - static_cast<double>(best))));
    for (Index i = 0; i < k; ++i) scratch[(p - begin) * k + i] = static_cast<real>(scale) * (s[i] - best);
  }
  kernels().unary(Unary::exp, scratch, scratch, (end - begin) * k, 0, 0);
  for (Index p = begin; p < end; ++p)
    for (Index i = 0; i < k; ++i) sum_[usize(p)] += static_cast<float>(scratch[(p - begin) * k + i]);
}

void Leaders::add(const Tensor& scores, Index first) {
  const Index k = scores.dim(-1);
  parallel_ranges(scores.size() / k, kPixelsEach, [&](Index begin, Index end) {
    if (sum_.empty()) {
      for (Index p = begin; p < end; ++p) take_best(scores.data() + p * k, k, first, usize(p));
      return;
    }
    const Index block = std::max<Index>(1, 8192 / k);
    std::vector<real> scratch(usize(block * k));
    for (Index p = begin; p < end; p += block) add_to_sums(scores, first, p, std::min(p + block, end), scratch.data());
  });
}

double Leaders::confidence(std::size_t p, const std::vector<ClassShare>& classes) const {
  const auto score = static_cast<double>(best_[p]);
  if (classes_.kind == ScoreKind::softmax) return 1 / static_cast<double>(sum_[p]);
  if (classes_.kind == ScoreKind::sigmoid) return 1 / (1 + std::exp(-classes_.scale * score - classes_.bias));
  const ClassShare& of = classes[labels_[p]];
  return of.high > of.low ? (score - of.low) / (of.high - of.low) : 0;
}

void Leaders::finish(double threshold, LabelMap& map) {
  parallel_ranges(static_cast<Index>(best_.size()), kPixelsEach, [&](Index begin, Index end) {
    for (std::size_t p = usize(begin); p < usize(end); ++p) {
      const double sure = labels_[p] == kNoClass ? 0 : confidence(p, map.classes);
      best_[p] = static_cast<float>(sure);
      if (sure < threshold) labels_[p] = kNoClass;
    }
  });
  map.labels = std::move(labels_), map.confidence = std::move(best_);
}

/// Scores from upsampled features (1,H,W,C), some pixels at a time.
Tensor scores_of_fine(const Classes& classes, const Tensor& fine) {
  constexpr Index kPixels = 8192;
  const Index pixels = fine.dim(1) * fine.dim(2), k = classes.size();
  const Tensor all = fine.reshape({pixels, fine.dim(3)}), weight = classes.map.matrix.permute({1, 0}).clone();
  Tensor out({1, fine.dim(1), fine.dim(2), k});
  for (Index p = 0; p < pixels; p += kPixels) {
    const Tensor hidden = linear(all.slice(p, std::min(pixels, p + kPixels)), classes.hidden_weight,
                                 classes.hidden_bias, Activation::relu);
    const Tensor scores = linear(hidden, weight, classes.map.offset);
    std::copy_n(scores.data(), scores.size(), out.data() + p * k);
  }
  return out;
}

/// scores (pixels,k) -> (k,pixels): each class's scores one after another, as those who look at one class want them.
Tensor planes_of_scores(const Tensor& scores) {
  constexpr Index kBlock = 256;  // pixels that stay in the cache while all classes take theirs
  const Index k = scores.dim(-1), pixels = scores.size() / k;
  Tensor planes({k, pixels});
  parallel_ranges(pixels, kPixelsEach, [&](Index begin, Index end) {
    for (Index p = begin; p < end; p += kBlock) {
      const Index last = std::min(p + kBlock, end);
      for (Index i = 0; i < k; ++i)
        for (Index q = p; q < last; ++q) planes.data()[i * pixels + q] = scores.data()[q * k + i];
    }
  });
  return planes;
}

/// Smallest and largest score of every class.
void find_ranges(const Tensor& planes, Index first, std::vector<ClassShare>& shares) {
  const Index pixels = planes.dim(1);
  parallel_ranges(planes.dim(0), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const real* const plane = planes.data() + i * pixels;
      real low = plane[0], high = plane[0];
      for (Index p = 1; p < pixels; ++p) low = std::min(low, plane[p]), high = std::max(high, plane[p]);
      shares[usize(first + i)].low = static_cast<double>(low),
                           shares[usize(first + i)].high = static_cast<double>(high);
    }
  });
}

void sum_up(LabelMap& map) {
  for (std::size_t p = 0; p < map.labels.size(); ++p) {
    if (map.labels[p] == kNoClass) continue;
    ClassShare& of = map.classes[map.labels[p]];
    ++of.pixels;
    of.confidence += static_cast<double>(map.confidence[p]);
  }
  for (ClassShare& of : map.classes)
    if (of.pixels > 0) of.confidence /= static_cast<double>(of.pixels);
}

}  // namespace

Tensor upsampled_scores(const Upsampler& upsampler, const Tensor& features, const Guide& guide, Extent size,
                        const Classes& classes, const Progress& progress) {
  const ScoreSource source = score_source(classes, features);
  if (classes.hidden_after) return scores_of_fine(classes, upsampler(source.features, guide, size, nullptr, progress));
  return upsampler(source.features, guide, size, &source.map, progress);
}

LabelMap label_pixels(const Upsampler& upsampler, const Tensor& features, const Guide& guide, Extent size,
                      const Classes& classes, double threshold, const std::function<void(const ScorePlane&)>& each,
                      const Progress& progress, Index scores_at_a_time) {
  const Index k = classes.size(), pixels = size.height * size.width;
  require<UsageError>(k >= 1 && k <= kMostClasses && classes.map.matrix.dim(1) == k, "[classes] ", k,
                      " classes: a label map has 1 to ", kMostClasses, ".");
  const bool at_once = classes.hidden_after || upsampler.cost() == Cost::many_passes;
  const Index at_a_time = at_once ? k : std::clamp<Index>(scores_at_a_time / std::max<Index>(1, pixels), 1, k);
  LabelMap map{size, {}, {}, std::vector<ClassShare>(usize(k))};
  Leaders leaders(classes, pixels);
  Classes part = classes;
  for (Index first = 0; first < k; first += at_a_time) {
    const Index last = std::min(k, first + at_a_time);
    part.map = columns_of(classes.map, first, last);
    part.names.assign(classes.names.begin() + first, classes.names.begin() + last);
    const Tensor scores = upsampled_scores(upsampler, features, guide, size, part, [&](double f) {
      if (progress)
        progress((static_cast<double>(first) + f * static_cast<double>(last - first)) / static_cast<double>(k));
    });
    leaders.add(scores, first);
    const Tensor planes = planes_of_scores(scores);
    find_ranges(planes, first, map.classes);
    for (Index i = first; each && i < last; ++i)
      each({i, planes.data() + (i - first) * pixels, map.classes[usize(i)].low, map.classes[usize(i)].high});
  }
  leaders.finish(threshold, map);
  sum_up(map);
  return map;
}

}  // namespace fu
