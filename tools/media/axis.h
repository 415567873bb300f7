// Numbers on axes.
#pragma once

#include <string>
#include <vector>

namespace fu {

struct Axis {
  std::vector<double> ticks;         // rising, all within [low, high]
  std::vector<std::string> numbers;  // of the ticks, with as many decimals as tell them apart
};

/// Ticks at multiples of 1, 2 or 5 times a power of ten: at most `most` + 1 of them, and as many as that leaves.
/// Without a range (high <= low), or if it is not finite, one tick at low.
Axis axis_of(double low, double high, int most);

/// Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten, powers of ten alone over more than three decades.
/// Without a range above 0, one tick at low.
Axis log_axis_of(double low, double high);

/// A number in four digits: 0.1234, 12.34, 1.234e+06.
std::string short_number(double v);

}  // namespace fu
