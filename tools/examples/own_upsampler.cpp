// example_own_upsampler
//
// An upsampling method of your own, under a name of its own beside the library's: every pixel is the mean of the 3x3
// cells about it, each weighed by how alike its colour and the pixel's are. It is scored on features that are known at
// every pixel: colours.
#include <featup/featup.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>

using namespace fu;

namespace {

class ColorBlend : public Upsampler {
 public:
  std::string describe() const override { return "color-blend: the cells about a pixel, by likeness of colour"; }
  Cost cost() const override { return Cost::one_pass; }
  Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress&) const override {
    // Weights sum to 1, so a map over channels gives the same before as after, and costs less before.
    const Tensor x = map ? linear(features, map->matrix.permute({1, 0}), map->offset) : features;
    const Tensor photo = guide(size.height, size.width), cells = adaptive_avg_pool(photo, x.dim(1), x.dim(2));
    const Index h = x.dim(1), w = x.dim(2), c = x.dim(3);
    Tensor y = Tensor::zeros({1, size.height, size.width, c});
    for (Index p = 0; p < size.height * size.width; ++p) {
      const Index row = p / size.width * h / size.height, col = p % size.width * w / size.width;
      real total = 0;
      for (Index i = std::max<Index>(row - 1, 0); i <= std::min(row + 1, h - 1); ++i)
        for (Index j = std::max<Index>(col - 1, 0); j <= std::min(col + 1, w - 1); ++j) {
          real distance = 0;
          for (Index k = 0; k < 3; ++k)
            distance += std::pow(photo.data()[3 * p + k] - cells.data()[3 * (i * w + j) + k], real(2));
          const real weight = std::exp(-8 * distance) + real(1e-6);
          for (Index k = 0; k < c; ++k) y.data()[p * c + k] += weight * x.data()[(i * w + j) * c + k];
          total += weight;
        }
      for (Index k = 0; k < c; ++k) y.data()[p * c + k] /= total;
    }
    return y;
  }
};

/// A disc on a floor that becomes brighter, (1,96,96,3).
Tensor draw() {
  Tensor photo({1, 96, 96, 3});
  for (Index p = 0; p < 96 * 96; ++p)
    for (Index k = 0; k < 3; ++k)
      photo.data()[3 * p + k] =
          std::hypot(static_cast<real>(p / 96 - 40), static_cast<real>(p % 96 - 50)) < 25 ? real(k) : real(p) / 9216;
  return photo;
}

}  // namespace

int main() try {
  const UpsamplerOptions none;
  UpsamplerMethod method;  // the registry line
  method.name = method.usage = "color-blend";
  method.summary = "the cells about a pixel, by likeness of colour";
  method.open = [](const std::string&, const UpsamplerOptions&) { return std::make_unique<ColorBlend>(); };
  register_upsampler(method);

  const Tensor photo = draw(), coarse = adaptive_avg_pool(photo, 12, 12);
  const Guide guide = [&](Index h, Index w) { return resize_bilinear(photo, h, w); };
  for (const char* name : {"bilinear", "color-blend"}) {
    const Tensor fine = (*open_upsampler(name, none))(coarse, guide, {96, 96});
    std::printf("%-12s mean squared error %.4f\n", name, double(mean(unary(Unary::square, fine - photo)).item()));
  }
  const ChannelMap green{Tensor::from({3, 1}, {0, 1, 0}), Tensor()};  // one channel alone, at a third of the cost
  const Tensor one = (*open_upsampler("color-blend", none))(coarse, guide, {96, 96}, &green);
  std::printf("%s of one channel\n", one.shape().str().c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "example_own_upsampler: error: %s\n", error.what());
  return 1;
}
