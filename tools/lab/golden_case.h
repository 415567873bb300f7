// What the files of reference cases share: a running case, and the lists of which function runs which op.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "core/files/weights.h"
#include "layers/module.h"
#include "tools/lab/golden.h"

namespace fu {

constexpr double kGradientTolerance = 1e-3;

inline Tensor to_nhwc(const Tensor& t) { return t.rank() == 4 ? t.permute({0, 2, 3, 1}) : t; }
inline Var to_nhwc(const Var& t) { return t.rank() == 4 ? permute(t, {0, 2, 3, 1}) : t; }
inline Var to_nchw(const Var& t) { return t.rank() == 4 ? permute(t, {0, 3, 1, 2}) : t; }

/// Largest difference over the largest magnitude of `expected`; infinite where the sizes differ or a difference is not
/// a number.
double largest_error(const Tensor& actual, const Tensor& expected);

/// A running case: its inputs by name, tracked where the file has a gradient for them, and the comparison of outputs
/// and gradients with the file's.
struct Case {
  const Weights& file;
  nlohmann::json attrs;
  std::string shared;
  GoldenResult& result;
  Tape& tape;
  std::map<std::string, Var> tracked = {};
  std::vector<std::pair<Var, Tensor>> outputs = {};  // with the gradient that flows into them
  std::map<std::string, Tensor> gradients = {};      // of modules' parameters, in the file's layout

  /// "in.x" or "param.weight", as stored.
  Var value(const std::string& name) {
    if (!file.has("grad." + name)) return file.read(name);
    auto at = tracked.find(name);
    if (at == tracked.end()) at = tracked.emplace(name, tape.watch(file.read(name))).first;
    return at->second;
  }
  Var in(const std::string& name) { return value("in." + name); }
  Var param(const std::string& name) { return value("param." + name); }
  /// Images as (B,H,W,C).
  Var image(const std::string& name) { return to_nhwc(in(name)); }
  Tensor constant(const std::string& name) const { return file.read("in." + name); }
  bool has(const std::string& name) const { return file.has(name); }
  std::map<std::string, Tensor> params() const {
    std::map<std::string, Tensor> all;
    for (const auto& [name, unused] : file.entries())
      if (name.rfind("param.", 0) == 0) all[name.substr(6)] = file.read(name);
    return all;
  }
  Index number(const char* key) const { return attrs.at(key).get<Index>(); }
  double fraction(const char* key) const { return attrs.at(key).get<double>(); }

  /// Compares with out.<name>; relative to the largest magnitude of the expected output.
  void check(const std::string& name, const Var& actual) {
    const Tensor expected = file.read("out." + name);
    if (actual.size() != expected.size())
      throw ShapeError("[" + result.op + "] out." + name + " has shape " + actual.shape().str() + ", expected " +
                       expected.shape().str() + ".");
    result.error = std::max(result.error, largest_error(actual.value, expected));
    if (actual.tracked()) outputs.emplace_back(actual, file.read("cot." + name).reshape(actual.shape()));
  }
  void check_image(const std::string& name, const Var& actual) { check(name, to_nchw(actual)); }

  /// Loads a module's parameters from the case; their gradients are compared too.
  void load(Module& module);
  /// Runs backward from all outputs together and compares every grad.*.
  void check_gradients();
  std::vector<Module*> modules = {};  // of the running case
};

/// A temporary file of weights made of a case's param.*, for modules that are loaded from files: the same names behind
/// `prefix`.
struct ParamFile {
  std::string path;
  ParamFile(const Case& c, const std::string& prefix);
  ~ParamFile();
};

/// The first n channels of an image (1,H,W,C).
Tensor first_channels(const Tensor& image, Index n);

/// Positions that the file holds as reals, rounded.
std::vector<Index> positions(const Tensor& t);

using GoldenRun = std::function<void(Case&)>;
using GoldenRuns = std::map<std::string, GoldenRun>;
/// Elementary ops; FeatUp's modules and files; photos; optimizers and whole trainings; other published upsamplers.
GoldenRuns golden_upsamplers();
GoldenRuns golden_ops();
GoldenRuns golden_modules();
GoldenRuns golden_photos();
GoldenRuns golden_training();

}  // namespace fu
