#include "tools/lab/golden.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/system.h"
#include "tools/lab/golden_case.h"

namespace fu {

double largest_error(const Tensor& actual, const Tensor& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double worst = 0, scale = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual.data()[i]) - static_cast<double>(expected.data()[i]));
    if (difference != difference) return INFINITY;
    worst = std::max(worst, difference);
    scale = std::max(scale, std::abs(static_cast<double>(expected.data()[i])));
  }
  return scale > 0 ? worst / scale : worst;
}

ParamFile::ParamFile(const Case& c, const std::string& prefix) {
  path = os::create_temporary_file();
  require<FileError>(!path.empty(), "no temporary file can be made: ", std::strerror(errno),
                     ". TMPDIR names the folder for it.");
  std::map<std::string, Tensor> renamed;
  for (auto& [key, tensor] : c.params()) renamed[prefix + key] = tensor;
  write_safetensors(path, renamed);
}

ParamFile::~ParamFile() { std::filesystem::remove(path); }

Tensor first_channels(const Tensor& image, Index n) {
  Tensor out({image.dim(0), image.dim(1), image.dim(2), n});
  for (Index p = 0; p < out.size() / n; ++p) std::copy_n(image.data() + p * image.dim(3), n, out.data() + p * n);
  return out;
}

std::vector<Index> positions(const Tensor& t) {
  std::vector<Index> out;
  for (Index i = 0; i < t.size(); ++i) out.push_back(static_cast<Index>(std::lround(t.data()[i])));
  return out;
}

void Case::load(Module& module) {
  const ParamFile params(*this, "");
  module.load(Weights(params.path), "");
  modules.push_back(&module);
}

void Case::check_gradients() {
  if (!outputs.empty()) {
    // The number whose gradients the file holds: the sum over outputs of out * cot.
    Var total = sum(outputs[0].first * Var(outputs[0].second));
    for (std::size_t i = 1; i < outputs.size(); ++i) total = total + sum(outputs[i].first * Var(outputs[i].second));
    backward(total);
  }
  for (Module* module : modules)
    module->visit([&](const std::string& name, Parameter& p, FileLayout layout) {
      if (p.has_grad()) gradients["param." + name] = layout == FileLayout::conv ? p.grad.permute({0, 3, 1, 2}) : p.grad;
    });
  for (const auto& [name, unused] : file.entries()) {
    if (name.rfind("grad.", 0) != 0) continue;
    const std::string of = name.substr(5);
    Tensor actual;
    if (tracked.count(of))
      actual = tape.gradient(tracked.at(of));
    else if (gradients.count(of))
      actual = gradients.at(of);
    else
      throw UsageError("no gradient for " + of);
    const double error = largest_error(actual, file.read(name));
    if (error > kGradientTolerance)
      result.detail += (result.detail.empty() ? "" : ", ") + name + " " + std::to_string(error);
    result.gradient_error = std::max(result.gradient_error, error);
    ++result.gradients;
  }
}

namespace {

const GoldenRuns& runs() {
  static const GoldenRuns table = [] {
    GoldenRuns all = golden_ops();
    all.merge(golden_modules());
#ifndef FU_NO_PICTURES
    all.merge(golden_photos());
#endif
    all.merge(golden_training());
    all.merge(golden_upsamplers());
    return all;
  }();
  return table;
}

}  // namespace

GoldenResult run_golden(const std::string& path, const std::string& shared) {
  using Status = GoldenResult::Status;
  GoldenResult r;
  r.name = std::filesystem::path(path).filename().string();
  r.tolerance = 1e-4;
  try {
    if (is_backbone_case(path)) {
      run_backbone_case(path, r);
      return r;
    }
    const Weights file(path);
    const auto op = file.metadata().find("op"), attrs = file.metadata().find("attrs");
    if (op == file.metadata().end()) throw FileError(path + ": has no 'op' in its metadata; it is no reference case.");
    r.op = op->second;
#ifdef FU_NO_PICTURES
    if (r.op == "real_photo") {
      r.status = Status::skipped;
      r.detail = "this build decodes no pictures";
      return r;
    }
#endif
    const auto run = runs().find(r.op);
    if (run == runs().end()) {
      r.status = Status::unknown;
      r.detail = "no such op";
      return r;
    }
    if (r.op == "real_photo" && !std::filesystem::exists(shared + "/models")) {
      r.status = Status::skipped;
      r.detail = "models and photos are not there";
      return r;
    }
    Tape tape;
    Case c{file, nlohmann::json::parse(attrs == file.metadata().end() ? "{}" : attrs->second), shared, r, tape};
    run->second(c);
    if (c.modules.empty()) c.check_gradients();
    r.status = r.error <= r.tolerance && r.gradient_error <= kGradientTolerance ? Status::passed : Status::failed;
  } catch (const std::exception& error) {
    r.status = Status::failed;
    r.detail = error.what();
  }
  return r;
}

std::vector<std::string> golden_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  const bool alone = std::filesystem::is_regular_file(folder, error) || is_backbone_case(folder);
  if (alone) return {folder};
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string path = entry.path().string();
    if (is_backbone_case(path) ||
        (entry.is_regular_file() && entry.path().extension() == ".safetensors" && Weights(path).metadata().count("op")))
      files.push_back(path);
  }
  require<FileError>(!error, folder, ": cannot be read: ", error.message(), ".");
  require<FileError>(!files.empty(), folder, ": holds no reference cases.");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace fu
