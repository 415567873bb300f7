// example_gradcheck
//
// An op of your own, with its own backward, and the check that tells whether that backward is right. The op is written
// twice: once with a typical mistake, which the check finds.
#include <featup/featup.h>

#include <cstdio>
#include <exception>

using namespace fu;

namespace {

/// Swish, y = x s with s = 1 / (1 + exp(-x)). Its derivative is s + x s (1 - s): s depends on x too.
Var swish(const Var& x, bool forgetful) {
  const Tensor s = unary(Unary::sigmoid, x.value);
  return record("swish", {x}, x.value * s, [x = x.value, s, forgetful](const Gradient& g) {
    const Tensor second = x * s * unary(Unary::affine, s, -1, 1);
    g.add(0, g.dy * (forgetful ? s : s + second));
  });
}

bool check(const char* what, bool forgetful) {
  Random random(1);
  const Tensor x = random.normal({2, 3});
  const GradientCheck result =
      check_gradients([&](const std::vector<Var>& inputs) { return sum(swish(inputs[0], forgetful)); }, {x});
  std::printf("%s\n%s\n", what, result.text().c_str());
  return result.ok();
}

}  // namespace

int main() {
  try {
    const bool mistaken = check("swish whose backward forgets that s depends on x:", true);
    const bool right = check("swish with both terms:", false);
    return !mistaken && right ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "example_gradcheck: error: %s\n", error.what());
    return 1;
  }
}
