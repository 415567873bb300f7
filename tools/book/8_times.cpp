// Chapter 8: the time of each computation before an identity is used, and after.
#include <cstdio>

#include "core/parallel.h"
#include "featup/builtin/builtin.h"
#include "featup/fit/feature_grid.h"
#include "featup/jbu/jbu.h"
#include "featup/measure/views.h"
#include "featup/training/downsample.h"
#include "tools/book/7_definitions.h"
#include "tools/book/8_identities.h"
#include "tools/book/book.h"
#include "tools/book/subject.h"

namespace fu::book {

namespace {

/// The times here are of work on all threads, which a busy machine disturbs: they are the best of half a second.
template <class F>
double best_of_many(const F& f) {
  return best_seconds(f, 0.5);
}

void row(const char* what, double seconds, double before = 0) {
  std::printf("%-56s %9.2f ms", what, 1000 * seconds);
  if (before > 0) std::printf("   %6.1f times", before / seconds);
  std::printf("\n");
}

/// The built-in stack without the two steps that the published ones do not have.
JbuStack bare_stack() {
  JbuStack stack(builtin_stack());
  stack.filter = {}, stack.smoothing = {};
  return stack;
}

plain::Parameters level_parameters(const Weights& file, int level) {
  const std::string name = "up" + std::to_string(level) + ".";
  const std::string prefix = (file.has("upsampler." + name + "range_temp") ? "upsampler." : "") + name;
  plain::Parameters p;
  for (const char* part :
       {"range_temp", "sigma_spatial", "range_proj.0.weight", "range_proj.0.bias", "range_proj.3.weight",
        "range_proj.3.bias", "fixup_proj.0.weight", "fixup_proj.0.bias", "fixup_proj.3.weight", "fixup_proj.3.bias"}) {
    const Tensor t = file.read(prefix + part, file.shape(prefix + part));
    p[part] = Var(t.rank() == 4 ? t.reshape({t.dim(0), t.dim(1)}) : t);
  }
  return p;
}

//! [loops]
/// The weighted sum of a level by its definition: six loops, the border mirrored.
Tensor weighted_sum(const Tensor& x, const Tensor& k, Index radius) {
  const Index h = x.dim(1), w = x.dim(2), c = x.dim(3), d = 2 * radius + 1;
  const auto mirrored = [](Index i, Index n) { return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; };
  Tensor y({1, h, w, c});
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j)
      for (Index channel = 0; channel < c; ++channel) {
        real total = 0;
        for (Index u = 0; u < d; ++u)
          for (Index v = 0; v < d; ++v) {
            const Index row = mirrored(i + u - radius, h), col = mirrored(j + v - radius, w);
            total += k.data()[(i * w + j) * d * d + u * d + v] * x.data()[(row * w + col) * c + channel];
          }
        y.data()[(i * w + j) * c + channel] = total;
      }
  return y;
}
//! [loops]

}  // namespace

void time_channels() {
  const Subject subject;
  const JbuStack stack = bare_stack();
  const Index c = subject.low.dim(3);
  Random random(1);
  const Tensor a = random.normal({3, c});
  const double after = best_of_many([&] { linear(JbuRun(stack, subject.low, subject.image, 4).all(), a, Tensor()); });
  row("192 channels through the stack, then to 3", after);
  row("to 3 channels, then through the stack",
      best_of_many([&] { JbuRun(stack, linear(subject.low, a, Tensor()), subject.image, 4).all(); }), after);
}

void time_fold() {
  const Subject subject;
  const JbuLevel level = bare_stack().levels.back();
  Random random(2);
  const Tensor x = random.normal({1, 112, 112, 192});
  const double weights = best_of_many([&] { jbu_kernels(level, subject.image); });
  const Tensor k = jbu_kernels(level, subject.image);
  const double enlarged = best_of_many([&] { resize_bicubic(x, 224, 224); });
  const Tensor fine = resize_bicubic(x, 224, 224);
  const double summed = best_of_many([&] { adaptive_conv(fine, k); });
  row("weights of 224 x 224 pixels from the photo", weights);
  row("192 channels enlarged to 224 x 224", enlarged);
  row("weighted sums of 7 x 7 on the enlarged map", summed);
  std::printf("the enlarged map has %.1f MB\n", static_cast<double>(fine.size()) * sizeof(real) / 1e6);
  row("the three together", weights + enlarged + summed);
  JbuStack one = bare_stack();
  one.levels.erase(one.levels.begin(), one.levels.end() - 1);
  row("the level with its weights folded", best_of_many([&] { JbuRun(one, x, subject.image, 1).all(); }),
      weights + enlarged + summed);
}

