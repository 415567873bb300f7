// Chapter 2: gradients of programs on single numbers.
#pragma once

#include <cmath>
#include <vector>

//! [scalar]
namespace scalar {

/// A number, and its place on the tape; -1: a constant.
struct Value {
  double x = 0;
  int node = -1;
};

/// How a number was computed: from which others, and how fast it changes with each of them.
struct Node {
  int input[2];
  double slope[2];
};

inline std::vector<Node> tape;

inline Value record(double y, Value a, double slope_a, Value b = {}, double slope_b = 0) {
  tape.push_back({{a.node, b.node}, {slope_a, slope_b}});
  return {y, static_cast<int>(tape.size()) - 1};
}

inline Value variable(double x) { return record(x, {}, 0); }
inline Value operator+(Value a, Value b) { return record(a.x + b.x, a, 1, b, 1); }
inline Value operator-(Value a, Value b) { return record(a.x - b.x, a, 1, b, -1); }
inline Value operator*(Value a, Value b) { return record(a.x * b.x, a, b.x, b, a.x); }
inline Value tanh(Value a) {
  const double y = std::tanh(a.x);
  return record(y, a, 1 - y * y);
}

/// The derivative of y with respect to every number on the tape.
inline std::vector<double> gradients(Value y) {
  std::vector<double> d(tape.size(), 0);
  d[static_cast<std::size_t>(y.node)] = 1;
  for (std::size_t i = static_cast<std::size_t>(y.node) + 1; i-- > 0;)
    for (int k = 0; k < 2; ++k)
      if (tape[i].input[k] >= 0) d[static_cast<std::size_t>(tape[i].input[k])] += d[i] * tape[i].slope[k];
  return d;
}

}  // namespace scalar
//! [scalar]
