// Every case of every op: gradients against central differences, against the naive kernels, with
// other numbers of threads; that they are added to what is there, and do not depend on which other inputs are tracked.
#include "autograd/check_gradients.h"
#include "autograd/gradient_cases.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

using Tracked = std::vector<bool>;

/// The value, and the gradients of sum(y * cotangent) for those inputs that are tracked.
struct Result {
  Tensor y;
  std::vector<Tensor> gradients;
};
Result evaluate(const GradientCase& c, const Tracked& tracked, const Tensor& cotangent = Tensor()) {
  Tape tape;
  std::vector<Var> inputs;
  for (std::size_t i = 0; i < c.inputs.size(); ++i)
    inputs.push_back(tracked[i] ? tape.watch(c.inputs[i]) : Var(c.inputs[i]));
  const Var y = c.f(inputs);
  Result r{y.value, {}};
  if (!y.tracked() || cotangent.shape() != y.shape()) return r;
  backward(y, cotangent);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    r.gradients.push_back(tracked[i] ? tape.gradient(inputs[i]) : Tensor());
  return r;
}

/// Parameters that hold a gradient already: the new one must be added, whatever was in the memory that kernels write
/// to.
void check_accumulation(const GradientCase& c, const Result& result, const Tensor& cotangent) {
  std::vector<std::unique_ptr<Parameter>> parameters;
  for (const Tensor& x : c.inputs) {
    parameters.push_back(std::make_unique<Parameter>(x));
    parameters.back()->grad = Tensor::full(x.shape(), 3);
  }
  Tape tape;
  std::vector<Var> inputs;
  for (auto& p : parameters) inputs.emplace_back(*p);
  backward(c.f(inputs), cotangent);
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    double worst = 0, scale = 3;
    for (Index e = 0; e < c.inputs[i].size(); ++e) {
      const auto expected = static_cast<double>(result.gradients[i].data()[e]) + 3;
      const double difference = std::abs(static_cast<double>(parameters[i]->grad.data()[e]) - expected);
      worst = difference <= worst ? worst : std::isnan(difference) ? INFINITY : difference;
      scale = std::max(scale, std::abs(expected));
    }
    CHECK(worst <= (sizeof(real) == 8 ? 1e-12 : 3e-6) * scale);
  }
}

/// Fills the small blocks of memory that the pool will hand out next with what is not a number: a kernel that leaves a
/// hole shows.
void poison_pool() {
  std::vector<Tensor> held;
  for (Index n = 8; n <= 8192; n += std::max<Index>(8, n / 8))
    for (int repeat = 0; repeat < 3; ++repeat)
      held.push_back(Tensor::full({n}, std::numeric_limits<real>::quiet_NaN()));
}

bool all_finite(const Tensor& t) {
  for (Index i = 0; i < t.size(); ++i)
    if (!std::isfinite(static_cast<double>(t.data()[i]))) return false;
  return true;
}

void check(const GradientCase& c) {
  CAPTURE(c.name);
  const Tracked all(c.inputs.size(), true);
  Random random(17);
  const Tensor cotangent = random.normal(evaluate(c, all).y.shape());
  Result reference;
  {
    const WithKernels use(*all_kernels().front());
    reference = evaluate(c, all, cotangent);
  }
  Result result;
  for (const Kernels* table : all_kernels()) {
    CAPTURE(std::string(table->isa));
    const WithKernels use(*table);
    poison_pool();
    {
      const WithThreads n(1);
      result = evaluate(c, all, cotangent);
    }
    const WithThreads n(3);
    const Result three = evaluate(c, all, cotangent);
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      CHECK(result.gradients[i].shape() == c.inputs[i].shape());
      CHECK(all_finite(result.gradients[i]));
      CHECK(relative_error(result.gradients[i], reference.gradients[i]) <= (sizeof(real) == 8 ? 1e-11 : 1e-5));
      CHECK(same_bits(result.gradients[i], three.gradients[i]));
    }
  }
  // One input tracked, the others constants.
  for (std::size_t i = 0; c.inputs.size() > 1 && i < c.inputs.size(); ++i) {
    Tracked one(c.inputs.size(), false);
    one[i] = true;
    CHECK(relative_error(evaluate(c, one, cotangent).gradients[i], result.gradients[i]) <= kTolerance);
  }
  check_accumulation(c, result, cotangent);
  GradientCheckOptions along;
  along.directions = 3;
  // In float, a step of the usual size would exchange the largest of some windows.
  if (sizeof(real) == 4) along.step = 1e-3;
  const GradientCheck differences = check_gradients(c.f, c.inputs, along);
  CHECK_MESSAGE(differences.ok(), differences.text());
}

struct Collected {
  std::string op;
  void (*collect)(GradientCases&);
};
const Collected kOps[] = {
#define FU_OP(name) {#name, gradient_cases_##name},
#include "autograd/ops.def"
#undef FU_OP
};

}  // namespace

TEST_CASE("gradients: every op") {
  for (const Collected& op : kOps) {
    GradientCases cases;
    op.collect(cases);
    CAPTURE(op.op);
    CHECK(!cases.cases.empty());
    for (const GradientCase& c : cases.cases) check(c);
  }
}
