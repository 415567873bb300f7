// Chapter 6: why a network learns a blurred photo from coordinates, and a sharp one from sines and cosines of them.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "featup/measure/scene.h"
#include "layers/activation.h"
#include "layers/fourier_features.h"
#include "layers/linear.h"
#include "layers/optimizer.h"
#include "layers/sequential.h"
#include "tools/book/book.h"
#include "tools/book/picture.h"
#include "tools/cli/progress.h"
#include "tools/media/line_chart.h"
#include "tools/media/pictures.h"

using namespace fu;

namespace {

constexpr double kTurn = 6.283185307179586;  // radians

//! [features]
/// x (N,S), frequencies (S,D) in radians -> (N,2D), rows of length 1.
Tensor fourier_features(const Tensor& x, const Tensor& frequencies) {
  const Tensor phase = matmul(x, frequencies);
  const Tensor waves = concat({unary(Unary::cos, phase), unary(Unary::sin, phase)}, -1);
  return unary(Unary::affine, waves, 1 / std::sqrt(static_cast<real>(frequencies.dim(1))));
}
//! [features]

/// 201 numbers from 0 to 1.
Tensor distances() { return Tensor::from({201, 1}, linspace(0, 1, 201)); }

void kernel_section() {
  constexpr double kSigma = 10;  // radians per unit of x
  const Tensor x = distances();
  LineChart chart{"The kernel of random Fourier features",
                  "distance of two inputs",
                  "dot product of their features",
                  "frequencies drawn with a standard deviation of 10 radians per unit",
                  {}};
  Line exact{"exp(-50 d^2)", {}, {}};
  for (Index i = 0; i < x.size(); ++i) {
    const auto d = static_cast<double>(x.data()[i]);
    exact.x.push_back(d), exact.y.push_back(std::exp(-kSigma * kSigma * d * d / 2));
  }
  std::printf("frequencies   rms error   times sqrt(frequencies)\n");
  for (const Index count : {16, 64, 256, 1024, 4096}) {
    double square = 0;
    constexpr int kDraws = 20;
    for (int draw = 0; draw < kDraws; ++draw) {
      Random random(static_cast<std::uint64_t>(draw));
      const Tensor frequencies = unary(Unary::affine, random.normal({1, count}), static_cast<real>(kSigma));
      const Tensor f = fourier_features(x, frequencies);
      const Tensor products = matmul(f, f.slice(0, 1), false, true);  // with the features of 0
      Line line{std::to_string(count) + " frequencies", exact.x, {}};
      for (Index i = 0; i < x.size(); ++i) {
        line.y.push_back(static_cast<double>(products.data()[i]));
        square += std::pow(line.y.back() - exact.y[usize(i)], 2) / static_cast<double>(kDraws * x.size());
      }
      if (draw == 0 && (count == 16 || count == 256)) chart.lines.push_back(line);
    }
    std::printf("%11ld   %9.4f   %23.2f\n", static_cast<long>(count), std::sqrt(square),
                std::sqrt(square * static_cast<double>(count)));
  }
  chart.lines.push_back(exact);
  write_line_chart(book::figure("6-kernel.svg"), chart);
}

/// Rows x_i = i/N of cos(2 pi k x_i) and sin(2 pi k x_i), k = 1 .. waves, times amplitude(k): (N, 2 waves).
template <class F>
Tensor wave_rows(Index n, Index waves, const F& amplitude) {
  Tensor rows({n, 2 * waves});
  for (Index i = 0; i < n; ++i)
    for (Index k = 1; k <= waves; ++k) {
      const double phase = kTurn * static_cast<double>(k * i) / static_cast<double>(n);
      rows.data()[i * 2 * waves + 2 * k - 2] = static_cast<real>(amplitude(k) * std::cos(phase));
      rows.data()[i * 2 * waves + 2 * k - 1] = static_cast<real>(amplitude(k) * std::sin(phase));
    }
  return rows;
}

/// Amplitude of the wave sin(2 pi k i/N) in r (N,1).
double amplitude_of(const Tensor& r, Index k) {
  double total = 0;
  for (Index i = 0; i < r.size(); ++i)
    total +=
        static_cast<double>(r.data()[i]) * std::sin(kTurn * static_cast<double>(k * i) / static_cast<double>(r.size()));
  return 2 * total / static_cast<double>(r.size());
}

/// The sum of sin(2 pi k x) for k = 1, 4, 16 at N places: (N,1).
Tensor three_waves(Index n) {
  Tensor y({n, 1});
  for (Index i = 0; i < n; ++i) {
    double total = 0;
    for (const Index k : {1, 4, 16}) total += std::sin(kTurn * static_cast<double>(k * i) / static_cast<double>(n));
    y.data()[i] = static_cast<real>(total);
  }
  return y;
}

//! [descend]
/// Gradient descent on 1/2 |features w - y|^2 from w = 0; returns the residual y - features w.
Tensor descend(const Tensor& features, const Tensor& y, double rate, int steps) {
  Parameter w(Tensor::zeros({features.dim(1), 1}));
  Sgd sgd({&w}, rate);
  for (int step = 0; step < steps; ++step) {
    sgd.zero_grad();
    Tape tape;
    backward(affine(sum(square(matmul(Var(features), Var(w)) - Var(y))), real(0.5)));
    sgd.step();
  }
  return y - matmul(features, w.value);
}
//! [descend]

void modes_section() {
  constexpr Index kPlaces = 64, kWaves = 20;
  constexpr int kSteps = 50;
  constexpr double kRate = 0.02;
  const Tensor y = three_waves(kPlaces);
  std::printf("residual of each wave after %d steps: predicted, measured\n", kSteps);
  std::printf("amplitudes          k = 1             k = 4            k = 16\n");
  const auto row = [&](const char* name, const auto& amplitude) {
    const Tensor r = descend(wave_rows(kPlaces, kWaves, amplitude), y, kRate, kSteps);
    std::printf("%-12s", name);
    for (const Index k : {1, 4, 16}) {
      const double shrink = 1 - kRate * static_cast<double>(kPlaces) / 2 * std::pow(amplitude(k), 2);
      std::printf("   %6.4f %6.4f ", std::pow(shrink, kSteps), amplitude_of(r, k));
    }
    std::printf("\n");
  };
  row("1/k", [](Index k) { return 1 / static_cast<double>(k); });
  row("1/sqrt(k)", [](Index k) { return 1 / std::sqrt(static_cast<double>(k)); });
  row("1/3", [](Index) { return 1.0 / 3; });
}

//! [network]
/// A network of three layers, trained on rows x (N,S) to give y (N,C). colors: a sigmoid ends it.
/// watch(step, prediction) sees how it goes.
template <class F>
Tensor train(const Tensor& x, const Tensor& y, Index hidden, Index steps, double rate, bool colors, const F& watch) {
  Random random(1);
  Sequential net;
  net.push<Linear>(x.dim(1), hidden, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(hidden, hidden, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(hidden, y.dim(1), &random);
  if (colors) net.push<Elementwise>(Unary::sigmoid);
  Adam adam(Adam::Kind::adam, net.parameters(), rate);
  for (Index step = 0; step < steps; ++step) {
    adam.lr = rate * warmup_cosine(step, steps / 20, steps);
    adam.zero_grad();
    Tape tape;
    const Var prediction = net(Var(x));
    backward(mean(square(prediction - Var(y))));
    adam.step();
    watch(step, prediction.value);
  }
  return net(x);
}
//! [network]

/// How fast a network learns each of three waves, from x itself and from waves of x.
void waves_section() {
  constexpr Index kPlaces = 256, kSteps = 400;
  const Tensor y = three_waves(kPlaces), x = Tensor::from({kPlaces, 1}, linspace(-1, 1, kPlaces));
  LineChart chart{"What is left of three waves while a network learns their sum",
                  "steps",
                  "amplitude of the residual",
                  "three layers of 128 channels, Adam; the network sees x itself, or 40 waves of x",
                  {}};
  const auto learn = [&](const char* name, const Tensor& input) {
    const std::size_t first = chart.lines.size();
    for (const Index k : {1, 4, 16}) chart.lines.push_back({std::string(name) + ", k = " + std::to_string(k), {}, {}});
    train(input, y, 128, kSteps, 3e-3, false, [&](Index step, const Tensor& prediction) {
      const Tensor left = y - prediction;
      std::size_t line = first;
      for (const Index k : {1, 4, 16}) {
        chart.lines[line].x.push_back(static_cast<double>(step));
        chart.lines[line++].y.push_back(std::abs(amplitude_of(left, k)));
      }
    });
    std::printf("%-8s residual after %ld steps:", name, static_cast<long>(kSteps));
    for (std::size_t i = 0; i < 3; ++i) std::printf("  %.3f", chart.lines[first + i].y.back());
    std::printf("   (k = 1, 4, 16)\n");
  };
  learn("place", x);
  learn("waves", wave_rows(kPlaces, 20, [](Index) { return 1.0; }));
  write_line_chart(book::figure("6-waves.svg"), chart);
}

/// Every pixel's place on [-1,1]^2: (side * side, 2).
Tensor places(Index side) {
  const std::vector<real> at = linspace(-1, 1, side);
  Tensor xy({side * side, 2});
  for (Index p = 0; p < side * side; ++p)
    xy.data()[2 * p] = at[usize(p / side)], xy.data()[2 * p + 1] = at[usize(p % side)];
  return xy;
}

Image picture(const Tensor& colors, Index side) {
  Image image{side, side, {}};
  for (Index i = 0; i < colors.size(); ++i)
    image.rgb.push_back(
        static_cast<unsigned char>(std::lround(255 * std::clamp(static_cast<double>(colors.data()[i]), 0.0, 1.0))));
  return image;
}

void photo_section() {
  constexpr Index kSide = 112, kSteps = 250, kHidden = 128, kWaves = 48;
  const Image photo = render_scene(3, kSide, kSide).image;
  Tensor colors({kSide * kSide, 3});
  for (Index i = 0; i < colors.size(); ++i) colors.data()[i] = static_cast<real>(photo.rgb[usize(i)]) / 255;
  const Tensor xy = places(kSide);
  LineChart chart{"A photo of 112 x 112 pixels, learned from places and from waves",
                  "steps",
                  "PSNR of the colours, dB",
                  "higher is better; 20 dB: an error of a tenth of the range",
                  {}};
  std::vector<Image> pictures = {photo};
  const auto learn = [&](const char* name, const Tensor& input) {
    Line line{name, {}, {}};
    const double start = now_seconds();
    const Tensor result = train(input, colors, kHidden, kSteps, 3e-3, true, [&](Index step, const Tensor& prediction) {
      const double error = static_cast<double>(mean(unary(Unary::square, prediction - colors)).item());
      line.x.push_back(static_cast<double>(step)), line.y.push_back(-10 * std::log10(error));
    });
    const double error = static_cast<double>(mean(unary(Unary::square, result - colors)).item());
    std::printf("%-28s %3ld inputs   PSNR %.1f dB   %.1f s\n", name, static_cast<long>(input.dim(1)),
                -10 * std::log10(error), now_seconds() - start);
    chart.lines.push_back(line);
    pictures.push_back(picture(result, kSide));
  };
  learn("places", xy);
  // From one period across the picture to one every four pixels, along rows and along columns.
  const FourierFeatures axes(
      2, log_spaced_frequencies(std::log(real(3)), std::log(static_cast<real>(kSide) / 4 * real(3.14)), kWaves / 2),
      false);
  learn("waves along rows and columns", axes(xy));
  Random random(2);
  const Tensor frequencies = unary(Unary::affine, random.normal({2, kWaves}), 12);
  learn("waves in random directions",
        unary(Unary::affine, fourier_features(xy, frequencies), std::sqrt(static_cast<real>(kWaves))));
  write_line_chart(book::figure("6-photo.svg"), chart);
  for (Image& p : pictures) p = enlarge_nearest(p, 2 * kSide, 2 * kSide);
  book::write_pictures("6-photo.png", pictures);
}

}  // namespace

int main(int argc, char** argv) {
  return book::run_sections(
      argc, argv,
      {{"kernel", kernel_section}, {"modes", modes_section}, {"waves", waves_section}, {"photo", photo_section}});
}
