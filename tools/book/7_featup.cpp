// Chapter 7: every part of FeatUp in some lines, compared with the library's own.
#include <cmath>
#include <cstdio>

#include "featup/builtin/builtin.h"
#include "featup/fit/uncertainty.h"
#include "featup/jbu/jbu.h"
#include "featup/jbu/jbu_layers.h"
#include "featup/measure/views.h"
#include "featup/published/implicit_fit.h"
#include "layers/fourier_features.h"
#include "tools/book/7_definitions.h"
#include "tools/book/7_pictures.h"
#include "tools/book/book.h"
#include "tools/book/subject.h"

using namespace fu;
using book::Subject;

namespace {

/// The parameters of a module as a chapter's definitions take them, watched by a tape if there is one.
plain::Parameters parameters_of(const std::map<std::string, Tensor>& saved, const std::string& prefix, Tape* tape) {
  plain::Parameters p;
  for (const auto& [name, value] : saved) {
    if (name.rfind(prefix, 0) != 0) continue;
    // Files have 1x1 convolutions as (out,in,1,1).
    const bool matrix = value.rank() == 4 && value.dim(2) == 1 && value.dim(3) == 1;
    const Tensor t = matrix ? value.reshape({value.dim(0), value.dim(1)}) : value;
    p[name.substr(prefix.size())] = tape ? tape->watch(t) : Var(t);
  }
  return p;
}

void views_section() {
  const Subject subject;
  Random random(7);
  for (int i = 0; i < 3; ++i) {
    const Jitter j = draw_jitter(random, 224, 224, 30, 1.8);
    char text[80];
    std::snprintf(text, sizeof text, "zoom %.2f, row %ld, column %ld%s", j.zoom, static_cast<long>(j.top),
                  static_cast<long>(j.left), j.flip ? ", mirrored" : "");
    book::say_equal(text, plain::view_of(subject.image, j).value, apply_jitter(subject.image, j));
  }
  book::draw_views(subject);
}

void downsamplers_section() {
  const Subject subject;
  Random random(3);
  const Tensor map = random.normal({1, 80, 96, 6});
  SimpleDownsampler simple(29);
  simple.kernel_params.set(random.normal({29, 29}));
  book::say_equal("simple downsampler, 80x96 -> 5x6",
                  plain::simple_downsample(map, simple.kernel_params.value, 5, 6).value, simple(Var(map), 5, 6).value);
  AttentionDownsampler attention(6, 29, &random);
  std::map<std::string, Tensor> saved;
  attention.save(saved);
  book::say_equal("attention downsampler, 80x96 -> 5x6",
                  plain::attention_downsample(map, parameters_of(saved, "", nullptr), 5, 6).value,
                  attention(Var(map), 5, 6).value);
}

void jbu_section() {
  const Subject subject;
  const Weights file = builtin_stack();
  const JbuStack stack(file);
  Tensor x = subject.low;
  for (int level = 1; level <= 2; ++level) {
    const std::string name = "up" + std::to_string(level) + ".";
    const std::string prefix = (file.has("upsampler." + name + "range_temp") ? "upsampler." : "") + name;
    std::map<std::string, Tensor> saved;
    for (const char* part :
         {"range_temp", "sigma_spatial", "range_proj.0.weight", "range_proj.0.bias", "range_proj.3.weight",
          "range_proj.3.bias", "fixup_proj.0.weight", "fixup_proj.0.bias", "fixup_proj.3.weight", "fixup_proj.3.bias"})
      saved[part] = file.read(prefix + part, file.shape(prefix + part));
    const Tensor guidance = adaptive_avg_pool(subject.image, 2 * x.dim(1), 2 * x.dim(2));
    const Tensor ours = plain::jbu_level(x, guidance, parameters_of(saved, "", nullptr)).value;
    book::say_equal("level " + std::to_string(level) + ", " + x.shape().str() + " -> " + ours.shape().str(), ours,
                    jbu_learned_range(stack.levels[usize(level - 1)], x, guidance), 2e-4);
    if (level == 2)
      std::printf("largest entry of the keys' bias: %.0f\n",
                  static_cast<double>(largest(reshape(saved["range_proj.3.bias"], {32, 1})).value.item()));
    x = ours;
  }
  book::draw_levels(subject, stack);
  book::draw_kernels(subject, stack);
}

void graph_section() {
  //! [graph]
  Random random(3);
  JbuLearnedRange level(JbuLayersOptions(), &random);
  const Var source = random.normal({1, 8, 8, 16}), guidance = random.normal({1, 16, 16, 3});
  Tape tape;
  tape.trace({true});
  backward(mean(square(level(source, guidance))));
  DotOptions options;
  options.parameters = false;
  book::write_figure("7-level.dot", tape.dot(options));
  //! [graph]
  constexpr long long kLoss = 3;  // square, sum, and division by the number of elements
  const auto nodes = static_cast<long long>(tape.nodes()),
             parameters = static_cast<long long>(level.parameters().size());
  std::printf("%lld nodes: %lld parameters, %lld ops of the level, %lld of the loss\n", nodes, parameters,
              nodes - parameters - kLoss, kLoss);
}

void network_section() {
  const Subject subject(64);
  Random random(5);
  const ImplicitOptions options;
  ImplicitNetwork network(options, 32, &random);
  std::map<std::string, Tensor> saved;
  network.save(saved);
  const std::vector<real> frequencies = log_spaced_frequencies(-2, static_cast<real>(options.highest), 30);
  book::say_equal("network, 64x64 pixels -> 32 channels",
                  plain::implicit_map(subject.image, parameters_of(saved, "", nullptr), frequencies).value,
                  network.map(subject.image).value);
}

void variation_section() {
  const Subject subject(64);
  book::say_equal("total variation of the photo",
                  Tensor::full({1}, static_cast<real>(plain::total_variation(subject.image))),
                  total_variation(subject.image).value);
}

//! [whole]
/// The loss of some views of a map (1,H,W,C). downsampler, scale_net: parameters of the downsampler and of the
/// uncertainty. The weights of the terms are those that FeatUp published.
Var whole_loss(const Var& map, const std::vector<JitteredView>& views, const plain::Parameters& downsampler,
               const plain::Parameters& scale_net) {
  const auto length = [](const Var& x) { return sqrt(sum(square(x), -1)); };
  const Index c = map.dim(3);
  std::vector<Var> predictions, targets;
  for (const JitteredView& view : views) {
    // The length |F| goes along as one more channel.
    const Var seen = plain::view_of(concat({length(map), map}, -1), view.jitter);
    predictions.push_back(plain::attention_downsample(seen, downsampler, view.features.dim(1), view.features.dim(2)));
    targets.push_back(view.features);
  }
  const Var prediction = concat(predictions, 0), target = concat(targets, 0);
  const Var down_of_length = slice(prediction, 3, 0, 1), down = slice(prediction, 3, 1, c + 1);
  const Var lengths = length(map), below = slice(lengths, 1, 1, map.dim(1)) - slice(lengths, 1, 0, map.dim(1) - 1),
            beside = slice(lengths, 2, 1, map.dim(2)) - slice(lengths, 2, 0, map.dim(2) - 1);
  Var loss = plain::likelihood_loss(down, target, plain::uncertainty(target, scale_net));
  loss = loss + affine(mean(square(down_of_length - length(target))) + mean(square(length(down) - length(target))),
                       real(1e-3));
  loss = loss + affine(sum(square(below)) + sum(square(beside)), real(0.05) / static_cast<real>(lengths.size()));
  return loss + affine(mean(square(gaussian_blur(map, 5, 1) - map)), real(0.1));
}
//! [whole]

void whole_section() {
  const Subject subject(64);
  std::vector<JitteredView> views = subject.views(3, 11);
  std::vector<Tensor> all;
  for (const JitteredView& view : views) all.push_back(view.features);
  const Pca pca = fit_pca(concat(all, 0), 12);
  std::vector<const JitteredView*> chosen;
  for (JitteredView& view : views) view.features = pca.project(view.features), chosen.push_back(&view);

  Random random(9);
  ImplicitFit fit(subject.image, 12, {}, &random);
  std::map<std::string, Tensor> saved;
  fit.save(saved);
  Tensor value;
  {
    Tape tape;
    const Var loss = fit.loss(chosen);
    value = loss.value;
    backward(loss);
  }
  Tape tape;
  const plain::Parameters network = parameters_of(saved, "upsampler.", &tape),
                          downsampler = parameters_of(saved, "downsampler.", &tape),
                          scale_net = parameters_of(saved, "scale_net.", &tape);
  const Var map = plain::implicit_map(subject.image, network, log_spaced_frequencies(-2, 10, 30));
  const Var loss = whole_loss(map, views, downsampler, scale_net);
  backward(loss);
  book::say_equal("the whole loss of 3 views", loss.value, value);
  fit.visit([&](const std::string& name, Parameter& parameter, FileLayout) {
    for (const auto& [prefix, p] : {std::pair<std::string, const plain::Parameters&>{"upsampler.", network},
                                    {"downsampler.", downsampler},
                                    {"scale_net.", scale_net}})
      if (name.rfind(prefix, 0) == 0)
        book::say_equal("gradient of " + name, tape.gradient(p.at(name.substr(prefix.size()))), parameter.grad, 1e-3);
  });
}

void components_section() {
  const Subject subject;
  const Pca ours = plain::principal_components(subject.low, 6), library = fit_pca(subject.low, 6);
  book::say_equal("mean", ours.mean, library.mean);
  book::say_equal("6 components", ours.components, library.components);
  std::printf("share of the variance that the first k components keep\n");
  for (const Index k : {1, 3, 8, 32, 128}) {
    const Pca some = fit_pca(subject.low, k);
    double kept = 0;
    for (Index i = 0; i < k; ++i) kept += static_cast<double>(some.variance.data()[i]);
    std::printf("  k = %3ld: %.3f\n", static_cast<long>(k), kept / some.total);
  }
  book::draw_components(subject);
}

void uncertainty_section() {
  const Subject subject(64);
  Random random(4);
  const Tensor target = random.normal({2, 4, 4, 8}), prediction = random.normal({2, 4, 4, 8});
  ScaleNet net(8, &random);
  std::map<std::string, Tensor> saved;
  net.save(saved);
  const plain::Parameters p = parameters_of(saved, "", nullptr);
  const Var s = plain::uncertainty(target, p);
  book::say_equal("deviations", s.value, net(Var(target)).value);
  book::say_equal("loss", plain::likelihood_loss(prediction, target, s).value,
                  reconstruction_loss(prediction, target, net(Var(target))).value);
  book::draw_uncertainty(Subject());
}

}  // namespace

int main(int argc, char** argv) {
  return book::run_sections(argc, argv,
                            {{"views", views_section},
                             {"downsamplers", downsamplers_section},
                             {"jbu", jbu_section},
                             {"graph", graph_section},
                             {"network", network_section},
                             {"variation", variation_section},
                             {"whole", whole_section},
                             {"components", components_section},
                             {"uncertainty", uncertainty_section},
                             {"fit", book::fit_section}});
}
