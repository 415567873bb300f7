#include "tools/cli/outlines.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"

namespace fu {

namespace {

constexpr int kRounds = 20;  // of k-means

double squared_distance(const real* a, const real* b, Index n) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += static_cast<double>((a[i] - b[i]) * (a[i] - b[i]));
  return sum;
}

using Centres = std::vector<std::vector<real>>;  // rows of n numbers

std::vector<real> features_at(const Tensor& x, Index pixel) {
  const Index n = x.dim(3);
  return {x.data() + pixel * n, x.data() + (pixel + 1) * n};
}

/// The nearest centre at every pixel of x (1,H,W,n).
Labels nearest(const Tensor& x, const Centres& centres) {
  const Index n = x.dim(3), pixels = x.dim(1) * x.dim(2);
  Labels labels(usize(pixels));
  parallel_ranges(pixels, 1024, [&](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      double least = INFINITY;
      for (std::size_t k = 0; k < centres.size(); ++k) {
        const double d = squared_distance(x.data() + p * n, centres[k].data(), n);
        if (d < least) least = d, labels[usize(p)] = static_cast<unsigned char>(k);
      }
    }
  });
  return labels;
}

/// Begins at the pixel in the middle; each further centre is the pixel that is farthest from all before.
Centres far_apart(const Tensor& x, Index k) {
  const Index n = x.dim(3), pixels = x.dim(1) * x.dim(2);
  Centres centres = {features_at(x, pixels / 2 + x.dim(2) / 2)};
  std::vector<double> away(usize(pixels), INFINITY);
  while (static_cast<Index>(centres.size()) < k) {
    for (Index p = 0; p < pixels; ++p)
      away[usize(p)] = std::min(away[usize(p)], squared_distance(x.data() + p * n, centres.back().data(), n));
    centres.push_back(features_at(x, std::max_element(away.begin(), away.end()) - away.begin()));
  }
  return centres;
}

/// Every centre moves to the mean of its pixels; one without pixels stays.
void move_to_means(const Tensor& x, const Labels& labels, Centres& centres) {
  const Index n = x.dim(3);
  std::vector<std::vector<double>> sums(centres.size(), std::vector<double>(usize(n)));
  std::vector<double> counts(centres.size());
  for (std::size_t p = 0; p < labels.size(); ++p) {
    const std::size_t c = labels[p];
    for (Index i = 0; i < n; ++i) sums[c][usize(i)] += static_cast<double>(x.data()[static_cast<Index>(p) * n + i]);
    ++counts[c];
  }
  for (std::size_t c = 0; c < centres.size(); ++c)
    for (std::size_t i = 0; i < sums[c].size() && counts[c] > 0; ++i)
      centres[c][i] = static_cast<real>(sums[c][i] / counts[c]);
}

/// Share of a's pixels that have one of b's within reach.
double share_near(const std::vector<bool>& a, const std::vector<bool>& b, Index height, Index width, Index reach) {
  double all = 0, near = 0;
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      if (!a[usize(i * width + j)]) continue;
      ++all;
      bool found = false;
      for (Index y = std::max<Index>(0, i - reach); y <= std::min(height - 1, i + reach) && !found; ++y)
        for (Index x = std::max<Index>(0, j - reach); x <= std::min(width - 1, j + reach) && !found; ++x)
          found = b[usize(y * width + x)];
      near += found;
    }
  return all > 0 ? near / all : 0;
}

}  // namespace

Labels clusters_of(const Tensor& x, Index k) {
  Centres centres = far_apart(x, k);
  Labels labels;
  for (int round = 0; round < kRounds; ++round) {
    labels = nearest(x, centres);
    move_to_means(x, labels, centres);
  }
  return labels;
}

std::vector<bool> outlines_of(const Labels& labels, Index height, Index width) {
  std::vector<bool> outline(labels.size());
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j) {
      const std::size_t p = usize(i * width + j);
      outline[p] =
          (j + 1 < width && labels[p] != labels[p + 1]) || (i + 1 < height && labels[p] != labels[p + usize(width)]);
    }
  return outline;
}

double outline_score(const Labels& found, const Labels& exact, Index height, Index width, Index tolerance) {
  const std::vector<bool> drawn = outlines_of(found, height, width), true_ones = outlines_of(exact, height, width);
  const double precision = share_near(drawn, true_ones, height, width, tolerance),
               recall = share_near(true_ones, drawn, height, width, tolerance);
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

Index click_on(const Labels& labels, Index height, Index width, unsigned char label) {
  // Distance to the nearest other pixel or border, in steps along rows and columns: one pass down, one up.
  std::vector<Index> depth(labels.size());
  const auto at = [&](Index i, Index j) {
    return i < 0 || j < 0 || i >= height || j >= width ? 0 : depth[usize(i * width + j)];
  };
  for (Index i = 0; i < height; ++i)
    for (Index j = 0; j < width; ++j)
      if (labels[usize(i * width + j)] == label) depth[usize(i * width + j)] = 1 + std::min(at(i - 1, j), at(i, j - 1));
  for (Index i = height - 1; i >= 0; --i)
    for (Index j = width - 1; j >= 0; --j) {
      Index& d = depth[usize(i * width + j)];
      if (d > 0) d = std::min(d, 1 + std::min(at(i + 1, j), at(i, j + 1)));
    }
  const auto best = std::max_element(depth.begin(), depth.end());
  return *best > 0 ? best - depth.begin() : -1;
}

Clicks clicks_on_all(const Labels& labels, Index height, Index width, Index objects) {
  Clicks clicks;
  for (Index k = 0; k < objects; ++k) {
    const Index p = click_on(labels, height, width, static_cast<unsigned char>(k));
    if (p >= 0) clicks.pixels.push_back(p), clicks.labels.push_back(k);
  }
  return clicks;
}

double click_score(const Tensor& x, const Labels& exact, const Clicks& clicks) {
  Centres prototypes;
  for (Index p : clicks.pixels) prototypes.push_back(features_at(x, p));
  const Labels named = nearest(x, prototypes);
  Confusion confusion(static_cast<Index>(clicks.labels.size()));
  for (std::size_t p = 0; p < named.size(); ++p) {
    const auto it = std::find(clicks.labels.begin(), clicks.labels.end(), static_cast<Index>(exact[p]));
    confusion.add(it - clicks.labels.begin(), named[p]);
  }
  return confusion.mean_iou();
}

}  // namespace fu
