// bench [--json] [NAME...]: how fast the heavy parts run, as time and as a share of what this processor could do at
// most.
//
// First the peak: fused multiply-adds on registers alone, on all threads. Then each case, run until a second has
// passed: the median counts. Work is counted as multiplications and additions that the method needs, in GFLOP.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "core/files/weights.h"
#include "core/isa.h"
#include "core/parallel.h"
#include "core/pool.h"
#include "core/random.h"
#include "featup/backbones/vit.h"
#include "featup/builtin/builtin.h"
#include "featup/jbu/jbu.h"
#include "featup/published/implicit_fit.h"
#include "featup/training/jbu_trainer.h"
#include "tools/cli/progress.h"

using namespace fu;

namespace {

/// A case made ready: what to time, how much work it is, and what must be done before each run without being timed.
struct Ready {
  std::function<void()> run;
  double gflop = 0;
  std::function<void()> before = {};
};

struct Case {
  const char* name;
  std::function<Ready()> prepare;
};

/// Random weights in a file, as a checkpoint would bring them.
struct TemporaryWeights {
  std::string path;
  explicit TemporaryWeights(const std::map<std::string, Shape>& shapes) {
    path = (std::filesystem::temp_directory_path() / "featup-bench-XXXXXX").string();
    const int fd = mkstemp(path.data());
    require<FileError>(fd >= 0, path, ": cannot be written.");
    ::close(fd);
    Random random(1);
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, shape] : shapes) tensors[name] = random.uniform(shape, real(-0.05), real(0.05));
    write_safetensors(path, tensors);
  }
  ~TemporaryWeights() { std::filesystem::remove(path); }
};

Ready gemm(Index m, Index k, Index n) {
  Random random(2);
  const Tensor x = random.uniform({m, k}, -1, 1), w = random.uniform({n, k}, -1, 1), bias = random.uniform({n}, -1, 1);
  return {[=] { linear(x, w, bias); }, 2e-9 * static_cast<double>(m * n) * static_cast<double>(k)};
}

/// Backward of y = f(inputs), all inputs tracked; the recording is not timed.
Ready backward_of(const std::vector<Tensor>& inputs, const std::function<Var(const std::vector<Var>&)>& f,
                  double gflop) {
  struct State {
    std::vector<std::unique_ptr<Parameter>> parameters;
    std::unique_ptr<Tape> tape;
    Var y;
    Tensor dy;
  };
  const auto state = std::make_shared<State>();
  for (const Tensor& t : inputs) state->parameters.push_back(std::make_unique<Parameter>(t));
  const auto record = [state, f] {
    state->y = Var();
    state->tape = nullptr;
    state->tape = std::make_unique<Tape>();
    std::vector<Var> vars;
    for (const auto& p : state->parameters) {
      p->zero_grad();
      vars.emplace_back(*p);
    }
    state->y = f(vars);
    if (state->dy.shape() != state->y.shape()) state->dy = Tensor::full(state->y.shape(), 1);
  };
  return {[state] { backward(state->y, state->dy); }, gflop, record};
}

Ready linear_backward(Index m, Index k, Index n) {
  Random random(2);
  return backward_of(
      {random.uniform({m, k}, -1, 1), random.uniform({n, k}, -1, 1), random.uniform({n}, -1, 1)},
      [](const std::vector<Var>& x) { return linear(x[0], x[1], x[2]); },
      4e-9 * static_cast<double>(m * n) * static_cast<double>(k));
}

/// Of adaptive convolution on 224x224 pixels, radius 3: forward (0), or one of its two gradients (1: input, 2:
/// kernels).
Ready adaptive_convolution(Index channels, int which) {
  Random random(2);
  const Shape image{1, 224, 224, channels};
  const Tensor x = random.uniform(image, -1, 1), k = random.uniform({1, 224, 224, 49}, -1, 1);
  const double gflop = 2e-9 * 224 * 224 * 49 * static_cast<double>(channels);
  if (which == 0) return {[=] { adaptive_conv(x, k); }, gflop};
  if (which == 1)
    return backward_of(
        {x}, [k](const std::vector<Var>& in) { return adaptive_conv(in[0], k); }, gflop);
  return backward_of(
      {k}, [x](const std::vector<Var>& in) { return adaptive_conv(x, in[0]); }, gflop);
}

