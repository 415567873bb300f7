#include "tools/golden.h"

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"
#include "core/files/weights.h"
#include "featup/backbone.h"
#include "featup/downsample.h"
#include "featup/implicit.h"
#include "featup/jbu.h"
#include "featup/jbu_layers.h"
#include "featup/jitter.h"
#include "featup/losses.h"
#include "featup/pca.h"
#include "featup/preprocess.h"
#include "featup/vit.h"
#include "layers/optimizer.h"
#include "tools/image_io.h"

namespace fu {

namespace {

constexpr double kGradientTolerance = 1e-3;

Tensor to_nhwc(const Tensor& t) { return t.rank() == 4 ? t.permute({0, 2, 3, 1}) : t; }
Var to_nhwc(const Var& t) { return t.rank() == 4 ? permute(t, {0, 2, 3, 1}) : t; }
Var to_nchw(const Var& t) { return t.rank() == 4 ? permute(t, {0, 3, 1, 2}) : t; }

/// Largest difference over the largest magnitude of what is expected; infinite where the sizes differ or something is not a number.
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

/// A case under way: inputs by name, tracked where the file has a gradient for them, and the comparison of outputs and gradients.
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
      throw ShapeError("[" + result.op + "] out." + name + " has shape " + actual.shape().str() + ", expected " + expected.shape().str() + ".");
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

/// A file of weights made of a case's param.*, for loaders that want one: same names, other prefix.
struct ParamFile {
  std::string path;
  ParamFile(const Case& c, const std::string& prefix) {
    std::string name = (std::filesystem::temp_directory_path() / "featup-golden-XXXXXX").string();
    const int fd = mkstemp(name.data());
    require<FileError>(fd >= 0, name, ": cannot be written.");
    path = name;
    std::map<std::string, Tensor> renamed;
    for (auto& [key, tensor] : c.params()) renamed[prefix + key] = tensor;
    write_safetensors(path, renamed);
    ::close(fd);
  }
  ~ParamFile() { std::filesystem::remove(path); }
};

void Case::load(Module& module) {
  const ParamFile params(*this, "");
  module.load(Weights(params.path), "");
  modules.push_back(&module);
}

void Case::check_gradients() {
  if (!outputs.empty()) {
    // One number whose gradient is what the file has: the sum over outputs of out * cot.
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
    if (error > kGradientTolerance) result.detail += (result.detail.empty() ? "" : ", ") + name + " " + std::to_string(error);
    result.gradient_error = std::max(result.gradient_error, error);
    ++result.gradients;
  }
}

using Run = std::function<void(Case&)>;

Run elementwise(Unary op) {
  return [op](Case& c) { c.check("y", unary(op, c.in("x"))); };
}

std::vector<Index> positions(const Tensor& t) {
  std::vector<Index> out;
  for (Index i = 0; i < t.size(); ++i) out.push_back(static_cast<Index>(std::lround(t.data()[i])));
  return out;
}

void run_pca(Case& c) {
  const Tensor x = c.constant("x");
  const Pca pca = fit_pca(x, c.number("components"));
  c.check("mean", pca.mean);
  c.check("reconstruction", pca.unproject(pca.project(x)));
  Tensor ratio = pca.variance.clone(), singular = pca.variance.clone();
  for (Index i = 0; i < ratio.size(); ++i) {
    ratio.data()[i] = static_cast<real>(static_cast<double>(pca.variance.data()[i]) / pca.total);
    singular.data()[i] = static_cast<real>(std::sqrt(static_cast<double>(pca.variance.data()[i]) * static_cast<double>(x.dim(0))));
  }
  c.check("singular_values", singular);
  c.check("explained_variance_ratio", ratio);
}

void run_vit(Case& c) {
  const ParamFile file(c, "");
  const Vit vit(Weights(file.path), "");
  c.check_image("y", vit.features(c.image("image"), c.attrs.at("feature") == "key" ? VitFeature::key : VitFeature::token).value);
}

/// Levels twice: as layers, which are differentiated, and fused.
void run_jbu_level(Case& c, bool kernels_only) {
  JbuLearnedRange layers(3, c.number("key_dim"), c.number("radius"), nullptr);
  c.load(layers);
  const ParamFile file(c, "");
  const JbuLevel level(Weights(file.path), "");
  const Var guidance = c.image("guidance");
  if (kernels_only) {
    c.check("y", layers.kernels(guidance));
    c.check("y", jbu_kernels(level, guidance.value));
  } else {
    const Var source = c.image("source");
    c.check_image("y", layers(source, guidance));
    c.check_image("y", jbu_learned_range(level, source.value, guidance.value));
  }
  c.check_gradients();
}

void run_jbu_stack(Case& c) {
  const Var source = c.image("source"), guidance = c.image("guidance");
  JbuLayers layers(source.dim(3), 4, 3, c.number("key_dim"), c.number("radius"), nullptr);
  c.load(layers);
  c.check_image("y", layers(source, guidance));
  const ParamFile file(c, "");
  c.check_image("y", jbu_stack(JbuStack(Weights(file.path)), source.value, guidance.value));
  c.check_gradients();
}

/// Ten steps of an optimizer on given gradients.
void run_optimizer(Case& c) {
  const std::string kind = c.attrs.at("kind");
  AdamOptions o;
  o.beta1 = c.fraction("beta1"), o.beta2 = c.fraction("beta2"), o.eps = c.fraction("eps"), o.weight_decay = c.fraction("weight_decay");
  Parameter p(c.constant("p"));
  Adam optimizer(kind == "adam" ? Adam::Kind::adam : kind == "adamw" ? Adam::Kind::adamw : Adam::Kind::nadam, {&p}, c.fraction("lr"), o);
  require<UsageError>(kind == "adam" || kind == "adamw" || kind == "nadam", "no such optimizer: ", kind);
  const Tensor gradients = c.constant("grads");
  std::vector<Tensor> trajectory;
  for (Index step = 0; step < gradients.dim(0); ++step) {
    p.grad = gradients.slice(step, step + 1).reshape(p.value.shape());
    optimizer.step();
    trajectory.push_back(p.value.reshape(gradients.slice(0, 1).shape()).clone());
  }
  c.check("trajectory", concat(trajectory, 0));
  c.result.tolerance = 1e-5;
}

/// Jitters of a recorded training: rows of zoom, top, left, flip.
Jitter recorded_jitter(const real* row, Index max_pad) {
  return {max_pad, static_cast<double>(row[0]), static_cast<Index>(std::lround(row[1])), static_cast<Index>(std::lround(row[2])), row[3] > real(0.5)};
}

using TrainedModules = std::vector<std::pair<const char*, Module*>>;

/// Loads what a recorded training began with, and returns the parameters, in order.
std::vector<Parameter*> load_all(const Case& c, const TrainedModules& modules) {
  const ParamFile file(c, "");
  const Weights weights(file.path);
  std::vector<Parameter*> parameters;
  for (const auto& [prefix, module] : modules) {
    module->load(weights, prefix);
    for (Parameter* p : module->parameters()) parameters.push_back(p);
  }
  return parameters;
}

/// Compares a recorded training: its losses to 1e-4, and what its parameters became to 1e-3.
void check_training(Case& c, const std::vector<double>& losses, const TrainedModules& modules) {
  Tensor actual({static_cast<Index>(losses.size())});
  for (std::size_t i = 0; i < losses.size(); ++i) actual.data()[i] = static_cast<real>(losses[i]);
  c.check("losses", actual);
  double worst = 0;
  for (const auto& [prefix, module] : modules) {
    std::map<std::string, Tensor> tensors;
    module->save(tensors, prefix);
    for (const auto& [name, tensor] : tensors) {
      const double error = largest_error(tensor, c.file.read("out." + name));
      if (error > 1e-3) c.result.detail += name + " " + std::to_string(error) + " ";
      worst = std::max(worst, error);
    }
  }
  c.result.detail += "parameters within " + std::to_string(worst);
  if (worst > 1e-3) throw ShapeError(c.result.detail);
}

/// Ten steps of fitting an implicit upsampler; the feature's length is the first channel that the downsampler sees.
void run_trajectory_implicit(Case& c) {
  const Tensor image = c.image("image").value, targets = to_nhwc(c.constant("targets")), jitters = c.constant("jitters"), draws = c.constant("draws");
  const Index channels = targets.dim(3), views = draws.dim(1), h = targets.dim(1), w = targets.dim(2);
  ImplicitUpsampler upsampler(c.number("n_freqs"), channels, c.attrs.at("color_feats").get<bool>(), nullptr);
  AttentionDownsampler downsampler(channels + 1, c.number("kernel_size"), nullptr);
  ScaleNet scale_net(channels, nullptr);
  const TrainedModules modules = {{"upsampler.", &upsampler}, {"downsampler.", &downsampler}, {"scale_net.", &scale_net}};
  Adam nadam(Adam::Kind::nadam, load_all(c, modules), c.fraction("lr"));
  std::vector<double> losses;
  for (Index step = 0; step < draws.dim(0); ++step) {
    nadam.zero_grad();
    Tape tape;
    const Var hr = upsampler(image), length = magnitude(hr), both = concat({length, hr}, -1);
    std::vector<Var> seen;
    std::vector<Tensor> wanted;
    for (Index v = 0; v < views; ++v) {
      const auto view = static_cast<Index>(std::lround(draws.data()[step * views + v]));
      seen.push_back(apply_jitter(both, recorded_jitter(jitters.data() + 4 * view, c.number("max_pad"))));
      wanted.push_back(targets.slice(view, view + 1));
    }
    const Tensor target = concat(wanted, 0);
    const Var down = downsampler(concat(seen, 0), h, w, true), pred = slice(down, 3, 1, channels + 1), down_length = slice(down, 3, 0, 1);
    const Var target_length = magnitude(target);
    const Var loss = reconstruction_loss(pred, target, scale_net(target)) +
                     affine(mean(square(down_length - target_length)) + mean(square(magnitude(pred) - target_length)),
                            static_cast<real>(c.fraction("mag_weight"))) +
                     affine(total_variation(length), static_cast<real>(c.fraction("mag_tv_weight"))) +
                     affine(mean(square(gaussian_blur(hr, 5, 1) - hr)), static_cast<real>(c.fraction("blur_pin")));
    losses.push_back(static_cast<double>(loss.value.item()));
    backward(loss);
    nadam.step();
  }
  check_training(c, losses, modules);
}

/// Six steps of training a JBU stack. The CRF loss is taken at the first view of a step alone, of its projected features.
void run_trajectory_jbu(Case& c) {
  const Tensor image = c.image("image").value, features = to_nhwc(c.constant("lr_features")), jitters = c.constant("jitters");
  const Tensor crf_rows = c.constant("crf_rows"), crf_cols = c.constant("crf_cols");
  const Index channels = features.dim(3), h = features.dim(1), w = features.dim(2), size = c.number("final_size");
  const Index steps = crf_rows.dim(0), views = c.number("n_jitters");
  const Tensor targets = c.constant("targets").reshape({steps * views, channels, h, w});
  const Tensor projections = c.constant("projections").reshape({steps * views, channels, -1});
  JbuLayers upsampler(channels, 4, 3, 32, 3, nullptr);
  AttentionDownsampler downsampler(channels, c.number("kernel_size"), nullptr);
  ScaleNet scale_net(channels, nullptr);
  const TrainedModules modules = {{"upsampler.", &upsampler}, {"downsampler.", &downsampler}, {"scale_net.", &scale_net}};
  Adam nadam(Adam::Kind::nadam, load_all(c, modules), c.fraction("lr"));
  std::vector<double> losses;
  for (Index step = 0; step < steps; ++step) {
    nadam.zero_grad();
    Tape tape;
    const Var hr = upsampler(features, image);
    Var loss = Tensor::full({}, 0);
    for (Index v = 0; v < views; ++v) {
      const Index at = step * views + v;
      const Var seen = apply_jitter(hr, recorded_jitter(jitters.data() + 4 * at, c.number("max_pad")));
      const Tensor target = to_nhwc(targets.slice(at, at + 1)), columns = projections.slice(at, at + 1);
      const Tensor projection = columns.reshape({channels, columns.dim(2)}).permute({1, 0});
      const Var pred = linear(downsampler(seen, size, size, true), projection, Tensor());
      loss = loss + affine(reconstruction_loss(pred, linear(target, projection, Tensor()), scale_net(target)), 1 / static_cast<real>(views));
      if (v == 0)
        loss = loss + affine(crf_loss(image, linear(seen, projection, Tensor()), positions(crf_rows.slice(step, step + 1)),
                                      positions(crf_cols.slice(step, step + 1))),
                             static_cast<real>(c.fraction("crf_weight")));
    }
    losses.push_back(static_cast<double>(loss.value.item()));
    backward(loss);
    nadam.step();
  }
  check_training(c, losses, modules);
}

Tensor first_channels(const Tensor& image, Index n) {
  Tensor out({image.dim(0), image.dim(1), image.dim(2), n});
  for (Index p = 0; p < out.size() / n; ++p) std::copy_n(image.data() + p * image.dim(3), n, out.data() + p * n);
  return out;
}

/// Levels alone: stacks carried over to features of another width.
Tensor levels_only(const std::string& path, const Tensor& features, const Tensor& guidance) {
  const JbuStack stack{Weights(path)};
  return JbuRun(stack, features, guidance, static_cast<int>(stack.levels.size())).all();
}

/// A photo through decoding, preprocessing, the backbone, and the levels of the published stacks.
void run_real_photo(Case& c) {
  const std::string photo = c.attrs.at("photo"), models = c.shared + "/models/";
  const Image crop = cover(read_image(c.shared + "/photos/" + photo), 224, 224);
  const bool lossless = photo.size() > 4 && photo.substr(photo.size() - 4) == ".png";
  const Tensor expected_crop = c.file.read("out.crop_u8");
  Index worst = 0;
  for (Index i = 0; i < expected_crop.size(); ++i)
    worst = std::max<Index>(worst, std::abs(static_cast<Index>(expected_crop.data()[i]) - crop.rgb[static_cast<std::size_t>(i)]));
  const auto backbone = open_backbone(models + "deit_tiny_patch16_224.safetensors");
  const Tensor photo_image = c.image("image").value, features = backbone->features(photo_image);
  c.check_image("features", features);
  // From the file itself: another JPEG decoder may round differently, so positions are compared by their direction.
  const Tensor own = backbone->features(normalize(crop)), expected = to_nhwc(c.file.read("out.features"));
  double lowest = 1;
  for (Index p = 0; p < own.size() / own.dim(3); ++p) {
    double dot = 0, a = 0, b = 0;
    for (Index i = p * own.dim(3); i < (p + 1) * own.dim(3); ++i) {
      dot += double(own.data()[i]) * double(expected.data()[i]);
      a += double(own.data()[i]) * double(own.data()[i]);
      b += double(expected.data()[i]) * double(expected.data()[i]);
    }
    lowest = std::min(lowest, dot / std::sqrt(a * b));
  }
  c.result.detail = "crop differs by at most " + std::to_string(worst) + "/255; lowest cosine of features from the file " + std::to_string(lowest);
  if (lowest < (lossless ? 0.99999 : 0.999)) throw ShapeError("lowest cosine of features from the file is " + std::to_string(lowest));
  const Tensor first = first_channels(to_nhwc(c.file.read("out.features")), 8);
  c.check_image("jbu_clip_first8", levels_only(models + "clip_jbu_stack_cocostuff.ckpt", first, photo_image));
  c.check_image("jbu_maskclip_first8", levels_only(models + "maskclip_jbu_stack_cocostuff.ckpt", first, photo_image));
}

/// Checkpoints as PyTorch writes them.
void run_containers(Case& c) {
  const std::string folder = std::filesystem::path(c.file.path()).parent_path().string() + "/";
  const auto compare = [&](const std::string& path, const std::string& group) {
    const Weights w(folder + path);
    for (const auto& [name, unused] : c.file.entries())
      if (name.rfind(group, 0) == 0) {
        const Tensor expected = c.file.read(name), actual = w.read(name.substr(group.size()), expected.shape());
        for (Index i = 0; i < expected.size(); ++i)
          if (actual.data()[i] != expected.data()[i]) throw FileError(path + ": tensor '" + name + "' differs at element " + std::to_string(i) + ".");
      }
  };
  for (const char* path : {"dtypes_and_views.pth", "nested_model_key.pth", "legacy_format.pth"}) compare(path, "dtypes.");
  compare("plain_state_dict.pth", "plain.");
}

/// A hub-like checkpoint: backbone, norm, stack and mixing in one file.
void run_checkpoint(Case& c) {
  const std::string path = std::filesystem::path(c.file.path()).parent_path().string() + "/" + c.attrs.at("file").get<std::string>();
  const Weights w(path);
  std::string prefix;
  if (!Vit::find_prefix(w, prefix)) throw FileError(path + ": no transformer found.");
  const JbuStack stack(w);
  const Tensor features = layer_norm(Vit(w, prefix).features(c.image("image")).value, stack.norm_weight, stack.norm_bias, real(1e-5));
  c.check_image("lr_features", features);
  const Tensor hr = jbu_stack(stack, features, c.image("image").value);
  c.check_image("hr_features", first_channels(hr, c.file.shape("out.hr_features")[1]));
}

const std::map<std::string, Run>& runs() {
  static const std::map<std::string, Run> table = {
      {"add", [](Case& c) { c.check("y", c.in("a") + c.in("b")); }},
      {"sub", [](Case& c) { c.check("y", c.in("a") - c.in("b")); }},
      {"mul", [](Case& c) { c.check("y", c.in("a") * c.in("b")); }},
      {"div", [](Case& c) { c.check("y", c.in("a") / c.in("b")); }},
      {"exp", elementwise(Unary::exp)},
      {"log", elementwise(Unary::log)},
      {"sin", elementwise(Unary::sin)},
      {"cos", elementwise(Unary::cos)},
      {"sqrt", elementwise(Unary::sqrt)},
      {"square", elementwise(Unary::square)},
      {"reciprocal", elementwise(Unary::reciprocal)},
      {"relu", elementwise(Unary::relu)},
      {"gelu", elementwise(Unary::gelu)},
      {"quick_gelu", elementwise(Unary::quick_gelu)},
      {"sigmoid", elementwise(Unary::sigmoid)},
      {"tanh", elementwise(Unary::tanh)},
      {"clamp_min", [](Case& c) { c.check("y", clamp_min(c.in("x"), static_cast<real>(c.fraction("min")))); }},
      {"sum", [](Case& c) { c.check("y", sum(c.in("x"), static_cast<int>(c.number("dim")))); }},
      {"mean", [](Case& c) { c.check("y", mean(c.in("x"))); }},
      {"softmax", [](Case& c) { c.check("y", softmax(c.in("x"), static_cast<int>(c.number("dim")), static_cast<real>(c.fraction("temperature")))); }},
      {"layer_norm", [](Case& c) { c.check("y", layer_norm(c.in("x"), c.param("weight"), c.param("bias"), static_cast<real>(c.fraction("eps")))); }},
      {"matmul", [](Case& c) { c.check("y", matmul(c.in("a"), c.in("b"))); }},
      {"linear", [](Case& c) { c.check("y", linear(c.in("x"), c.param("weight"), c.param("bias"))); }},
      {"conv2d",
       [](Case& c) {
         c.check_image("y", conv2d(c.image("x"), to_nhwc(c.param("weight")), c.param("bias"), c.number("stride"), c.number("padding")));
       }},
      {"permute",
       [](Case& c) {
         Shape order;
         for (const auto& axis : c.attrs.at("dims")) order.push_back(axis.get<Index>());
         c.check("y", permute(c.in("x"), order));
       }},
      {"concat",
       [](Case& c) {
         c.check("y", concat(std::vector<Var>{c.in("a"), c.in("b")}, static_cast<int>(c.number("dim"))));
       }},
      {"dropout_mask", [](Case& c) { c.check("y", affine(c.in("x") * c.in("keep"), static_cast<real>(1 / (1 - c.fraction("p"))))); }},
      {"reflect_pad", [](Case& c) { c.check_image("y", reflect_pad(c.image("x"), c.number("radius"))); }},
      {"resize_bicubic", [](Case& c) { c.check_image("y", resize_bicubic(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"resize_bilinear", [](Case& c) { c.check_image("y", resize_bilinear(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"adaptive_avg_pool", [](Case& c) { c.check_image("y", adaptive_avg_pool(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"zoom_bilinear", [](Case& c) { c.check_image("y", zoom_bilinear(c.image("x"), c.fraction("zoom"))); }},
      {"gaussian_blur", [](Case& c) { c.check_image("y", gaussian_blur(c.image("x"), c.number("size"), c.fraction("sigma"))); }},
      {"adaptive_conv",
       [](Case& c) {
         const Var k = c.in("kernels");
         c.check_image("y", adaptive_conv(c.image("x"), reshape(k, {k.dim(0), k.dim(1), k.dim(2), k.dim(3) * k.dim(4)})));
       }},
      {"jitter",
       [](Case& c) {
         c.check_image("y", apply_jitter(c.image("x"), {c.number("max_pad"), c.fraction("zoom"), c.number("top"), c.number("left"),
                                                        c.attrs.at("flip").get<bool>()}));
       }},
      {"magnitude", [](Case& c) { c.check_image("y", magnitude(c.image("x"))); }},
      {"min_max_scaler", [](Case& c) { c.check_image("y", min_max_scale(c.image("x"))); }},
      {"fourier_features",
       [](Case& c) {
         PlaceAndColorFeatures layer(c.number("n_freqs"), c.attrs.at("color_feats").get<bool>(), nullptr);
         c.load(layer);
         c.check_image("y", layer(c.image("image")));
         c.check_gradients();
       }},
      {"implicit_upsampler",
       [](Case& c) {
         const Index channels = c.file.shape("param.10.bias")[0];
         ImplicitUpsampler network(c.number("n_freqs"), channels, c.attrs.at("color_feats").get<bool>(), nullptr);
         c.load(network);
         c.check_image("y", network(c.image("image")));
         c.check_gradients();
       }},
      {"simple_downsampler",
       [](Case& c) {
         SimpleDownsampler down(c.number("kernel_size"));
         c.load(down);
         c.check_image("y", down(c.image("x"), c.number("final_size"), c.number("final_size"), true));
         c.check_gradients();
       }},
      {"attention_downsampler",
       [](Case& c) {
         const Var x = c.image("x");
         AttentionDownsampler down(x.dim(3), c.number("kernel_size"), nullptr, c.attrs.at("blur").get<bool>());
         c.load(down);
         c.check_image("y", down.forward(x, c.number("final_size"), c.number("final_size"), true, c.has("in.keep") ? c.constant("keep") : Tensor()));
         c.check_gradients();
       }},
      {"scale_net",
       [](Case& c) {
         ScaleNet net(c.image("x").dim(3), nullptr);
         c.load(net);
         c.check_image("y", net(c.image("x")));
         c.check_gradients();
       }},
      {"reconstruction_loss", [](Case& c) { c.check("y", reconstruction_loss(c.image("pred"), c.image("target"), c.image("scale"))); }},
      {"total_variation", [](Case& c) { c.check("y", total_variation(c.image("x"))); }},
      {"crf_loss",
       [](Case& c) {
         CrfOptions o;
         o.alpha = static_cast<real>(c.fraction("alpha")), o.beta = static_cast<real>(c.fraction("beta")),
         o.gamma = static_cast<real>(c.fraction("gamma"));
         o.w1 = static_cast<real>(c.fraction("w1")), o.w2 = static_cast<real>(c.fraction("w2")), o.shift = static_cast<real>(c.fraction("shift"));
         c.check("y", crf_loss(c.image("guidance"), c.image("feats"), positions(c.constant("rows")), positions(c.constant("cols")), o));
       }},
      {"pca", run_pca},
      {"vit", run_vit},
      {"optimizer", run_optimizer},
      {"trajectory_implicit", run_trajectory_implicit},
      {"trajectory_jbu", run_trajectory_jbu},
      {"jbu_kernels", [](Case& c) { run_jbu_level(c, true); }},
      {"jbu_learned_range", [](Case& c) { run_jbu_level(c, false); }},
      {"jbu_stack", run_jbu_stack},
      {"containers", run_containers},
      {"checkpoint", run_checkpoint},
      {"real_photo", run_real_photo},
  };
  return table;
}

}  // namespace

GoldenResult run_golden(const std::string& path, const std::string& shared) {
  using Status = GoldenResult::Status;
  GoldenResult r;
  r.name = std::filesystem::path(path).filename().string();
  r.tolerance = 1e-4;
  try {
    const Weights file(path);
    const auto op = file.metadata().find("op"), attrs = file.metadata().find("attrs");
    if (op == file.metadata().end()) throw FileError(path + ": has no 'op' in its metadata; it is no reference case.");
    r.op = op->second;
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
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  require<FileError>(!error, folder, ": cannot be read: ", error.message(), ".");
  require<FileError>(!files.empty(), folder, ": holds no .safetensors cases.");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace fu
