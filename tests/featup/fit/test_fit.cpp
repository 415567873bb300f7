// A whole fit: the fast forms of its parts are those layer by layer, the grid finds what made its views, and a stopped
// fit goes on as if it had not.
#include "featup/fit/fit_run.h"
#include "tests/featup/fit/edge_picture.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

/// A backbone that mixes colours and their means over cells of 8 pixels.
Tensor mixed_features(const Tensor& image) {
  static const Tensor mixing = [] {
    Random random(5);
    return random.normal({6, 3});
  }();
  return adaptive_avg_pool(linear(image, mixing, Tensor()), image.dim(1) / 8, image.dim(2) / 8);
}

/// Of the module's parameters, and, where x is given, of loss(x) by x.
std::map<std::string, Tensor> gradients(Module& module, const std::function<Var(const Var&)>& loss,
                                        const Tensor& x = Tensor::zeros({1})) {
  for (Parameter* p : module.parameters()) p->zero_grad();
  Tape tape;
  const Var watched = tape.watch(x);
  backward(loss(watched));
  std::map<std::string, Tensor> all = {{"x", tape.gradient(watched).clone()}};
  module.visit([&](const std::string& name, Parameter& p, FileLayout) {
    all[name] = p.has_grad() ? p.grad.clone() : Tensor::zeros(p.value.shape());
  });
  return all;
}

void check_close(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b) {
  for (const auto& entry : a) {
    CAPTURE(entry.first);
    CHECK(relative_error(entry.second, b.at(entry.first)) < 1e-3);
  }
}

FitOptions quick() {
  FitOptions o;
  o.views = 40, o.held_out = 4, o.max_pad = 8;
  o.network.upsampler.frequencies = 4, o.network.kernel = 11;
  o.views_per_step = 3;
  return o;
}

}  // namespace

TEST_CASE("pixel network: tile by tile as layer by layer, with and without dropout") {
  const Tensor image = normalize(picture(19, 23));
  for (bool color : {true, false})
    for (bool training : {false, true}) {
      CAPTURE(color);
      CAPTURE(training);
      Random random(3);
      ImplicitNetwork net({4, 10, color}, color ? 9 : 21, &random);  // more channels than features too
      const Tensor weights = random.normal({1, 19, 23, color ? 9 : 21});
      const auto loss_of = [&](const std::function<Var()>& map) {
        return gradients(net, [&](const Var&) {
          Random dropout(11);
          if (training) net.train(dropout);
          const Var y = map();
          net.eval();
          return mean(y * weights);
        });
      };
      check_close(loss_of([&] { return net(image); }), loss_of([&] { return net.map(image); }));
      const NoRecording inference;
      CHECK(relative_error(net(image).value, net.map(image).value) < 1e-5);
    }
}

TEST_CASE("pixel network: sizes at which products are cut otherwise") {
  const Tensor image = normalize(picture(19, 23));
  for (const auto& sizes : {std::pair<Index, Index>{40, 5}, {2, 401}, {90, 7}}) {
    const Index frequencies = sizes.first, channels = sizes.second;
    CAPTURE(frequencies);
    Random random(3);
    ImplicitNetwork net({frequencies}, channels, &random);
    const Tensor weights = random.normal({1, 19, 23, channels});
    check_close(gradients(net, [&](const Var&) { return mean(net(image) * weights); }),
                gradients(net, [&](const Var&) { return mean(net.map(image) * weights); }));
  }
}

TEST_CASE("view windows: the same as on jittered copies of the map") {
  Random random(6);
  const Tensor map = random.normal({1, 40, 48, 5});
  std::vector<Jitter> jitters;
  for (int i = 0; i < 4; ++i) jitters.push_back(draw_jitter(random, 40, 48, 8, 1.8));
  AttentionDownsampler attention(6, 11, &random);
  SimpleDownsampler simple(8);
  for (Downsampler* down : {static_cast<Downsampler*>(&attention), static_cast<Downsampler*>(&simple)})
    for (bool published : {false, true}) {
      CAPTURE(published);
      const Tensor weights = random.normal({4, 5, 6, 5});
      const auto slow = [&](const Var& x) {
        const Var both = concat({magnitude(x), x}, -1);
        std::vector<Var> seen;
        for (const Jitter& j : jitters) seen.push_back(apply_jitter(both, j));
        return mean(slice((*down)(concat(seen, 0), 5, 6, published), 3, 1, 6) * weights);
      };
      const auto fast = [&](const Var& x) {
        const ViewWindows windows(jitters, 40, 48, 5, 6, down->kernel(), published, down->blurs());
        Var length;
        const Var w =
            reshape(windows.onto_map(down->view_weights(windows, x, length)), {windows.rectangles()->weights()});
        return mean(reshape(rectangle_sums(x, w, windows.rectangles()), {4, 5, 6, 5}) * weights);
      };
      check_close(gradients(*down, slow, map), gradients(*down, fast, map));
    }
}

