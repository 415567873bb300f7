#include "featup/measure/linear_probe.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "core/eigen.h"
#include "layers/linear.h"
#include "layers/optimizer.h"

namespace fu {

namespace {

/// Mean of each channel, and 1 / its standard deviation: (C) each.
struct Standardization {
  Tensor mean, scale;
};

Standardization standardization_of(const std::vector<LabelledFeatures>& images) {
  const Index c = images[0].features.dim(3);
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(c), squares = sum;
  double cells = 0;
  for (const LabelledFeatures& image : images) {
    require<ShapeError>(image.features.rank() == 4 && image.features.dim(0) == 1 && image.features.dim(3) == c &&
                            static_cast<Index>(image.labels.size()) == image.height * image.width,
                        "[probe] features ", image.features.shape(), " and ", image.labels.size(), " labels for ",
                        image.height, "x", image.width, " pixels of features with ", c, " channels.");
    const Eigen::MatrixXd x = as_matrix(image.features).cast<double>();
    sum += x.colwise().sum();
    squares += x.cwiseAbs2().colwise().sum();
    cells += static_cast<double>(x.rows());
  }
  const Eigen::RowVectorXd mean = sum / cells, variance = squares / cells - mean.cwiseAbs2();
  return {to_tensor(mean), to_tensor(variance.cwiseMax(1e-12).cwiseSqrt().cwiseInverse())};
}

struct Sample {
  std::size_t image;
  Index row, col;
};

/// Pixels with a class, drawn with repetition from each image.
std::vector<Sample> draw_samples(const std::vector<LabelledFeatures>& images, const ProbeOptions& o, Random& draws) {
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const LabelledFeatures& image = images[i];
    std::vector<Index> known;
    for (Index p = 0; p < image.height * image.width; ++p)
      if (image.labels[usize(p)] < o.classes) known.push_back(p);
    for (Index n = 0; n < o.pixels && !known.empty(); ++n) {
      const Index p = known[usize(draws.below(static_cast<Index>(known.size())))];
      samples.push_back({i, p / image.width, p % image.width});
    }
  }
  require<UsageError>(!samples.empty(), "[probe] no pixel of the labelled images has a class from 0 to ", o.classes - 1,
                      ". Give labels of these classes.");
  return samples;
}

/// Features at a pixel, bilinear between the centres of cells: writes (C) reals.
void interpolate(const LabelledFeatures& image, Index row, Index col, real* out) {
  const Index h = image.features.dim(1), w = image.features.dim(2), c = image.features.dim(3);
  const auto place = [](Index at, Index pixels, Index cells, Index& low, Index& high) {
    const double x = (static_cast<double>(at) + 0.5) * static_cast<double>(cells) / static_cast<double>(pixels) - 0.5;
    const double inside = std::clamp(x, 0.0, static_cast<double>(cells - 1));
    low = static_cast<Index>(inside), high = std::min(low + 1, cells - 1);
    return static_cast<real>(inside - static_cast<double>(low));
  };
  Index top, bottom, left, right;
  const real down = place(row, image.height, h, top, bottom), across = place(col, image.width, w, left, right);
  const ConstMatrixMap x = as_matrix(image.features);
  as_matrix(out, 1, c) = (x.row(top * w + left) * (1 - across) + x.row(top * w + right) * across) * (1 - down) +
                         (x.row(bottom * w + left) * (1 - across) + x.row(bottom * w + right) * across) * down;
}

/// Standardised features of some samples (count,C), and their classes.
Tensor batch_of(const std::vector<LabelledFeatures>& images, const Sample* samples, Index count,
                const Standardization& standard, std::vector<Index>& labels) {
  Tensor x({count, standard.mean.dim(0)});
  for (Index i = 0; i < count; ++i) {
    const LabelledFeatures& image = images[samples[i].image];
    interpolate(image, samples[i].row, samples[i].col, x.data() + i * x.dim(1));
    labels.push_back(image.labels[usize(samples[i].row * image.width + samples[i].col)]);
  }
  ArrayMap rows = as_array(x);
  rows.rowwise() -= as_array(standard.mean).row(0);
  rows.rowwise() *= as_array(standard.scale).row(0);
  return x;
}

/// The layer as a map of features that are not standardised:
/// W (x - mean) scale + b = (W scale) x + (b - W scale mean).
ChannelMap without_standardization(const Linear& layer, const Standardization& standard) {
  const Tensor& weight = layer.weight.value;
  const Tensor rows = weight * standard.scale;
  return {
      rows.permute({1, 0}).clone(),
      layer.bias.value - linear(standard.mean.reshape({1, weight.dim(1)}), rows, Tensor()).reshape({weight.dim(0)})};
}

}  // namespace

ChannelMap train_probe(const std::vector<LabelledFeatures>& images, const ProbeOptions& o, const Progress& progress) {
  require<UsageError>(!images.empty() && o.classes >= 2 && o.pixels >= 1 && o.batch >= 1 && o.epochs >= 1, "[probe] ",
                      images.size(), " images, ", o.classes, " classes, ", o.pixels, " pixels, batch ", o.batch, ", ",
                      o.epochs, " epochs: a probe needs an image, two classes, and one of each other.");
  const Standardization standard = standardization_of(images);
  Random draws(o.seed, 0x70726f6265), initial(o.seed, 0x6c6179);
  std::vector<Sample> samples = draw_samples(images, o, draws);
  Linear layer(standard.mean.dim(0), o.classes, &initial);
  Adam adam(Adam::Kind::adam, layer.parameters(), o.lr);
  const Index n = static_cast<Index>(samples.size());
  for (Index epoch = 0; epoch < o.epochs; ++epoch) {
    for (Index i = n - 1; i > 0; --i) std::swap(samples[usize(i)], samples[usize(draws.below(i + 1))]);
    for (Index begin = 0; begin < n; begin += o.batch) {
      const Index count = std::min(o.batch, n - begin);
      auto labels = std::make_shared<std::vector<Index>>();
      const Tensor x = batch_of(images, samples.data() + begin, count, standard, *labels);
      adam.zero_grad();
      Tape tape;
      backward(cross_entropy(layer(Var(x)), labels));
      adam.step();
      if (progress)
        progress((static_cast<double>(epoch) + static_cast<double>(begin + count) / static_cast<double>(n)) /
                 static_cast<double>(o.epochs));
    }
  }
  return without_standardization(layer, standard);
}

ChannelMap joined(const std::vector<ChannelMap>& probes) {
  std::vector<Tensor> matrices, offsets;
  for (const ChannelMap& p : probes) matrices.push_back(p.matrix), offsets.push_back(p.offset);
  return {concat(matrices, 1), concat(offsets, 0)};
}

}  // namespace fu