Ready attention_backward(Index tokens, Index heads) {
  Random random(2);
  const double n = static_cast<double>(tokens);
  return backward_of(
      {random.uniform({1, tokens, 3 * 64 * heads}, -1, 1)},
      [heads](const std::vector<Var>& x) { return attention(x[0], heads); },
      1e-9 * 5 * 2 * n * n * 64 * static_cast<double>(heads));
}

JbuStack random_stack() {
  std::map<std::string, Shape> shapes;
  for (int i = 1; i <= 4; ++i) {
    const std::string p = "upsampler.up" + std::to_string(i) + ".";
    shapes[p + "range_temp"] = shapes[p + "sigma_spatial"] = Shape{};
    shapes[p + "range_proj.0.weight"] = {32, 3, 1, 1};
    shapes[p + "range_proj.3.weight"] = {32, 32, 1, 1};
    shapes[p + "range_proj.0.bias"] = shapes[p + "range_proj.3.bias"] = {32};
    shapes[p + "fixup_proj.0.weight"] = {49, 52, 1, 1};
    shapes[p + "fixup_proj.3.weight"] = {49, 49, 1, 1};
    shapes[p + "fixup_proj.0.bias"] = shapes[p + "fixup_proj.3.bias"] = {49};
  }
  const TemporaryWeights file(shapes);
  return JbuStack{Weights(file.path)};
}

/// Work of a pixel of a level: keys (3 -> 32 -> 32), 49 products of keys, fix-up (52 -> 49 -> 49), 49 weights on every
/// channel.
double jbu_pixel(Index channels) {
  return 2 * (3 * 32 + 32 * 32 + 49 * 32 + 52 * 49 + 49 * 49 + 49.0 * static_cast<double>(channels));
}

Ready jbu(Index grid, Index channels) {
  Random random(3);
  const auto stack = std::make_shared<JbuStack>(random_stack());
  const Tensor source = random.uniform({1, grid, grid, channels}, -1, 1),
               guidance = random.uniform({1, 16 * grid, 16 * grid, 3}, -1, 1);
  auto out = std::make_shared<Tensor>(Shape{16 * grid, 16 * grid, channels});
  double pixels = 0;
  for (int level = 1; level <= 4; ++level) pixels += static_cast<double>((grid << level) * (grid << level));
  return {[=] { JbuRun(*stack, source, guidance, 4).rows(0, 16 * grid, out->data()); },
          1e-9 * jbu_pixel(channels) * pixels};
}

/// What the built-in stack does before its levels.
Ready token_filter(Index grid, Index channels) {
  Random random(4);
  const auto stack = std::make_shared<JbuStack>(builtin_stack());
  const Tensor source = random.uniform({1, grid, grid, channels}, -1, 1),
               photo = random.uniform({1, 16 * grid, 16 * grid, 3}, -1, 1);
  const double flops = jbu_pixel(channels) * static_cast<double>(4 * grid * grid);  // of the first level
  return {[=] { jbu_source(*stack, source, photo); }, 1e-9 * flops};
}

/// And after the second of them.
Ready smoothing(Index grid, Index channels) {
  Random random(5);
  const Tensor photo =
      random.uniform({1, 4 * grid, 4 * grid, 3}, real(-0.05), real(0.05));  // one thing, with some grain
  const auto map = std::make_shared<Tensor>(random.uniform({1, 4 * grid, 4 * grid, channels}, -1, 1));
  PhotoSmoothing options;
  options.strength = 30;
  return {[=] { photo_smoother(options, photo).apply(*map); }, 1e-9 * 20 * static_cast<double>(map->size())};
}

constexpr Index kPatch = 16, kGrid = 14, kDepth = 12, kTokens = kGrid * kGrid + 1;