TEST_CASE("blur distance: as its parts") {
  Random random(2);
  const Tensor x = random.normal({1, 13, 9, 3});
  Tape one, two;
  const Var a = one.watch(x), quick = blur_distance(a);
  one.backward(quick, Tensor::full({}, 2));
  const Var b = two.watch(x), slow = mean(square(gaussian_blur(b, 5, 1) - b));
  two.backward(slow, Tensor::full({}, 2));
  CHECK(relative_error(quick.value, slow.value) < 1e-5);
  CHECK(relative_error(one.gradient(a), two.gradient(b)) < 1e-5);
}

TEST_CASE("feature grid: finds the grid that made its views, and predicts others") {
  const Tensor photo = denormalize(normalize(picture(48, 64)));
  GridOptions o;
  o.smoothness = 1e-9;
  GridSystem system(photo, 3, o);
  Random random(4);
  const Tensor truth = resize_bilinear(random.normal({1, 6, 8, 3}), 12, 16), map = system.map(truth);
  const auto look = [&](const Jitter& j) { return adaptive_avg_pool(apply_jitter(map, j), 6, 8); };
  for (int i = 0; i < 60; ++i) {
    const Jitter j = draw_jitter(random, 48, 64, 8, 1.8);
    system.add(j, look(j));
  }
  CHECK(system.views() == 60);
  const Tensor found = system.solve({}, 60);
  CHECK(system.error(truth) < 1e-6);
  CHECK(system.error(found) < 1e-3);
  CHECK(system.error(Tensor::zeros(truth.shape())) > 0.1);
  const Jitter unseen = draw_jitter(random, 48, 64, 8, 1.8);
  CHECK(relative_error(adaptive_avg_pool(apply_jitter(system.map(found), unseen), 6, 8), look(unseen)) < 0.1);
  CHECK(contains(message_of([&] { system.add(unseen, Tensor::zeros({1, 6, 7, 3})); }), "after views of 6x8 positions"));
  CHECK(contains(message_of([&] { GridSystem(photo, 3).solve({}, 1); }), "no views"));
}

TEST_CASE("grid: with a prior about a map, few views correct what the map has wrong, and keep what it has right") {
  const Tensor photo = denormalize(normalize(picture(48, 64)));
  GridOptions o;
  o.smoothness = 0.3;
  GridSystem system(photo, 3, o);
  Random random(4);
  const Tensor truth = resize_bilinear(random.normal({1, 6, 8, 3}), 12, 16), map = system.map(truth);
  for (int i = 0; i < 3; ++i) {
    const Jitter j = draw_jitter(random, 48, 64, 8, 1.8);
    system.add(j, adaptive_avg_pool(apply_jitter(map, j), 6, 8));
  }
  CHECK(relative_error(system.solve_about(truth, 30), truth) < 1e-4);
  const Tensor raised = system.solve_about(truth + Tensor::full(truth.shape(), 1), 30);
  CHECK(relative_error(raised, truth) < 0.05);
  CHECK(relative_error(system.solve({}, 30), truth) > 0.2);
  CHECK(contains(message_of([&] { system.solve_about(Tensor::zeros({1, 12, 15, 3}), 1); }), "they must be alike"));
  CHECK(contains(message_of([&] { GridSystem(photo, 3).solve_about(truth, 1); }), "no views"));
}

TEST_CASE("fit: explains unseen views better than bilinear, saves and renders the same") {
  const Image photo = picture(64, 80);
  const TempFolder folder;
  for (int mode = 0; mode < 4; ++mode) {
    CAPTURE(mode);
    FitOptions o = quick();
    if (mode == 1) o.pca = 4;
    if (mode == 2) o.grid = false, o.steps = 60;
    if (mode == 3) o.pca = 4, o.steps = 30, o.network.downsampler = "simple";
    FitRun run(photo, mixed_features, o);
    double before = 0;
    while (run.work()) {
      CHECK(run.fraction() >= before);
      before = run.fraction();
    }
    if (o.grid) CHECK(1 - run.explained() < 0.1 * (1 - run.explained_bilinear()));
    const FittedMap fit = run.result();
    fit.save(folder / "fit.safetensors");
    const FittedMap again = FittedMap::load(folder / "fit.safetensors");
    const auto render = [&](const FittedMap& f, Index top, Index left, Index rows, Index cols,
                            const ChannelMap* map = nullptr) {
      FittedRenderer renderer(f, resize_antialiased(f.photo, 96, 100), map);
      Tensor y({rows, cols, renderer.channels()});
      renderer.render(top, left, rows, cols, y.data());
      return y;
    };
    const Tensor whole = render(fit, 0, 0, 96, 100);
    CHECK(same_bits(whole, render(again, 0, 0, 96, 100)));
    const Tensor part = render(again, 30, 41, 20, 50);
    bool equal = true;
    for (Index i = 0; i < 20; ++i)
      for (Index j = 0; j < 50 * 6; ++j)
        equal = equal && part.data()[i * 300 + j] == whole.data()[(30 + i) * 600 + 41 * 6 + j];
    CHECK(equal);
    // A map over channels, before or after.
    Random random(1);
    const ChannelMap two{random.normal({6, 2}), random.normal({2})};
    CHECK(relative_error(matmul(whole.reshape({-1, 6}), two.matrix) + two.offset,
                         render(fit, 0, 0, 96, 100, &two).reshape({-1, 2})) < 1e-4);
    // Points at pixel centres are those pixels.
    FittedRenderer own(fit, fit.photo);
    Tensor map({64, 80, 6});
    own.render(0, 0, 64, 80, map.data());
    const Tensor points = own.at(Tensor::from({3, 2}, {0, 0, 63, 79, 20, 33}));
    const Index at[3] = {0, 63 * 80 + 79, 20 * 80 + 33};
    for (Index p = 0; p < 3; ++p)
      CHECK(relative_error(points.slice(p, p + 1).reshape({6}),
                           map.reshape({-1, 6}).slice(at[p], at[p] + 1).reshape({6})) < 1e-4);
    CHECK(contains(message_of([&] { own.at(Tensor::from({1, 2}, {64, 3})); }), "outside the photo"));
  }
}

