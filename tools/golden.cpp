#include "tools/golden.h"

#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "core/files/weights.h"
#include "core/ops.h"
#include "core/resample.h"
#include "featup/backbone.h"
#include "featup/downsample.h"
#include "featup/implicit.h"
#include "featup/jbu.h"
#include "featup/jitter.h"
#include "featup/losses.h"
#include "featup/pca.h"
#include "featup/preprocess.h"
#include "tools/image_io.h"

namespace fu {

namespace {

Tensor to_nhwc(const Tensor& t) { return t.rank() == 4 ? t.permute({0, 2, 3, 1}) : t; }
Tensor to_nchw(const Tensor& t) { return t.rank() == 4 ? t.permute({0, 3, 1, 2}) : t; }

/// A case under way: inputs by name, and the comparison of outputs.
struct Case {
  const Weights& file;
  nlohmann::json attrs;
  std::string shared;
  GoldenResult& result;

  /// As stored; images as (B,H,W,C).
  Tensor in(const std::string& name) const { return file.read("in." + name); }
  Tensor image(const std::string& name) const { return to_nhwc(in(name)); }
  Tensor param(const std::string& name) const { return file.read("param." + name); }
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
  void check(const std::string& name, const Tensor& actual) const {
    const Tensor expected = file.read("out." + name);
    if (actual.size() != expected.size())
      throw ShapeError("[" + result.op + "] out." + name + " has shape " + actual.shape().str() + ", expected " + expected.shape().str() + ".");
    double worst = 0, scale = 0;
    for (Index i = 0; i < expected.size(); ++i) {
      const double difference = std::abs(static_cast<double>(actual.data()[i]) - static_cast<double>(expected.data()[i]));
      worst = difference <= worst ? worst : difference;  // so that a NaN counts
      if (difference != difference) worst = INFINITY;
      scale = std::max(scale, std::abs(static_cast<double>(expected.data()[i])));
    }
    result.error = std::max(result.error, scale > 0 ? worst / scale : worst);
  }
  void check_image(const std::string& name, const Tensor& actual) const { check(name, to_nchw(actual)); }
};

/// A file of weights made of a case's param.*, for loaders that want one: same names, other prefix.
struct ParamFile {
  std::string path;
  explicit ParamFile(const Case& c, const std::string& prefix) {
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

using Run = std::function<void(const Case&)>;

Run elementwise(Unary op) {
  return [op](const Case& c) { c.check("y", unary(op, c.in("x"))); };
}
Run arithmetic(Binary op) {
  return [op](const Case& c) { c.check("y", binary(op, c.in("a"), c.in("b"))); };
}
Tensor matrix(const Tensor& t) { return t.reshape({t.dim(0), t.size() / std::max<Index>(1, t.dim(0))}); }

std::vector<Index> positions(const Tensor& t) {
  std::vector<Index> out;
  for (Index i = 0; i < t.size(); ++i) out.push_back(static_cast<Index>(std::lround(t.data()[i])));
  return out;
}

void run_pca(const Case& c) {
  const Tensor x = c.in("x");
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

void run_vit(const Case& c) {
  const ParamFile file(c, "");
  const Vit vit(Weights(file.path), "");
  c.check_image("y", vit.features(c.image("image"), c.attrs.at("feature") == "key" ? VitFeature::key : VitFeature::token));
}

void run_jbu_level(const Case& c, bool kernels_only) {
  const ParamFile file(c, "");
  const JbuLevel level(Weights(file.path), "");
  if (kernels_only)
    c.check("y", jbu_kernels(level, c.image("guidance")));
  else
    c.check_image("y", jbu_learned_range(level, c.image("source"), c.image("guidance")));
}

void run_jbu_stack(const Case& c) {
  const ParamFile file(c, "");
  c.check_image("y", jbu_stack(JbuStack(Weights(file.path)), c.image("source"), c.image("guidance")));
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
void run_real_photo(const Case& c) {
  const std::string photo = c.attrs.at("photo"), models = c.shared + "/models/";
  const Image crop = cover(read_image(c.shared + "/photos/" + photo), 224, 224);
  const bool lossless = photo.size() > 4 && photo.substr(photo.size() - 4) == ".png";
  const Tensor expected_crop = c.file.read("out.crop_u8");
  Index worst = 0;
  for (Index i = 0; i < expected_crop.size(); ++i)
    worst = std::max<Index>(worst, std::abs(static_cast<Index>(expected_crop.data()[i]) - crop.rgb[static_cast<std::size_t>(i)]));
  const auto backbone = open_backbone(models + "deit_tiny_patch16_224.safetensors");
  const Tensor features = backbone->features(c.image("image"));
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
  c.check_image("jbu_clip_first8", levels_only(models + "clip_jbu_stack_cocostuff.ckpt", first, c.image("image")));
  c.check_image("jbu_maskclip_first8", levels_only(models + "maskclip_jbu_stack_cocostuff.ckpt", first, c.image("image")));
}

/// Checkpoints as PyTorch writes them.
void run_containers(const Case& c) {
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
void run_checkpoint(const Case& c) {
  const std::string path = std::filesystem::path(c.file.path()).parent_path().string() + "/" + c.attrs.at("file").get<std::string>();
  const Weights w(path);
  std::string prefix;
  if (!Vit::find_prefix(w, prefix)) throw FileError(path + ": no transformer found.");
  const JbuStack stack(w);
  const Tensor features = layer_norm(Vit(w, prefix).features(c.image("image")), stack.norm_weight, stack.norm_bias, real(1e-5));
  c.check_image("lr_features", features);
  const Tensor hr = jbu_stack(stack, features, c.image("image"));
  c.check_image("hr_features", first_channels(hr, c.file.shape("out.hr_features")[1]));
}

const std::map<std::string, Run>& runs() {
  static const std::map<std::string, Run> table = {
      {"add", arithmetic(Binary::add)},
      {"sub", arithmetic(Binary::sub)},
      {"mul", arithmetic(Binary::mul)},
      {"div", arithmetic(Binary::div)},
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
      {"clamp_min", [](const Case& c) { c.check("y", unary(Unary::clamp_min, c.in("x"), static_cast<real>(c.fraction("min")))); }},
      {"sum", [](const Case& c) { c.check("y", sum(c.in("x"), static_cast<int>(c.number("dim")))); }},
      {"mean", [](const Case& c) { c.check("y", mean(c.in("x"))); }},
      {"softmax",
       [](const Case& c) { c.check("y", softmax(c.in("x"), static_cast<int>(c.number("dim")), static_cast<real>(c.fraction("temperature")))); }},
      {"layer_norm",
       [](const Case& c) { c.check("y", layer_norm(c.in("x"), c.param("weight"), c.param("bias"), static_cast<real>(c.fraction("eps")))); }},
      {"matmul", [](const Case& c) { c.check("y", matmul(c.in("a"), c.in("b"))); }},
      {"linear", [](const Case& c) { c.check("y", linear(c.in("x"), c.param("weight"), c.param("bias"))); }},
      {"conv2d",
       [](const Case& c) {
         c.check_image("y", conv2d(c.image("x"), to_nhwc(c.param("weight")), c.param("bias"), c.number("stride"), c.number("padding")));
       }},
      {"permute",
       [](const Case& c) {
         Shape order;
         for (const auto& axis : c.attrs.at("dims")) order.push_back(axis.get<Index>());
         c.check("y", c.in("x").permute(order));
       }},
      {"concat",
       [](const Case& c) {
         c.check("y", concat({c.in("a"), c.in("b")}, static_cast<int>(c.number("dim"))));
       }},
      {"dropout_mask",
       [](const Case& c) { c.check("y", unary(Unary::affine, c.in("x") * c.in("keep"), static_cast<real>(1 / (1 - c.fraction("p"))))); }},
      {"reflect_pad", [](const Case& c) { c.check_image("y", reflect_pad(c.image("x"), c.number("radius"))); }},
      {"resize_bicubic", [](const Case& c) { c.check_image("y", resize_bicubic(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"resize_bilinear", [](const Case& c) { c.check_image("y", resize_bilinear(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"adaptive_avg_pool", [](const Case& c) { c.check_image("y", adaptive_avg_pool(c.image("x"), c.attrs.at("size")[0], c.attrs.at("size")[1])); }},
      {"zoom_bilinear", [](const Case& c) { c.check_image("y", zoom_bilinear(c.image("x"), c.fraction("zoom"))); }},
      {"gaussian_blur", [](const Case& c) { c.check_image("y", gaussian_blur(c.image("x"), c.number("size"), c.fraction("sigma"))); }},
      {"adaptive_conv",
       [](const Case& c) {
         const Tensor k = c.in("kernels");
         c.check_image("y", adaptive_conv(c.image("x"), k.reshape({k.dim(0), k.dim(1), k.dim(2), -1})));
       }},
      {"jitter",
       [](const Case& c) {
         c.check_image("y", apply_jitter(c.image("x"), {c.number("max_pad"), c.fraction("zoom"), c.number("top"), c.number("left"),
                                                        c.attrs.at("flip").get<bool>()}));
       }},
      {"magnitude", [](const Case& c) { c.check_image("y", magnitude(c.image("x"))); }},
      {"min_max_scaler", [](const Case& c) { c.check_image("y", min_max_scale(c.image("x"))); }},
      {"fourier_features",
       [](const Case& c) {
         c.check_image("y", fourier_features(c.image("image"), c.param("biases"), c.number("n_freqs"), c.attrs.at("color_feats").get<bool>()));
       }},
      {"implicit_upsampler",
       [](const Case& c) { c.check_image("y", implicit_upsample(c.image("image"), c.params(), c.attrs.at("color_feats").get<bool>())); }},
      {"simple_downsampler",
       [](const Case& c) {
         c.check_image("y", simple_downsample(c.image("x"), c.param("kernel_params"), c.number("final_size"), c.number("final_size"), true));
       }},
      {"attention_downsampler",
       [](const Case& c) {
         c.check_image("y", attention_downsample(c.image("x"), c.param("w"), c.param("b"), c.param("attention_net.1.weight"),
                                                 c.param("attention_net.1.bias"), c.number("final_size"), c.number("final_size"),
                                                 c.attrs.at("blur").get<bool>(), true, c.has("in.keep") ? c.in("keep") : Tensor()));
       }},
      {"scale_net", [](const Case& c) { c.check_image("y", scale_net(c.image("x"), matrix(c.param("net.weight")), c.param("net.bias"))); }},
      {"reconstruction_loss", [](const Case& c) { c.check("y", reconstruction_loss(c.image("pred"), c.image("target"), c.image("scale"))); }},
      {"total_variation", [](const Case& c) { c.check("y", total_variation(c.image("x"))); }},
      {"crf_loss",
       [](const Case& c) {
         CrfOptions o;
         o.alpha = static_cast<real>(c.fraction("alpha")), o.beta = static_cast<real>(c.fraction("beta")),
         o.gamma = static_cast<real>(c.fraction("gamma"));
         o.w1 = static_cast<real>(c.fraction("w1")), o.w2 = static_cast<real>(c.fraction("w2")), o.shift = static_cast<real>(c.fraction("shift"));
         c.check("y", crf_loss(c.image("guidance"), c.image("feats"), positions(c.in("rows")), positions(c.in("cols")), o));
       }},
      {"pca", run_pca},
      {"vit", run_vit},
      {"jbu_kernels", [](const Case& c) { run_jbu_level(c, true); }},
      {"jbu_learned_range", [](const Case& c) { run_jbu_level(c, false); }},
      {"jbu_stack", run_jbu_stack},
      {"containers", run_containers},
      {"checkpoint", run_checkpoint},
      {"real_photo", run_real_photo},
  };
  return table;
}

/// Cases that need training.
bool only_training(const std::string& op) { return op == "optimizer" || op == "trajectory_implicit" || op == "trajectory_jbu"; }

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
    for (const auto& [name, unused] : file.entries()) r.gradients = r.gradients || name.rfind("grad.", 0) == 0;
    if (only_training(r.op)) {
      r.status = Status::skipped;
      r.detail = "training: not yet";
      return r;
    }
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
    run->second(Case{file, nlohmann::json::parse(attrs == file.metadata().end() ? "{}" : attrs->second), shared, r});
    r.status = r.error <= r.tolerance ? Status::passed : Status::failed;
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