std::shared_ptr<Vit> random_vit(Index dim) {
  std::map<std::string, Shape> shapes = {{"patch_embed.proj.weight", {dim, 3, kPatch, kPatch}},
                                         {"patch_embed.proj.bias", {dim}},
                                         {"cls_token", {1, 1, dim}},
                                         {"pos_embed", {1, kTokens, dim}},
                                         {"norm.weight", {dim}},
                                         {"norm.bias", {dim}}};
  for (Index i = 0; i < kDepth; ++i) {
    const std::string p = "blocks." + std::to_string(i) + ".";
    for (const char* name :
         {"norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias", "attn.proj.bias", "mlp.fc2.bias"})
      shapes[p + name] = {dim};
    shapes[p + "attn.qkv.weight"] = {3 * dim, dim};
    shapes[p + "attn.qkv.bias"] = {3 * dim};
    shapes[p + "attn.proj.weight"] = {dim, dim};
    shapes[p + "mlp.fc1.weight"] = {4 * dim, dim};
    shapes[p + "mlp.fc1.bias"] = {4 * dim};
    shapes[p + "mlp.fc2.weight"] = {dim, 4 * dim};
  }
  const TemporaryWeights file(shapes);
  return std::make_shared<Vit>(Weights(file.path), "");
}

Ready vit(Index dim) {
  const auto model = random_vit(dim);
  Random random(4);
  const Tensor image = random.uniform({1, kPatch * kGrid, kPatch * kGrid, 3}, -2, 2);
  const double n = kTokens, d = static_cast<double>(dim);
  return {[=] { model->features(image); },
          1e-9 * (kDepth * (24 * n * d * d + 4 * n * n * d) + 2 * kGrid * kGrid * 3 * kPatch * kPatch * d)};
}

/// One step of an implicit fit as published: 224x224, 303 -> 128 -> 128 -> 128, 10 views of 14x14, attention over
/// windows of 29x29.
Ready implicit_step() {
  struct State {
    Random random{5};
    std::vector<ImplicitView> views;
    std::vector<const ImplicitView*> drawn;
    std::unique_ptr<ImplicitFit> fit;
  };
  const auto state = std::make_shared<State>();
  const Tensor image = state->random.uniform({1, 224, 224, 3}, 0, 1);
  for (int v = 0; v < 10; ++v)
    state->views.push_back({draw_jitter(state->random, 224, 224, 30, 1.8), state->random.normal({1, 14, 14, 128})});
  for (const ImplicitView& view : state->views) state->drawn.push_back(&view);
  ImplicitFitOptions o;
  o.published_grid = true;
  state->fit = std::make_unique<ImplicitFit>(image, 128, o, &state->random);
  state->fit->train(state->random);
  // Three products, forward and twice backward, make 18 GFLOP; pooling, jitters and the features the rest.
  return {[state] { state->fit->step(state->drawn); }, 24};
}

/// A step of training a JBU stack with DeiT-Tiny at 224: 4 images, 5 jitters of each, the backbone's passes included.
Ready jbu_train_step() {
  struct State {
    Random random{7};
    std::unique_ptr<JbuTrainer> trainer;
    std::vector<Tensor> images;
  };
  const auto state = std::make_shared<State>();
  for (int i = 0; i < 4; ++i)
    state->images.push_back(state->random.uniform({1, kPatch * kGrid, kPatch * kGrid, 3}, -2, 2));
  state->trainer = std::make_unique<JbuTrainer>(
      [model = random_vit(192)](const Tensor& image) { return model->features(image); }, 192, JbuTrainerOptions());
  // 24 passes of the backbone make 60 GFLOP; the stack on 32 channels, its kernels and their gradients the rest.
  return {[state] { state->trainer->step(state->images); }, 120};
}

const std::vector<Case> kCases = {
    {"gemm_1024", [] { return gemm(1024, 1024, 1024); }},
    {"gemm_50176x303x128", [] { return gemm(50176, 303, 128); }},
    {"gemm_50176x128x128", [] { return gemm(50176, 128, 128); }},
    {"jbu_14_384", [] { return jbu(14, 384); }},
    {"jbu_14_1", [] { return jbu(14, 1); }},
    {"jbu_64_384", [] { return jbu(64, 384); }},
    {"token_filter_14_384", [] { return token_filter(14, 384); }},
    {"token_filter_64_384", [] { return token_filter(64, 384); }},
    {"smoothing_14_384", [] { return smoothing(14, 384); }},
    {"smoothing_64_384", [] { return smoothing(64, 384); }},
    {"vit_s16_224", [] { return vit(384); }},
    {"deit_tiny_224", [] { return vit(192); }},
    {"implicit_step", [] { return implicit_step(); }},
    {"jbu_train_step", [] { return jbu_train_step(); }},
    {"linear_backward_50176x303x128", [] { return linear_backward(50176, 303, 128); }},
    {"linear_backward_50176x128x128", [] { return linear_backward(50176, 128, 128); }},
    {"linear_backward_1024", [] { return linear_backward(1024, 1024, 1024); }},
    {"adaptive_conv_384", [] { return adaptive_convolution(384, 0); }},
    {"adaptive_conv_384_dx", [] { return adaptive_convolution(384, 1); }},
    {"adaptive_conv_384_dk", [] { return adaptive_convolution(384, 2); }},
    {"adaptive_conv_31_dx", [] { return adaptive_convolution(31, 1); }},
    {"adaptive_conv_31_dk", [] { return adaptive_convolution(31, 2); }},
    {"attention_backward_785x6", [] { return attention_backward(785, 6); }},
};

