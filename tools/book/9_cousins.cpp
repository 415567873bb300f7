#include "tools/book/9_cousins.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include "featup/fit/feature_grid.h"
#include "featup/measure/views.h"
#include "featup/published/implicit.h"
#include "layers/conv2d.h"
#include "layers/optimizer.h"
#include "tools/book/book.h"
#include "tools/book/picture.h"
#include "tools/book/subject.h"
#include "tools/cli/progress.h"
#include "tools/media/pictures.h"

namespace fu::book {

namespace {

constexpr Index kMap = 56, kSide = 224, kPanel = 144;

/// A convolution of 3x3, a norm over groups of channels, ReLU.
struct Block : Module {
  Block(Index in, Index out, Index stride, Random* random) : conv(in, out, 3, random, stride, 1) {
    scale.set(Tensor::full({out}, 1)), shift.set(Tensor::zeros({out}));
    add("conv", conv), add("scale", scale), add("shift", shift);
  }
  Var operator()(const Var& x) const { return relu(group_norm(conv(x), scale, shift, 4)); }
  Conv2d conv;
  Parameter scale, shift;
};

//! [dip]
/// A deep image prior: a convolutional network from noise that never changes to the map, (1,56,56,K).
struct DeepImagePrior : Module {
  DeepImagePrior(Index channels, Random* random)
      : noise(random->uniform({1, kMap, kMap, 16}, 0, real(0.1))),
        down1(16, 32, 2, random),
        down2(32, 64, 2, random),
        up2(64 + 32, 64, 1, random),
        up1(64 + 16, 48, 1, random),
        last(48, channels, random) {
    add("down1", down1), add("down2", down2), add("up2", up2), add("up1", up1), add("last", last);
  }
  Var map() const {
    const Var half = down1(noise), quarter = down2(half);
    const Var middle = up2(concat({resize_bilinear(quarter, kMap / 2, kMap / 2), half}, -1));
    return last(up1(concat({resize_bilinear(middle, kMap, kMap), Var(noise)}, -1)));
  }
  Tensor noise;
  Block down1, down2, up2, up1;
  Linear last;
};
//! [dip]

//! [liif]
/// A local implicit function: the value at any place is a mean over the four codes around it. Each code says, through
/// one network for all, what it expects at that distance from its centre.
struct LocalFunction : Module {
  LocalFunction(Index inputs, Index channels, Random* random)
      : first(inputs, 128, random), second(128, 128, random), last(128, channels, random) {
    add("first", first), add("second", second), add("last", last);
  }
  /// inputs (N,4,I): of each place and each of its four codes; shares (N,4,1), of sum 1 -> (N,K)
  Var operator()(const Var& inputs, const Var& shares) const {
    const Var each = last(second(first(inputs, Activation::relu), Activation::relu));
    return sum(each * shares, 1);
  }
  Linear first, second, last;
};
//! [liif]

/// The inputs of a local function at rows [begin, end) of a map of side x side places.
struct LocalInputs {
  Tensor inputs, shares;
  /// codes (1,h,w,C); colors (1,side,side,3), or of size 0.
  LocalInputs(const Tensor& codes, const Tensor& colors, Index side, Index begin, Index end) {
    const Index h = codes.dim(1), w = codes.dim(2), c = codes.dim(3), paint = colors.size() > 0 ? 3 : 0;
    const Index n = (end - begin) * side, size = 9 * c + 2 + paint;
    inputs = Tensor({n, 4, size}), shares = Tensor({n, 4, 1});
    const auto inside = [](Index i, Index count) { return std::clamp<Index>(i, 0, count - 1); };
    for (Index p = 0; p < n; ++p) {
      const Index i = begin + p / side, j = p % side;
      const double y = (static_cast<double>(i) + 0.5) * static_cast<double>(h) / static_cast<double>(side) - 0.5,
                   x = (static_cast<double>(j) + 0.5) * static_cast<double>(w) / static_cast<double>(side) - 0.5;
      for (Index t = 0; t < 4; ++t) {
        const auto row = static_cast<Index>(std::floor(y)) + t / 2, col = static_cast<Index>(std::floor(x)) + t % 2;
        const double dy = y - static_cast<double>(row), dx = x - static_cast<double>(col);
        real* out = inputs.data() + (p * 4 + t) * size;
        for (Index s = 0; s < 9; ++s) {  // the code and its eight neighbours
          const real* code = codes.data() + (inside(row + s / 3 - 1, h) * w + inside(col + s % 3 - 1, w)) * c;
          out = std::copy(code, code + c, out);
        }
        *out++ = static_cast<real>(dy), *out++ = static_cast<real>(dx);
        if (paint) std::copy(colors.data() + (i * side + j) * 3, colors.data() + (i * side + j) * 3 + 3, out);
        // Of the square between the four codes, the share that lies across from this one.
        shares.data()[p * 4 + t] = static_cast<real>((1 - std::abs(dy)) * (1 - std::abs(dx)));
      }
    }
  }
};

/// The same views and the same measure for all.
struct Contest {
  static constexpr Index kChannels = 32, kViews = 60;
  Subject subject;
  Pca pca;
  std::vector<JitteredView> views;  // in principal components
  std::unique_ptr<HeldOutViews> unseen;
  std::unique_ptr<FeatureColors> colors;
  std::vector<Image> pictures;

