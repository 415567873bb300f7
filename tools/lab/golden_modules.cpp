// Reference cases of FeatUp's modules, of checkpoints, and of whole photos.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/eigen.h"
#include "core/ops/pca.h"
#include "featup/backbones/backbone.h"
#include "featup/jbu/jbu.h"
#include "featup/jbu/jbu_layers.h"
#include "featup/photo/jitter.h"
#include "featup/photo/preprocess.h"
#include "featup/published/implicit.h"
#include "featup/training/downsample.h"
#include "featup/training/losses.h"
#include "tools/lab/golden_case.h"

namespace fu {

namespace {

void run_pca(Case& c) {
  const Tensor x = c.constant("x");
  const Pca pca = fit_pca(x, c.number("components"));
  c.check("mean", pca.mean);
  c.check("reconstruction", pca.unproject(pca.project(x)));
  Tensor ratio = pca.variance.clone(), singular = pca.variance.clone();
  for (Index i = 0; i < ratio.size(); ++i) {
    ratio.data()[i] = static_cast<real>(static_cast<double>(pca.variance.data()[i]) / pca.total);
    singular.data()[i] =
        static_cast<real>(std::sqrt(static_cast<double>(pca.variance.data()[i]) * static_cast<double>(x.dim(0))));
  }
  c.check("singular_values", singular);
  c.check("explained_variance_ratio", ratio);
}

void run_vit(Case& c) {
  const ParamFile file(c, "");
  BackboneOptions options;
  options.feature = c.attrs.at("feature").get<std::string>();
  options.positions = "dino";
  c.check_image("y", open_backbone(file.path, options)->features(c.image("image").value));
}

/// A level in both forms: as layers, whose gradients are checked, and as fused kernels.
void run_jbu_level(Case& c, bool kernels_only) {
  JbuLayersOptions options;
  options.key_dim = c.number("key_dim"), options.radius = c.number("radius");
  JbuLearnedRange layers(options, nullptr);
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
  JbuLayers layers(source.dim(3), {4, 3, c.number("key_dim"), c.number("radius")}, nullptr);
  c.load(layers);
  c.check_image("y", layers(source, guidance));
  const ParamFile file(c, "");
  c.check_image("y", jbu_stack(JbuStack(Weights(file.path)), source.value, guidance.value));
  c.check_gradients();
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
          if (actual.data()[i] != expected.data()[i])
            throw FileError(path + ": tensor '" + name + "' differs at element " + std::to_string(i) + ".");
      }
  };
  for (const char* path : {"dtypes_and_views.pth", "nested_model_key.pth", "legacy_format.pth"})
    compare(path, "dtypes.");
  compare("plain_state_dict.pth", "plain.");
}

/// A checkpoint as FeatUp publishes them: backbone, norm, stack and mixing in one file.
void run_checkpoint(Case& c) {
  const std::string path =
      std::filesystem::path(c.file.path()).parent_path().string() + "/" + c.attrs.at("file").get<std::string>();
  const JbuStack stack{Weights(path)};
  const Tensor coarse = open_backbone(path)->features(c.image("image").value);
  const Tensor features = layer_norm(coarse, stack.norm_weight, stack.norm_bias, real(1e-5));
  c.check_image("lr_features", features);
  const Tensor hr = jbu_stack(stack, features, c.image("image").value);
  c.check_image("hr_features", first_channels(hr, c.file.shape("out.hr_features")[1]));
}

}  // namespace

GoldenRuns golden_modules() {
  return {
      {"jitter",
       [](Case& c) {
         c.check_image("y", apply_jitter(c.image("x"), {c.number("max_pad"), c.fraction("zoom"), c.number("top"),
                                                        c.number("left"), c.attrs.at("flip").get<bool>()}));
       }},
      {"magnitude", [](Case& c) { c.check_image("y", magnitude(c.image("x"))); }},
      {"min_max_scaler", [](Case& c) { c.check_image("y", min_max_scale(c.image("x"))); }},
      {"fourier_features",
       [](Case& c) {
         PlaceAndColorFeatures layer({c.number("n_freqs"), 10, c.attrs.at("color_feats").get<bool>()}, nullptr);
         c.load(layer);
         c.check_image("y", layer(c.image("image")));
         c.check_gradients();
       }},
      {"implicit_upsampler",
       [](Case& c) {
         const Index channels = c.file.shape("param.10.bias")[0];
         ImplicitNetwork network({c.number("n_freqs"), 10, c.attrs.at("color_feats").get<bool>()}, channels, nullptr);
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
         c.check_image("y", down.forward(x, c.number("final_size"), c.number("final_size"), true,
                                         c.has("in.keep") ? c.constant("keep") : Tensor()));
         c.check_gradients();
       }},
      {"scale_net",
       [](Case& c) {
         ScaleNet net(c.image("x").dim(3), nullptr);
         c.load(net);
         c.check_image("y", net(c.image("x")));
         c.check_gradients();
       }},
      {"reconstruction_loss",
       [](Case& c) { c.check("y", reconstruction_loss(c.image("pred"), c.image("target"), c.image("scale"))); }},
      {"total_variation", [](Case& c) { c.check("y", total_variation(c.image("x"))); }},
      {"crf_loss",
       [](Case& c) {
         CrfOptions o;
         o.alpha = static_cast<real>(c.fraction("alpha")), o.beta = static_cast<real>(c.fraction("beta")),
         o.gamma = static_cast<real>(c.fraction("gamma"));
         o.w1 = static_cast<real>(c.fraction("w1")), o.w2 = static_cast<real>(c.fraction("w2")),
         o.shift = static_cast<real>(c.fraction("shift"));
         c.check("y", crf_loss(c.image("guidance"), c.image("feats"), positions(c.constant("rows")),
                               positions(c.constant("cols")), o));
       }},
      {"pca", run_pca},
      {"vit", run_vit},
      {"jbu_kernels", [](Case& c) { run_jbu_level(c, true); }},
      {"jbu_learned_range", [](Case& c) { run_jbu_level(c, false); }},
      {"jbu_stack", run_jbu_stack},
      {"containers", run_containers},
      {"checkpoint", run_checkpoint},
  };
}

}  // namespace fu