/// GFLOP/s of register-only multiply-adds on all threads: the best of many short runs. The pauses let threads that
/// share a core by chance be woken on another.
double fma_peak() {
  double best = 0;
  for (int round = 0; round < 40; ++round) {
    constexpr Index kRounds = 4000000;
    std::vector<real> sink(static_cast<std::size_t>(threads()));
    if (round % 5 == 0) usleep(30000);
    const double start = now_seconds();
    parallel_for(threads(), [&](Index i, int) { sink[static_cast<std::size_t>(i)] = kernels().fma_peak(kRounds); });
    const double flop = 2.0 * 10 * static_cast<double>(kRounds) * static_cast<double>(kernels().lanes) * threads();
    best = std::max(best, flop / (now_seconds() - start) * 1e-9);
  }
  return best;
}

/// Peak resident memory since reset_peak_memory(), MB.
double peak_memory() {
  double mb = 0;
  if (std::FILE* f = std::fopen("/proc/self/status", "r")) {
    char line[256];
    long kb = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "VmHWM: %ld kB", &kb) == 1) mb = static_cast<double>(kb) / 1024;
    std::fclose(f);
  }
  return mb;
}

void reset_peak_memory() {
  trim_pool();
  if (std::FILE* f = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", f);
    std::fclose(f);
  }
}

int run(const std::vector<std::string>& names, bool json) {
  for (const std::string& name : names)
    require<UsageError>(std::any_of(kCases.begin(), kCases.end(), [&](const Case& c) { return name == c.name; }),
                        "no case '", name, "'. Without names, all run.");
  const double peak = fma_peak();
  if (!json) {
    std::printf("%s, %d threads, FMA peak %.0f GFLOP/s\n", kernels().isa, threads(), peak);
    std::printf("%-30s %12s %12s %10s %10s %12s\n", "case", "median", "best", "GFLOP/s", "of peak", "peak memory");
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Case& c : kCases) {
    if (!names.empty() && std::find(names.begin(), names.end(), c.name) == names.end()) continue;
    reset_peak_memory();
    const Ready ready = c.prepare();
    const auto prepare = [&] {
      if (ready.before) ready.before();
    };
    prepare();
    ready.run();  // first touch of memory, packing
    std::vector<double> seconds;
    for (double total = 0; total < 1 || seconds.size() < 5; total += seconds.back()) {
      prepare();
      const double start = now_seconds();
      ready.run();
      seconds.push_back(now_seconds() - start);
    }
    std::sort(seconds.begin(), seconds.end());
    const double median = seconds[seconds.size() / 2], rate = ready.gflop / median, memory = peak_memory();
    list.push_back({{"name", c.name},
                    {"seconds", median},
                    {"gflops", rate},
                    {"fraction_of_peak", rate / peak},
                    {"peak_rss_mb", memory}});
    if (!json)
      std::printf("%-30s %9.2f ms %9.2f ms %10.1f %9.0f%% %9.0f MB\n", c.name, median * 1e3, seconds[0] * 1e3, rate,
                  100 * rate / peak, memory);
    std::fflush(stdout);
  }
  if (json) std::printf("%s\n", list.dump(1).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--help") == 0 || argv[i][0] == '-') {
      std::printf("usage: bench [--json] [NAME...]\ncases:");
      for (const Case& c : kCases) std::printf(" %s", c.name);
      std::printf("\n");
      return std::strcmp(argv[i], "--help") == 0 ? 0 : 2;
    } else {
      names.emplace_back(argv[i]);
    }
  }
  try {
    return run(names, json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: error: %s\n", error.what());
    return 1;
  }
}
