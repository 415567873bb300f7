// What outlives a step: moving averages of parameters, and named tensors in files.
#include "core/files/weights.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/parameter_average.h"
#include "layers/sequential.h"
#include "layers/state_dict.h"
#include "tests/allocations.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A convolution, a norm with buffers, and a linear layer.
struct Net : Sequential {
  explicit Net(std::uint64_t seed) {
    Random random(seed);
    push<Conv2d>(2, 3, 3, &random);
    push<BatchNorm>(3);
    push<Linear>(3, 4, &random, true, FileLayout::matrix_as_conv);
  }
};

bool same(Module& a, Module& b) {
  const auto left = state_dict(a), right = state_dict(b);
  if (left.size() != right.size()) return false;
  for (const auto& [name, tensor] : left)
    if (!right.count(name) || relative_error(tensor, right.at(name)) > (sizeof(real) == 8 ? 1e-7 : 0)) return false;
  return true;
}

}  // namespace

TEST_CASE("parameter average: by its formula, applied and taken back") {
  Parameter p(Tensor::full({30000}, 1)), q(Tensor::full({2}, 5));
  ParameterAverage average({&p, &q}, 0.9);
  double expected = 1;
  for (int step = 0; step < 4; ++step) {
    p.set(Tensor::full({30000}, static_cast<real>(step + 2)));
    average.update();
    expected = 0.9 * expected + 0.1 * (step + 2);
  }
  CHECK(average.updates() == 4);
  const Tensor trained = p.value;
  average.apply();
  CHECK(static_cast<double>(p.value.data()[29999]) == doctest::Approx(expected).epsilon(1e-6));
  CHECK(q.value.data()[1] == 5);
  CHECK(contains(message_of([&] { average.update(); }), "[average] the averages are applied"));
  CHECK(contains(message_of([&] { average.apply(); }), "[average] the averages are applied already"));
  Parameter other(Tensor::zeros({30000})), second(Tensor::zeros({2}));
  average.copy_to({&other, &second});
  CHECK(same_bits(other.value, p.value));
  average.restore();
  CHECK(p.value.data() == trained.data());
  CHECK(contains(message_of([&] { average.copy_to({&other}); }), "[average] 2 averages for 1 parameters"));
  CHECK(contains(message_of([&] { average.copy_to({&second, &other}); }), "Give the parameters in the same order"));
  CHECK(contains(message_of([&] { ParameterAverage({&p}, 1); }), "[average] decay 1 must lie in [0, 1)"));
  // What was copied before does not change with later updates, which allocate nothing.
  average.update();
  CHECK(static_cast<double>(other.value.data()[0]) == doctest::Approx(expected).epsilon(1e-6));
  const std::size_t before = heap_allocations();
  average.update();
  CHECK(heap_allocations() == before);
  // With warm-up, the first update takes 9 / 11 of the new value.
  Parameter w(Tensor::full({1}, 0));
  ParameterAverage warm({&w}, 0.999, true);
  w.set(Tensor::full({1}, 11));
  warm.update();
  warm.apply();
  CHECK(static_cast<double>(w.value.item()) == doctest::Approx(9));
}

TEST_CASE("parameter average: saved and loaded, it goes on exactly") {
  const TempFolder folder;
  Parameter p(Tensor::full({3}, 1));
  const auto move = [&](ParameterAverage& average, int from, int to) {
    for (int i = from; i < to; ++i) {
      p.set(Tensor::full({3}, static_cast<real>(i)));
      average.update();
    }
  };
  ParameterAverage whole({&p}, 0.75, true), first({&p}, 0.75, true);
  move(whole, 0, 8);
  p.set(Tensor::full({3}, 1));
  move(first, 0, 5);
  std::map<std::string, Tensor> tensors;
  first.save(tensors, "ema.");
  write_safetensors(folder / "ema.safetensors", tensors);
  ParameterAverage second({&p}, 0.75, true);
  second.load(Weights(folder / "ema.safetensors"), "ema.");
  CHECK(second.updates() == 5);
  move(second, 5, 8);
  Parameter a(Tensor::zeros({3})), b(Tensor::zeros({3}));
  whole.copy_to({&a}), second.copy_to({&b});
  CHECK(relative_error(a.value, b.value) <= (sizeof(real) == 8 ? 1e-6 : 0));
  Parameter other(Tensor::zeros({2}));
  ParameterAverage small({&other}, 0.5);
  CHECK(contains(message_of([&] { small.load(Weights(folder / "ema.safetensors"), "ema."); }), "expected (2)"));
  tensors["ema.updates"] = Tensor::from({2}, {0, real(0.5)});
  write_safetensors(folder / "bad.safetensors", tensors);
  CHECK(contains(message_of([&] { second.load(Weights(folder / "bad.safetensors"), "ema."); }), "no part of a count"));
}