TEST_CASE("fit: stopped and resumed, the same bits as never stopped") {
  const Image photo = picture(64, 80);
  const TempFolder folder;
  FitOptions o = quick();
  o.steps = 40, o.views = 12, o.grid = false, o.early_stop = false;
  const auto finish = [&](FitRun& run, Index until) {
    while (run.work())
      if (until > 0 && run.steps() >= until) break;
    return run.result();
  };
  FitRun whole(photo, mixed_features, o);
  FittedMap expected, half;
  // Stopped again and again: what is kept of a run must be what it goes on with, also the figures that it only prints.
  for (Index until = 17; until <= 40; ++until) {
    FitRun second(photo, mixed_features, o);
    if (until > 17) second.resume(half);
    finish(second, until).save(folder / "half.safetensors");
    half = FittedMap::load(folder / "half.safetensors");
    half.settings["path"] = folder / "half.safetensors";
    CHECK(second.steps() == until);
    expected = finish(whole, until);
    CAPTURE(until);
    CHECK(same_bits(expected.extra.at("resume.state"), half.extra.at("resume.state")));
  }
  std::map<std::string, Tensor> a = expected.extra, b = half.extra;
  a.erase("history"), b.erase("history");  // it has seconds
  expected.network->save(a);
  half.network->save(b);
  CHECK(a.size() == b.size());
  for (const auto& entry : a) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    CAPTURE(name);
    CHECK(same_bits(tensor, b.at(name)));
  }
  Image other = photo;
  other.rgb[0] = static_cast<unsigned char>(other.rgb[0] + 1);
  FitRun third(other, mixed_features, o);
  CHECK(contains(message_of([&] { third.resume(half); }), "is a fit of another photo"));
  o.network.lr = 0.125;
  FitRun fourth(photo, mixed_features, o);
  CHECK(contains(message_of([&] { fourth.resume(half); }), "was made with other options: lr=0.002"));
  half.settings["fingerprint"] = "0 1 4 0.029999999999999999 ";
  CHECK(contains(message_of([&] { fourth.resume(half); }), "was begun by an earlier version"));
}

TEST_CASE("fit: the same bits for any number of threads; constant, tiny and one-channel") {
  const auto fit = [](const Image& photo, const FeatureFunction& backbone, int threads) {
    const WithThreads n(threads);
    FitOptions o = quick();
    o.views = 20;
    FitRun run(photo, backbone, o);
    while (run.work()) {
    }
    return run.result();
  };
  const Image photo = picture(64, 80);
  CHECK(same_bits(fit(photo, mixed_features, 1).grid, fit(photo, mixed_features, 2).grid));
  const auto finite = [](const Tensor& x) {
    return std::all_of(x.data(), x.data() + x.size(), [](real v) { return std::isfinite(v); });
  };
  const Image constant{32, 48, std::vector<unsigned char>(32 * 48 * 3, 90)};
  CHECK(finite(fit(constant, mixed_features, 2).grid));
  CHECK(finite(fit(picture(8, 8), mixed_features, 2).grid));  // one position
  const auto one_channel = [](const Tensor& image) { return slice(mixed_features(image), 3, 0, 1); };
  CHECK(finite(fit(photo, one_channel, 2).grid));
  const auto broken = [](const Tensor& image) { return unary(Unary::log, mixed_features(image)); };
  CHECK(contains(message_of([&] { fit(photo, broken, 1); }), "not finite"));
}
