#include "featup/measure/linear_probe.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "layers/linear.h"
#include "layers/optimizer.h"

namespace fu {

namespace {

struct Sample {
  std::size_t image;
  Index row, col;
};

/// Features at a pixel, bilinear between cells' centres.
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
  const real* x = image.features.data();
  const real *a = x + (top * w + left) * c, *b = x + (top * w + right) * c, *d = x + (bottom * w + left) * c,
             *e = x + (bottom * w + right) * c;
  for (Index k = 0; k < c; ++k)
    out[k] = (a[k] * (1 - across) + b[k] * across) * (1 - down) + (d[k] * (1 - across) + e[k] * across) * down;
}

}  // namespace

ChannelMap train_probe(const std::vector<LabelledFeatures>& images, const ProbeOptions& o, const Progress& progress) {
  require<UsageError>(!images.empty() && o.classes >= 2 && o.pixels >= 1 && o.batch >= 1 && o.epochs >= 1,
                      "a probe needs an image, two classes, a pixel of each image, and an epoch.");
  const Index c = images[0].features.dim(3);
  std::vector<double> sum(static_cast<std::size_t>(c)), squares(sum.size());
  double cells = 0;
  for (const LabelledFeatures& image : images) {
    require<ShapeError>(image.features.rank() == 4 && image.features.dim(0) == 1 && image.features.dim(3) == c &&
                            static_cast<Index>(image.labels.size()) == image.height * image.width,
                        "[probe] features ", image.features.shape(), " and ", image.labels.size(), " labels for ",
                        image.height, "x", image.width, " pixels of features with ", c, " channels.");
    for (Index i = 0; i < image.features.size(); ++i) {
      const double v = static_cast<double>(image.features.data()[i]);
      sum[static_cast<std::size_t>(i % c)] += v, squares[static_cast<std::size_t>(i % c)] += v * v;
    }
    cells += static_cast<double>(image.features.size() / c);
  }
  Tensor mean({c}), scale({c});
  for (Index k = 0; k < c; ++k) {
    const double m = sum[static_cast<std::size_t>(k)] / cells,
                 variance = squares[static_cast<std::size_t>(k)] / cells - m * m;
    mean.data()[k] = static_cast<real>(m),
    scale.data()[k] = static_cast<real>(1 / std::sqrt(std::max(variance, 1e-12)));
  }

  Random draws(o.seed, 0x70726f6265), initial(o.seed, 0x6c6179);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const LabelledFeatures& image = images[i];
    std::vector<Index> known;
    for (Index p = 0; p < image.height * image.width; ++p)
      if (image.labels[static_cast<std::size_t>(p)] < o.classes) known.push_back(p);
    for (Index n = 0; n < o.pixels && !known.empty(); ++n) {
      const Index p = known[static_cast<std::size_t>(draws.below(static_cast<Index>(known.size())))];
      samples.push_back({i, p / image.width, p % image.width});
    }
  }
  require<UsageError>(!samples.empty(), "no pixel of the labelled images has a class from 0 to ", o.classes - 1, ".");

  Linear layer(c, o.classes, &initial);
  Adam adam(Adam::Kind::adam, layer.parameters(), o.lr);
  const Index n = static_cast<Index>(samples.size());
  for (Index epoch = 0; epoch < o.epochs; ++epoch) {
    for (Index i = n - 1; i > 0; --i)
      std::swap(samples[static_cast<std::size_t>(i)], samples[static_cast<std::size_t>(draws.below(i + 1))]);
    for (Index begin = 0; begin < n; begin += o.batch) {
      const Index count = std::min(o.batch, n - begin);
      Tensor x({count, c});
      auto labels = std::make_shared<std::vector<Index>>();
      for (Index i = 0; i < count; ++i) {
        const Sample& s = samples[static_cast<std::size_t>(begin + i)];
        const LabelledFeatures& image = images[s.image];
        real* row = x.data() + i * c;
        interpolate(image, s.row, s.col, row);
        for (Index k = 0; k < c; ++k) row[k] = (row[k] - mean.data()[k]) * scale.data()[k];
        labels->push_back(image.labels[static_cast<std::size_t>(s.row * image.width + s.col)]);
      }
      adam.zero_grad();
      Tape tape;
      backward(cross_entropy(layer(x), labels));
      adam.step();
      if (progress)
        progress((static_cast<double>(epoch) + static_cast<double>(begin + count) / static_cast<double>(n)) /
                 static_cast<double>(o.epochs));
    }
  }
  // logits = W (x - mean) scale + b = (W scale) x + (b - W scale mean)
  const Tensor rows = layer.weight.value * scale;
  return {rows.permute({1, 0}).clone(),
          layer.bias.value - linear(mean.reshape({1, c}), rows, Tensor()).reshape({o.classes})};
}

ChannelMap joined(const std::vector<ChannelMap>& probes) {
  std::vector<Tensor> matrices, offsets;
  for (const ChannelMap& p : probes) matrices.push_back(p.matrix), offsets.push_back(p.offset);
  return {concat(matrices, 1), concat(offsets, 0)};
}

}  // namespace fu
