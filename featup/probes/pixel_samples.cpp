#include "featup/probes/pixel_samples.h"

#include <algorithm>
#include <cmath>

#include "core/eigen.h"
#include "core/parallel.h"

namespace fu {

namespace {

using Row = Eigen::RowVectorXd;

Eigen::Map<const Row> row_of(const std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

/// Features at a pixel, bilinear between the centres of cells: writes (C) reals.
void interpolate(const Tensor& features, const PixelTargets& targets, Index pixel, real* out) {
  const Index h = features.dim(1), w = features.dim(2), c = features.dim(3);
  const auto place = [](Index at, Index pixels, Index cells, Index& low, Index& high) {
    const double x = (static_cast<double>(at) + 0.5) * static_cast<double>(cells) / static_cast<double>(pixels) - 0.5;
    const double inside = std::clamp(x, 0.0, static_cast<double>(cells - 1));
    low = static_cast<Index>(inside), high = std::min(low + 1, cells - 1);
    return static_cast<real>(inside - static_cast<double>(low));
  };
  Index top, bottom, left, right;
  const real down = place(pixel / targets.width, targets.height, h, top, bottom),
             across = place(pixel % targets.width, targets.width, w, left, right);
  const ConstMatrixMap x = as_matrix(features);
  as_matrix(out, 1, c) = (x.row(top * w + left) * (1 - across) + x.row(top * w + right) * across) * (1 - down) +
                         (x.row(bottom * w + left) * (1 - across) + x.row(bottom * w + right) * across) * down;
}

void require_fit(const Tensor& features, const PixelTargets& t) {
  const Index pixels = t.height * t.width;
  const bool numbers = t.labels.empty();
  require<ShapeError>(
      features.rank() == 4 && features.dim(0) == 1 && features.size() > 0 &&
          (numbers ? t.numbers.rank() == 3 && t.numbers.dim(0) == t.height && t.numbers.dim(1) == t.width
                   : static_cast<Index>(t.labels.size()) == pixels),
      "[probe] features ", features.shape(), " and ", numbers ? t.numbers.size() : static_cast<Index>(t.labels.size()),
      numbers ? " numbers for " : " labels for ", t.height, "x", t.width, " pixels: they do not fit together.");
}

Tensor targets_of(const PixelTargets& t, const std::vector<Index>& pixels) {
  const Index k = t.labels.empty() ? t.numbers.dim(2) : 1;
  Tensor out({static_cast<Index>(pixels.size()), k});
  for (std::size_t i = 0; i < pixels.size(); ++i) t.copy(pixels[i], out.data() + static_cast<Index>(i) * k);
  return out;
}

}  // namespace

bool PixelTargets::known(Index p, Index outputs) const {
  if (!labels.empty()) return labels[usize(p)] < outputs;
  const real* x = numbers.data() + p * outputs;
  return std::all_of(x, x + outputs, [](real v) { return std::isfinite(v); });
}

void PixelTargets::copy(Index p, real* out) const {
  if (!labels.empty()) {
    *out = static_cast<real>(labels[usize(p)]);
    return;
  }
  const Index k = numbers.dim(2);
  std::copy_n(numbers.data() + p * k, k, out);
}

void Moments::add(const Tensor& x) {
  if (x.size() == 0) return;
  const Eigen::MatrixXd rows = as_matrix(x).cast<double>();
  const Row one = rows.colwise().sum(), two = rows.cwiseAbs2().colwise().sum();
  Moments here;
  here.sum.assign(one.data(), one.data() + one.size());
  here.squares.assign(two.data(), two.data() + two.size());
  here.count = static_cast<double>(rows.rows());
  add(here);
}

void Moments::add(const Moments& other) {
  if (other.sum.empty()) return;
  if (sum.empty()) sum.assign(other.sum.size(), 0), squares.assign(other.sum.size(), 0);
  require<ShapeError>(sum.size() == other.sum.size(), "[probe] features with ", other.sum.size(),
                      " channels beside features with ", sum.size(), ": one probe takes features of one backbone.");
  for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += other.sum[c], squares[c] += other.squares[c];
  count += other.count;
}

Standardization::Standardization(const Moments& moments) {
  const Row average = row_of(moments.sum) / moments.count,
            variance = row_of(moments.squares) / moments.count - average.cwiseAbs2();
  mean = to_tensor(average), scale = to_tensor(variance.cwiseMax(1e-12).cwiseSqrt().cwiseInverse());
}

void Standardization::apply(Tensor& x) const {
  ArrayMap rows = as_array(x);
  rows.rowwise() -= as_array(mean).row(0);
  rows.rowwise() *= as_array(scale).row(0);
}

std::vector<Index> draw_pixels(const PixelTargets& targets, const ProbeOptions& o, Random& draws) {
  std::vector<std::uint32_t> known;
  for (Index p = 0; p < targets.height * targets.width; ++p)
    if (targets.known(p, o.outputs)) known.push_back(static_cast<std::uint32_t>(p));
  std::vector<Index> drawn;
  for (Index n = 0; n < o.pixels && !known.empty(); ++n)
    drawn.push_back(known[usize(draws.below(static_cast<Index>(known.size())))]);
  return drawn;
}

PhotoSamples take_samples(const Tensor& features, const PixelTargets& targets, const std::vector<Index>& pixels) {
  require_fit(features, targets);
  const Index n = static_cast<Index>(pixels.size()), c = features.dim(3);
  PhotoSamples s{Tensor({n, c}), targets_of(targets, pixels), {}, {}};
  for (Index i = 0; i < n; ++i) interpolate(features, targets, pixels[usize(i)], s.features.data() + i * c);
  s.cells.add(features), s.target_moments.add(s.targets);
  return s;
}

PhotoSamples take_fine_samples(const Tensor& fine, const Tensor& cells, const PixelTargets& targets,
                               const std::vector<Index>& pixels) {
  require_fit(fine, targets);
  require<ShapeError>(fine.dim(1) == targets.height && fine.dim(2) == targets.width, "[probe] a map ", fine.shape(),
                      " for ", targets.height, "x", targets.width, " pixels: there must be a vector for each pixel.");
  const Index n = static_cast<Index>(pixels.size()), c = fine.dim(3);
  PhotoSamples s{Tensor({n, c}), targets_of(targets, pixels), {}, {}};
  for (Index i = 0; i < n; ++i) std::copy_n(fine.data() + pixels[usize(i)] * c, c, s.features.data() + i * c);
  s.cells.add(cells), s.target_moments.add(s.targets);
  return s;
}

void throw_nothing_known(const ProbeOptions& o) {
  if (o.kind == Probe::Kind::numbers)
    throw UsageError("[probe] no pixel of the photos has a number. Give pictures of numbers that are finite.");
  throw UsageError(cat("[probe] no pixel of the labelled images has a class from 0 to ", o.outputs - 1,
                       ". Give labels of these classes."));
}

SamplesInMemory::SamplesInMemory(const std::vector<LabelledFeatures>& photos, const ProbeOptions& o, Random& draws)
    : photos_(photos) {
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const LabelledFeatures& photo = photos[i];
    require_fit(photo.features, photo);
    require<ShapeError>(!photo.labels.empty() || photo.numbers.dim(2) == o.outputs, "[probe] numbers ",
                        photo.numbers.shape(), " for a probe of ", o.outputs, " outputs.");
    cells_.add(photo.features);
    std::vector<real> target(usize(photo.labels.empty() ? o.outputs : 1));
    targets_ = static_cast<Index>(target.size());
    const std::vector<Index> pixels = draw_pixels(photo, o, draws);
    target_moments_.add(targets_of(photo, pixels));
    for (const Index pixel : pixels)
      places_.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(pixel)});
  }
  if (places_.empty()) throw_nothing_known(o);
  channels_ = photos.front().features.dim(3);
}

void SamplesInMemory::read(const std::uint32_t* samples, Index n, Tensor& features, Tensor& targets) const {
  for (Index i = 0; i < n; ++i) {
    const Place& place = places_[samples[i]];
    const LabelledFeatures& photo = photos_[place.photo];
    interpolate(photo.features, photo, place.pixel, features.data() + i * channels_);
    photo.copy(place.pixel, targets.data() + i * targets_);
  }
}

ChosenSamples SamplesInMemory::all() const {
  ChosenSamples chosen{std::vector<std::uint32_t>(places_.size()), cells_, target_moments_};
  for (std::size_t i = 0; i < places_.size(); ++i) chosen.samples[i] = static_cast<std::uint32_t>(i);
  return chosen;
}

}  // namespace fu
