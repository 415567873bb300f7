#include "featup/classes/label_map.h"

#include <algorithm>
#include <cmath>

#include "core/ops.h"
#include "core/parallel.h"

namespace fu {

namespace {

constexpr Index kPixelsEach = 4096;  // of a thread's piece

/// The best class so far of every pixel.
class Leaders {
 public:
  Leaders(const Classes& classes, Index pixels, double threshold)
      : classes_(classes),
        threshold_(threshold),
        labels(usize(pixels), kNoClass),
        best(usize(pixels), -INFINITY),
        rest(classes.kind == ScoreKind::softmax ? usize(pixels) : 0, 0.0f) {}

  /// scores (pixels, last - first) of classes `first` to before `last`.
  void add(const Tensor& scores, Index first, const std::vector<ClassShare>& shares);
  /// Turns the best scores into confidences, and takes back those below the threshold.
  std::vector<float> confidences();

 private:
  void add_softmax(const real* s, Index k, Index first, std::size_t p);
  void add_best(const real* s, Index k, Index first, std::size_t p, const std::vector<ClassShare>& shares);

  const Classes& classes_;
  double threshold_;

 public:
  Labels labels;
  std::vector<float> best;  // score; of activation maps, the activation stands in `rest`'s place at the end
  std::vector<float> rest;  // softmax: the sum over classes of exp(scale * (score - best))
  std::vector<float> activation;
};

void Leaders::add_softmax(const real* s, Index k, Index first, std::size_t p) {
  const auto scale = static_cast<float>(classes_.scale);
  for (Index i = 0; i < k; ++i) {
    const auto v = static_cast<float>(s[i]);
    if (v > best[p]) {
      rest[p] = rest[p] > 0 ? rest[p] * std::exp(scale * (best[p] - v)) + 1 : 1;
      best[p] = v;
      labels[p] = static_cast<unsigned char>(first + i);
    } else {
      rest[p] += std::exp(scale * (v - best[p]));
    }
  }
}

void Leaders::add_best(const real* s, Index k, Index first, std::size_t p, const std::vector<ClassShare>& shares) {
  for (Index i = 0; i < k; ++i) {
    const auto v = static_cast<float>(s[i]);
    if (!(v > best[p])) continue;
    if (classes_.kind == ScoreKind::activation) {
      const ClassShare& of = shares[usize(first + i)];
      const double share = of.high > of.low ? (static_cast<double>(v) - of.low) / (of.high - of.low) : 0;
      if (share < threshold_) continue;
      activation[p] = static_cast<float>(share);
    }
    best[p] = v;
    labels[p] = static_cast<unsigned char>(first + i);
  }
}

void Leaders::add(const Tensor& scores, Index first, const std::vector<ClassShare>& shares) {
  const Index k = scores.dim(-1), pixels = scores.size() / k;
  if (classes_.kind == ScoreKind::activation && activation.empty()) activation.assign(usize(pixels), 0.0f);
  parallel_ranges(pixels, kPixelsEach, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      if (classes_.kind == ScoreKind::softmax)
        add_softmax(scores.data() + p * k, k, first, usize(p));
      else
        add_best(scores.data() + p * k, k, first, usize(p), shares);
    }
  });
}

std::vector<float> Leaders::confidences() {
  if (classes_.kind == ScoreKind::activation) return std::move(activation);
  parallel_ranges(static_cast<Index>(best.size()), kPixelsEach, [&](Index begin, Index end) {
    for (std::size_t p = usize(begin); p < usize(end); ++p) {
      const double score = classes_.scale * static_cast<double>(best[p]) + classes_.bias;
      best[p] = classes_.kind == ScoreKind::softmax ? 1 / rest[p] : static_cast<float>(1 / (1 + std::exp(-score)));
      if (static_cast<double>(best[p]) < threshold_) labels[p] = kNoClass;
    }
  });
  return std::move(best);
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

/// Smallest and largest score of every class in scores (pixels,k).
void find_ranges(const Tensor& scores, Index first, std::vector<ClassShare>& shares) {
  const Index k = scores.dim(-1), pixels = scores.size() / k;
  std::vector<real> low(scores.data(), scores.data() + k), high = low;
  for (Index p = 0; p < pixels; ++p)
    for (Index i = 0; i < k; ++i) {
      const real v = scores.data()[p * k + i];
      low[usize(i)] = std::min(low[usize(i)], v), high[usize(i)] = std::max(high[usize(i)], v);
    }
  for (Index i = 0; i < k; ++i) {
    shares[usize(first + i)].low = static_cast<double>(low[usize(i)]);
    shares[usize(first + i)].high = static_cast<double>(high[usize(i)]);
  }
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
  Leaders leaders(classes, pixels, threshold);
  Classes part = classes;
  for (Index first = 0; first < k; first += at_a_time) {
    const Index last = std::min(k, first + at_a_time);
    part.map = columns_of(classes.map, first, last);
    part.names.assign(classes.names.begin() + first, classes.names.begin() + last);
    const Tensor scores = upsampled_scores(upsampler, features, guide, size, part, [&](double f) {
      if (progress)
        progress((static_cast<double>(first) + f * static_cast<double>(last - first)) / static_cast<double>(k));
    });
    find_ranges(scores, first, map.classes);
    leaders.add(scores, first, map.classes);
    for (Index i = first; each && i < last; ++i)
      each({i, scores.data() + i - first, last - first, map.classes[usize(i)].low, map.classes[usize(i)].high});
  }
  map.confidence = leaders.confidences();
  map.labels = std::move(leaders.labels);
  sum_up(map);
  return map;
}

}  // namespace fu
