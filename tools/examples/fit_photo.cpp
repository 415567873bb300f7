// example_fit_photo [IMAGE] [--steps N] [--size N] [--out FILE.png]
//
// Trains a network to map a pixel's place to its colour, for one picture. From plain coordinates it learns only a
// blurred picture, because a small network varies slowly. From sines and cosines of the coordinates, the same network
// learns the edges too. FeatUp's implicit upsampler does this with features in place of colours. source: Tancik et al.,
// "Fourier features let networks learn high frequency functions" (arXiv 2006.10739)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "featup/measure/scene.h"
#include "layers/activation.h"
#include "layers/fourier_features.h"
#include "layers/linear.h"
#include "layers/optimizer.h"
#include "layers/sequential.h"
#include "tools/media/image_io.h"
#include "tools/media/pictures.h"

using namespace fu;

namespace {

/// Every pixel's place on [-1,1]^2: (H*W, 2).
Tensor places(Index h, Index w) {
  const std::vector<real> rows = linspace(-1, 1, h), cols = linspace(-1, 1, w);
  Tensor xy({h * w, 2});
  for (Index p = 0; p < h * w; ++p) {
    xy.data()[2 * p] = rows[static_cast<std::size_t>(p / w)];
    xy.data()[2 * p + 1] = cols[static_cast<std::size_t>(p % w)];
  }
  return xy;
}

/// Peak signal-to-noise ratio in dB, for colours in [0,1].
double psnr(const Tensor& a, const Tensor& b) {
  return -10 * std::log10(static_cast<double>(mean(unary(Unary::square, a - b)).item()));
}

/// Trains a network of three layers on inputs x (N,C) and returns the colours it then gives, (N,3).
Tensor fit(const Tensor& x, const Tensor& colors, Index steps) {
  constexpr Index kHidden = 128;
  Random random(1);
  Sequential net;
  net.push<Linear>(x.dim(1), kHidden, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(kHidden, kHidden, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(kHidden, 3, &random);
  net.push<Elementwise>(Unary::sigmoid);

  Adam adam(Adam::Kind::adam, net.parameters(), 3e-3);
  for (Index step = 0; step < steps; ++step) {
    adam.lr = 3e-3 * warmup_cosine(step, steps / 20, steps);
    adam.zero_grad();
    Tape tape;  // records until the end of this scope
    const Var loss = mean(square(net(Var(x)) - Var(colors)));
    backward(loss);
    adam.step();
  }
  return net(x);  // on a plain tensor nothing is recorded
}

Image picture(const Tensor& colors, Index h, Index w) {
  Image image{h, w, std::vector<unsigned char>(static_cast<std::size_t>(h * w * 3))};
  for (Index i = 0; i < colors.size(); ++i)
    image.rgb[static_cast<std::size_t>(i)] =
        static_cast<unsigned char>(std::lround(255 * std::clamp(static_cast<double>(colors.data()[i]), 0.0, 1.0)));
  return image;
}

int run(int argc, char** argv) {
  std::string path, out = "fit_photo.png";
  Index steps = 300, size = 128;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--steps" && more)
      steps = std::atol(argv[++i]);
    else if (arg == "--size" && more)
      size = std::atol(argv[++i]);
    else if (arg == "--out" && more)
      out = argv[++i];
    else if (arg[0] != '-')
      path = arg;
    else
      throw UsageError("usage: example_fit_photo [IMAGE] [--steps N] [--size N] [--out FILE.png]");
  }
  if (steps < 1 || size < 8) throw UsageError("--steps wants a number of at least 1, --size one of at least 8");
  const Image photo = path.empty() ? render_scene(1, size, size).image : cover(read_image(path), size, size);
  Tensor colors({size * size, 3});
  for (Index i = 0; i < colors.size(); ++i)
    colors.data()[i] = static_cast<real>(photo.rgb[static_cast<std::size_t>(i)]) / 255;

  const Tensor xy = places(size, size);
  // From one period across the picture to one every four pixels; a pixel grid cannot show much higher frequencies.
  const FourierFeatures features(
      2, log_spaced_frequencies(std::log(real(3)), std::log(static_cast<real>(size) / 4 * real(3.14)), 12), false);
  const Tensor plain = fit(xy, colors, steps), fourier = fit(features(xy), colors, steps);
  std::printf("plain coordinates: PSNR %.2f dB\nFourier features:  PSNR %.2f dB\n", psnr(plain, colors),
              psnr(fourier, colors));
  write_png(out, side_by_side({photo, picture(plain, size, size), picture(fourier, size, size)}));
  std::printf("%s: the picture, learned from plain coordinates, learned from Fourier features\n", out.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "example_fit_photo: error: %s\n", error.what());
    return 1;
  }
}