TEST_CASE("state dictionaries: written and read, in files and in memory") {
  const TempFolder folder;
  Net a(1), b(2), c(3);
  CHECK(!same(a, b));
  save_state_dict(a, folder / "net.safetensors", {{"note", "a test"}});
  const Weights file(folder / "net.safetensors");
  CHECK(file.metadata().at("note") == "a test");
  CHECK(file.shape("0.weight") == Shape{3, 2, 3, 3});  // as PyTorch has it
  CHECK(file.has("1.running_var"));
  CHECK(load_state_dict(b, file).none());
  CHECK(same(a, b));
  const auto tensors = state_dict(a, "net.");
  CHECK(load_state_dict(c, tensors, "net.").none());
  CHECK(same(a, c));
  const auto copy = state_dict(a);
  a.parameters()[0]->value.data()[0] += 1;
  CHECK(copy.at("0.weight").data()[0] != a.parameters()[0]->value.data()[0]);
}

TEST_CASE("state dictionaries: all that does not fit is listed, and nothing is changed") {
  const TempFolder folder;
  Net a(1), b(2), untouched(2);
  auto tensors = state_dict(a);
  tensors.erase("0.bias");
  tensors.erase("1.running_mean");
  tensors["3.weight"] = Tensor::zeros({1});
  tensors["2.weight"] = Tensor::zeros({4, 2, 1, 1});
  write_safetensors(folder / "net.safetensors", tensors);
  const Weights file(folder / "net.safetensors");
  const std::string message = message_of([&] { load_state_dict(b, file); });
  CHECK(contains(message, file.path() + ": [load_state_dict] missing: 0.bias, 1.running_mean; unexpected: 3.weight; "
                                        "of another shape: 2.weight (4,2,1,1), expected (4,3,1,1). Load"));
  CHECK(same(b, untouched));
  // What fits.
  const StateDifferences differences = load_state_dict(b, file, "", false);
  CHECK(differences.missing == std::vector<std::string>{"0.bias", "1.running_mean"});
  CHECK(differences.unexpected == std::vector<std::string>{"3.weight"});
  CHECK(differences.misshapen.size() == 1);
  CHECK(relative_error(state_dict(b).at("0.weight"), tensors.at("0.weight")) <= 1e-7);
  CHECK(same_bits(state_dict(b).at("0.bias"), state_dict(untouched).at("0.bias")));
  CHECK(same_bits(state_dict(b).at("2.weight"), state_dict(untouched).at("2.weight")));
  // A prefix leaves out what is not behind it; long lists are cut.
  CHECK(contains(message_of([&] { load_state_dict(b, state_dict(a), "model."); }), "missing: model.0.bias"));
  for (int i = 0; i < 30; ++i) tensors["extra." + std::to_string(i)] = Tensor::zeros({1});
  CHECK(contains(message_of([&] { load_state_dict(b, tensors); }), "and 11 more"));
  auto broken = state_dict(a);
  broken["0.bias"].data()[0] = std::numeric_limits<real>::infinity();
  CHECK(contains(message_of([&] { load_state_dict(b, broken); }), "'0.bias' holds a number that is not finite"));
  // A 1x1 convolution without its two ones is the same.
  auto flat = state_dict(a);
  flat["2.weight"] = flat["2.weight"].reshape({4, 3});
  CHECK(load_state_dict(b, flat).none());
  CHECK(same(a, b));
}