void time_maps() {
  Random random(4);
  const Tensor map = random.normal({1, 224, 224, 192});
  const Jitter j{30, 1.37, 40, 75, false};
  const double before = best_of_many([&] { adaptive_avg_pool(plain::view_of(map, j).value, 14, 14); });
  row("192 channels: pad, zoom, cut, average", before);
  row("one map along rows and one along columns", best_of_many([&] { predict_view(map, j, 224, 224, 14, 14); }),
      before);
}

void time_windows() {
  constexpr Index kViews = 10, kKernel = 29;
  const Subject subject;
  Random random(5);
  const Tensor map = random.normal({1, 224, 224, 32});
  AttentionDownsampler attention(33, kKernel, &random);
  std::map<std::string, Tensor> saved;
  attention.save(saved);
  plain::Parameters p;
  for (const auto& [name, value] : saved) p[name] = Var(value);
  std::vector<Jitter> jitters;
  for (Index i = 0; i < kViews; ++i)
    jitters.push_back(draw_jitter(random, 224, 224, 30, 1.8)), jitters.back().flip = false;
  const auto run = [&](const std::function<Var(const Var&)>& predict) {
    return best_of_many([&] {
      Tape tape;
      backward(sum(square(predict(tape.watch(map)))));
    });
  };
  const double before = run([&](const Var& x) {
    const Var with_length = concat({sqrt(sum(square(x), -1)), x}, -1);
    std::vector<Var> views;
    for (const Jitter& j : jitters)
      views.push_back(plain::attention_downsample(plain::view_of(with_length, j), p, 14, 14));
    return concat(views, 0);
  });
  row("10 views of 33 channels made, blurred and averaged", before);
  row("windows carried onto the map", run([&](const Var& x) {
        const ViewWindows windows(jitters, 224, 224, 14, 14, kKernel, false, true);
        Var length;
        const Var w =
            reshape(windows.onto_map(attention.view_weights(windows, x, length)), {windows.rectangles()->weights()});
        return concat({rectangle_sums(length, w, windows.rectangles()), rectangle_sums(x, w, windows.rectangles())},
                      -1);
      }),
      before);
}

void time_sums() {
  const Subject subject;
  const Pca pca = fit_pca(subject.low, 32);
  std::vector<JitteredView> views = subject.views(40, 6);
  GridSystem system(denormalize(subject.image), 32);
  for (JitteredView& view : views) {
    view.features = pca.project(view.features);
    system.add(view.jitter, view.features);
  }
  const Tensor grid = system.solve({}, 10);
  const double before = best_of_many([&] {
    const Tensor map = system.map(grid);
    for (const JitteredView& view : views) predict_view(map, view.jitter, 224, 224, 14, 14);
  });
  row("error of a grid, by predicting 40 views of 32 channels", before);
  row("from the sums", best_of_many([&] { system.error(grid); }), before);
  row("all of the solution: 10 steps from the sums", best_of_many([&] { system.solve({}, 10); }));
}

void time_stack() {
  const Subject subject;
  const Weights file = builtin_stack();
  const JbuStack stack = bare_stack();
  Tensor x = subject.low;
  const double before = best_seconds(
      [&] {
        x = subject.low;
        for (int level = 1; level <= 4; ++level) {
          const Tensor guidance = adaptive_avg_pool(subject.image, 2 * x.dim(1), 2 * x.dim(2));
          const Tensor k = plain::jbu_kernels(guidance, level_parameters(file, level)).value;
          x = weighted_sum(resize_bicubic(x, guidance.dim(1), guidance.dim(2)), k, 3);
        }
      },
      0);
  const Tensor fused = JbuRun(stack, subject.low, subject.image, 4).all();
  require<UsageError>(difference(x, fused) < 1e-3, "the stack differs from its definition by ", difference(x, fused));
  std::printf("%d threads, 14 x 14 x 192 -> 224 x 224 x 192\n", threads());
  row("by the definition: neighbours copied, six loops", before);
  row("the library's ops, one after another", best_of_many([&] {
        x = subject.low;
        for (const JbuLevel& level : stack.levels)
          x = jbu_learned_range(level, x, adaptive_avg_pool(subject.image, 2 * x.dim(1), 2 * x.dim(2)));
      }),
      before);
  row("all identities", best_of_many([&] { JbuRun(stack, subject.low, subject.image, 4).all(); }), before);
  const Tensor a = Random(1).normal({3, subject.low.dim(3)});
  row("all identities, three components wanted",
      best_of_many([&] { JbuRun(stack, linear(subject.low, a, Tensor()), subject.image, 4).all(); }), before);
}

}  // namespace fu::book
