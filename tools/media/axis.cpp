#include "tools/media/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fu {

namespace {

std::string formatted(const char* format, int digits, double v) {
  char text[64];
  std::snprintf(text, sizeof text, format, digits, v);
  return text;
}

}  // namespace

std::string short_number(double v) { return formatted("%.*g", 4, v == 0 ? 0 : v); }

Axis axis_of(double low, double high, int most) {
  Axis axis;
  if (!std::isfinite(high - low) || high <= low || most < 1) return {{low}, {short_number(low)}};
  const double power = std::pow(10, std::floor(std::log10((high - low) / most)));
  double step = 10 * power;
  for (double multiple : {5, 2, 1})
    if (multiple * power * most >= (high - low) * (1 - 1e-9)) step = multiple * power;
  // Decimals of the step; very small and very large numbers are written as powers of ten.
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  const double largest = std::max(std::abs(low), std::abs(high));
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    const double v = i == 0 ? 0 : i * step;
    axis.ticks.push_back(std::clamp(v, low, high));
    axis.numbers.push_back(decimals > 5 || largest >= 1e6 ? short_number(v) : formatted("%.*f", decimals, v));
  }
  return axis;
}

Axis log_axis_of(double low, double high) {
  Axis axis;
  if (!std::isfinite(high) || !(low > 0) || high <= low) return {{low}, {short_number(low)}};
  const bool decades = high / low > 1000;
  for (double power = std::floor(std::log10(low)); power <= std::ceil(std::log10(high)); ++power)
    for (const double multiple : {1, 2, 5}) {
      // Division gives the nearest number to 0.2, 2 * 0.1 does not.
      const double v = power < 0 ? multiple / std::pow(10, -power) : multiple * std::pow(10, power);
      if ((decades && multiple > 1) || v < low * (1 - 1e-9) || v > high * (1 + 1e-9)) continue;
      axis.ticks.push_back(std::clamp(v, low, high));
      axis.numbers.push_back(v >= 1e-4 && v < 1e6 ? formatted("%.*g", 6, v) : short_number(v));
    }
  return axis;
}

}  // namespace fu
