// example_fit_photo IN.ppm OUT.ppm [STEPS]
//
// Trains a network to map a pixel's place to its colour, for one small photo (djpeg -scale 1/8 photo.jpg > in.ppm).
// From plain coordinates it learns a blurred picture, from sines and cosines of them the edges too. FeatUp's implicit
// upsampler does this with features. source: Tancik et al., Fourier features (arXiv 2006.10739)
#include <featup/featup.h>
#include <featup/layers/fourier_features.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

using namespace fu;

namespace {
/// Binary PPM: "P6 WIDTH HEIGHT 255", one separator, the bytes. Comments are not read.
Tensor read_ppm(const std::string& path, Index& width, Index& height) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int most = 0;
  if (!(file >> magic >> width >> height >> most) || magic != "P6" || most != 255 || width < 1 || height < 1)
    throw FileError(path + ": no binary PPM of 8 bits");
  std::vector<char> bytes(usize(width * height * 3));
  if (!file.ignore(1).read(bytes.data(), std::streamsize(bytes.size()))) throw FileError(path + ": too short");
  Tensor colors({width * height, 3});
  for (Index i = 0; i < colors.size(); ++i)
    colors.data()[i] = static_cast<real>(static_cast<unsigned char>(bytes[usize(i)])) / 255;
  return colors;
}

/// Trains three layers on inputs x (N,C) and returns the colours that they then give, (N,3).
Tensor fit(const char* what, const Tensor& x, const Tensor& colors, Index steps) {
  Random random(1);
  Sequential net;
  net.push<Linear>(x.dim(1), 128, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(128, 128, &random);
  net.push<Elementwise>(Unary::relu);
  net.push<Linear>(128, 3, &random);
  net.push<Elementwise>(Unary::sigmoid);
  Adam adam(Adam::Kind::adam, net.parameters(), 3e-3);
  for (Index step = 0; step < steps; ++step) {
    adam.lr = 3e-3 * warmup_cosine(step, steps / 20, steps);
    adam.zero_grad();
    Tape tape;  // records until the end of this scope
    backward(mean(square(net(Var(x)) - Var(colors))));
    adam.step();
  }
  const Tensor y = net(x);  // on a plain tensor nothing is recorded
  const double error = static_cast<double>(mean(unary(Unary::square, y - colors)).item());
  std::printf("%s PSNR %.2f dB\n", what, -10 * std::log10(error));
  return y;
}
}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw UsageError("usage: example_fit_photo IN.ppm OUT.ppm [STEPS]");
  Index width = 0, height = 0;
  const Tensor colors = read_ppm(argv[1], width, height);
  const Index steps = argc > 3 ? std::max(1L, std::atol(argv[3])) : 300;
  Tensor places({width * height, 2});  // on [-1,1]
  for (Index p = 0; p < width * height; ++p) {
    places.data()[2 * p] = 2 * real(p / width) / real(height) - 1;
    places.data()[2 * p + 1] = 2 * real(p % width) / real(width) - 1;
  }
  // From one period across the picture to one every four pixels; a pixel grid cannot show much higher frequencies.
  const real highest = std::log(real(std::max(width, height)) / 4 * real(3.14));
  const FourierFeatures waves(2, log_spaced_frequencies(std::log(real(3)), highest, 12), false);
  fit("plain coordinates:", places, colors, steps);
  const Tensor learned = fit("Fourier features: ", waves(places), colors, steps);
  std::ofstream file(argv[2], std::ios::binary);
  file << "P6 " << width << ' ' << height << " 255\n";
  for (Index i = 0; i < learned.size(); ++i) file.put(static_cast<char>(std::lround(255 * learned.data()[i])));
} catch (const std::exception& error) {
  std::fprintf(stderr, "example_fit_photo: error: %s\n", error.what());
  return 1;
}