  Contest() : views(subject.views(kViews, 1)) {
    std::vector<Tensor> all;
    for (const JitteredView& view : views) all.push_back(view.features);
    pca = fit_pca(concat(all, 0), kChannels);
    for (JitteredView& view : views) view.features = pca.project(view.features);
    unseen = std::make_unique<HeldOutViews>(subject.image, subject.features, 16, 2);
    colors = std::make_unique<FeatureColors>(pca.project(subject.low));
    pictures.push_back(resize_antialiased(subject.photo, kPanel, kPanel));
  }
  /// map (1,m,m,K), in principal components.
  void judge(const char* name, const Tensor& map, double seconds, Index parameters) {
    std::printf("%-34s %9.1f %% %9.2f s %9ld\n", name, 100 * unseen->explained_by(pca.unproject(map)).value(), seconds,
                static_cast<long>(parameters));
    const Image picture = colors->paint(map);
    pictures.push_back(resize_antialiased(picture, kPanel, kPanel));
  }
};

//! [train]
/// Trains whatever makes a map (1,m,m,K), so that the map explains the views. Each step sees eight of them.
double train(const std::vector<JitteredView>& views, const std::vector<Parameter*>& parameters,
             const std::function<Var()>& map, int steps, double rate) {
  const double start = now_seconds();
  Random random(4);
  Adam adam(Adam::Kind::adam, parameters, rate);
  for (int step = 0; step < steps; ++step) {
    adam.lr = rate * warmup_cosine(step, steps / 20, steps);
    adam.zero_grad();
    Tape tape;
    const Var made = map();
    Var loss = Tensor::zeros({});
    for (int i = 0; i < 8; ++i) {
      const JitteredView& view = views[usize(random.below(static_cast<Index>(views.size())))];
      const ImageMaps look = jitter_maps(view.jitter, kSide, kSide);
      const AxisMap enlarge = bilinear_axis(made.dim(1), kSide), average = average_axis(kSide, view.features.dim(1));
      const Var seen = resample(made, average.after(look.rows).after(enlarge), average.after(look.cols).after(enlarge));
      loss = loss + mean(square(seen - Var(view.features)));
    }
    backward(loss);
    adam.step();
  }
  return now_seconds() - start;
}
//! [train]

void grids(Contest& contest) {
  const Subject& s = contest.subject;
  const double start = now_seconds();
  GridSystem system(denormalize(s.image), Contest::kChannels);
  for (const JitteredView& view : contest.views) system.add(view.jitter, view.features);
  const Tensor solved = system.solve({}, 10);
  contest.judge("grid, least squares", system.map(solved), now_seconds() - start, solved.size());
  Parameter cells(resize_bilinear(contest.pca.project(s.low), kMap, kMap));
  const double seconds = train(
      contest.views, {&cells}, [&] { return Var(cells); }, 300, 0.05);
  contest.judge("grid without a prior, Adam", cells.value, seconds, cells.value.size());
}

void networks(Contest& contest) {
  const Subject& s = contest.subject;
  Random random(1);
  ImplicitOptions options;
  options.highest = std::log(3.14159 * kMap / 2);
  ImplicitNetwork network(options, Contest::kChannels, &random);
  const Tensor signals = network.signals_of(adaptive_avg_pool(s.image, kMap, kMap));
  double seconds = train(
      contest.views, network.parameters(),
      [&] {
        return reshape(network.pixels(signals), {1, kMap, kMap, Contest::kChannels});
      },
      300, 3e-3);
  contest.judge("network of places and colours", network.map(s.image).value, seconds, network.parameter_count());

  DeepImagePrior prior(Contest::kChannels, &random);
  seconds = train(
      contest.views, prior.parameters(), [&] { return prior.map(); }, 400, 1e-2);
  contest.judge("deep image prior", prior.map().value, seconds, prior.parameter_count());
}

void local_functions(Contest& contest) {
  const Subject& s = contest.subject;
  const Tensor codes = contest.pca.project(s.low);
  for (const bool colored : {false, true}) {
    const auto colors = [&](Index side) { return colored ? adaptive_avg_pool(s.image, side, side) : Tensor(); };
    Random random(1);
    const LocalInputs at(codes, colors(kMap), kMap, 0, kMap);
    LocalFunction local(at.inputs.dim(2), Contest::kChannels, &random);
    const double seconds = train(
        contest.views, local.parameters(),
        [&] {
          return reshape(local(at.inputs, at.shares), {1, kMap, kMap, Contest::kChannels});
        },
        150, 3e-3);
    std::vector<Tensor> bands;  // the function at twice the resolution that it was trained at
    constexpr Index kFine = 2 * kMap, kBand = 28;
    for (Index begin = 0; begin < kFine; begin += kBand) {
      const LocalInputs fine(codes, colors(kFine), kFine, begin, begin + kBand);
      bands.push_back(local(fine.inputs, fine.shares).value.reshape({1, kBand, kFine, Contest::kChannels}));
    }
    contest.judge(colored ? "local function, with colours" : "local function", concat(bands, 1), seconds,
                  local.parameter_count());
  }
}

}  // namespace

void cousins_section() {
  const double start = now_seconds();
  Contest contest;
  std::printf("%ld views of %ld components: %.2f s\n", static_cast<long>(Contest::kViews),
              static_cast<long>(Contest::kChannels), now_seconds() - start);
  std::printf("%-34s %11s %11s %9s\n", "", "explained", "time", "numbers");
  const Tensor low = contest.pca.project(contest.subject.low);
  contest.judge("bilinear", resize_bilinear(low, kSide, kSide), 0, 0);
  const double begin = now_seconds();
  const Tensor stack = contest.subject.upsampled("builtin");
  contest.judge("the built-in stack", contest.pca.project(stack), now_seconds() - begin, 0);
  grids(contest);
  networks(contest);
  local_functions(contest);
  write_pictures("9-cousins.png", contest.pictures, 3);
}

}  // namespace fu::book
