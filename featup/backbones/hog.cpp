#include "featup/backbones/hog.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/parallel.h"

namespace fu {

namespace {

constexpr Index kDirections = 18, kOrientations = 9;
constexpr double kPi = 3.14159265358979323846;

double linear_light(double v) { return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4); }
double lab_curve(double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; }

/// L / 100, a / 100, b / 100 of an sRGB colour.
void to_lab(const real* rgb, double* lab) {
  const double r = linear_light(std::clamp<double>(rgb[0], 0, 1)), g = linear_light(std::clamp<double>(rgb[1], 0, 1)),
               b = linear_light(std::clamp<double>(rgb[2], 0, 1));
  const double x = lab_curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047),
               y = lab_curve(0.2126729 * r + 0.7151522 * g + 0.0721750 * b),
               z = lab_curve((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  lab[0] = (116 * y - 16) / 100;
  lab[1] = 5 * (x - y);
  lab[2] = 2 * (y - z);
}

/// One image: histograms of gradients, soft-assigned to the four nearest cells.
std::vector<double> histograms(const real* image, Index h, Index w, Index cell) {
  const Index rows = h / cell, cols = w / cell;
  std::vector<double> hist(static_cast<std::size_t>(rows * cols * kDirections));
  const auto at = [&](Index y, Index x, Index c) {
    return static_cast<double>(image[(std::clamp<Index>(y, 0, h - 1) * w + std::clamp<Index>(x, 0, w - 1)) * 3 + c]);
  };
  for (Index y = 0; y < h; ++y)
    for (Index x = 0; x < w; ++x) {
      // The channel with the strongest gradient decides.
      double best = -1, gx = 0, gy = 0;
      for (Index c = 0; c < 3; ++c) {
        const double dx = at(y, x + 1, c) - at(y, x - 1, c), dy = at(y + 1, x, c) - at(y - 1, x, c);
        if (dx * dx + dy * dy > best) {
          best = dx * dx + dy * dy;
          gx = dx;
          gy = dy;
        }
      }
      if (best <= 0) continue;
      const double angle = std::atan2(gy, gx), turn = (angle < 0 ? angle + 2 * kPi : angle) / (2 * kPi);
      const Index direction = static_cast<Index>(std::lround(turn * kDirections)) % kDirections;
      const double row = (static_cast<double>(y) + 0.5) / static_cast<double>(cell) - 0.5,
                   col = (static_cast<double>(x) + 0.5) / static_cast<double>(cell) - 0.5;
      const auto r0 = static_cast<Index>(std::floor(row)), c0 = static_cast<Index>(std::floor(col));
      for (Index i = 0; i < 2; ++i)
        for (Index j = 0; j < 2; ++j) {
          const Index r = r0 + i, c = c0 + j;
          if (r < 0 || c < 0 || r >= rows || c >= cols) continue;
          const double weight =
              (1 - std::abs(row - static_cast<double>(r))) * (1 - std::abs(col - static_cast<double>(c)));
          hist[static_cast<std::size_t>((r * cols + c) * kDirections + direction)] += weight * std::sqrt(best);
        }
    }
  return hist;
}

}  // namespace

Tensor hog(const Tensor& image, Index cell) {
  require<ShapeError>(image.rank() == 4 && image.dim(3) == 3 && cell >= 1 && image.dim(1) >= cell &&
                          image.dim(2) >= cell && image.dim(1) % cell == 0 && image.dim(2) % cell == 0,
                      "[hog] image ", image.shape(), " for cells of ", cell,
                      ": must be (B,H,W,3) with H and W multiples of ", cell, ".");
  const Index b = image.dim(0), h = image.dim(1), w = image.dim(2), rows = h / cell, cols = w / cell;
  Tensor out({b, rows, cols, kHogChannels});
  parallel_for(b, [&](Index n, int) {
    const real* pixels = image.data() + n * h * w * 3;
    const std::vector<double> hist = histograms(pixels, h, w, cell);
    const auto bin = [&](Index r, Index c, Index d) {
      r = std::clamp<Index>(r, 0, rows - 1);
      c = std::clamp<Index>(c, 0, cols - 1);
      return hist[static_cast<std::size_t>((r * cols + c) * kDirections + d)];
    };
    std::vector<double> energy(static_cast<std::size_t>(rows * cols));
    for (Index i = 0; i < rows * cols; ++i)
      for (Index d = 0; d < kOrientations; ++d) {
        const double v = bin(i / cols, i % cols, d) + bin(i / cols, i % cols, d + kOrientations);
        energy[static_cast<std::size_t>(i)] += v * v;
      }
    const auto energy_at = [&](Index r, Index c) {
      return energy[static_cast<std::size_t>(std::clamp<Index>(r, 0, rows - 1) * cols +
                                             std::clamp<Index>(c, 0, cols - 1))];
    };
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) {
        // Each cell is normalised by the energy of the four blocks of 2x2 cells it belongs to, and cut off at 0.2.
        double scale[4];
        for (Index k = 0; k < 4; ++k) {
          const Index dr = k / 2 * 2 - 1, dc = k % 2 * 2 - 1;
          scale[k] = 1 / std::sqrt(energy_at(r, c) + energy_at(r + dr, c) + energy_at(r, c + dc) +
                                   energy_at(r + dr, c + dc) + 1e-4);
        }
        real* f = out.data() + ((n * rows + r) * cols + c) * kHogChannels;
        double texture[4] = {};
        for (Index d = 0; d < kDirections; ++d) {
          double total = 0;
          for (Index k = 0; k < 4; ++k) {
            const double v = std::min(0.2, bin(r, c, d) * scale[k]);
            total += v;
            texture[k] += v;
          }
          f[d] = static_cast<real>(0.5 * total);
        }
        for (Index d = 0; d < kOrientations; ++d) {
          double total = 0;
          for (Index k = 0; k < 4; ++k)
            total += std::min(0.2, (bin(r, c, d) + bin(r, c, d + kOrientations)) * scale[k]);
          f[kDirections + d] = static_cast<real>(0.5 * total);
        }
        for (Index k = 0; k < 4; ++k) f[kDirections + kOrientations + k] = static_cast<real>(0.2357 * texture[k]);
        double mean[3] = {};
        for (Index y = r * cell; y < (r + 1) * cell; ++y)
          for (Index x = c * cell; x < (c + 1) * cell; ++x) {
            double lab[3];
            to_lab(pixels + (y * w + x) * 3, lab);
            for (int t = 0; t < 3; ++t) mean[t] += lab[t];
          }
        for (int t = 0; t < 3; ++t) f[31 + t] = static_cast<real>(mean[t] / static_cast<double>(cell * cell));
      }
  });
  return out;
}

}  // namespace fu
