#include "core/kernels/jbu.h"
#include "core/ops/resample.h"
#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

namespace {

struct LevelSize {
  Index radius, keys, guidance, h, w, channels;  // h, w: of the source
  std::string name() const {
    return label(
        {{"radius", radius}, {"keys", keys}, {"guidance", guidance}, {"h", h}, {"w", w}, {"channels", channels}});
  }
};
// Output widths around a tile (32 pixels) and a strip (128), channels around vectors and the few that are not folded
// (4), sources smaller than a neighbourhood, and the most keys and guidance.
const LevelSize kLevels[] = {{3, 32, 3, 5, 7, 10},  {3, 32, 3, 4, 17, 1}, {3, 32, 3, 9, 16, 24}, {1, 8, 3, 3, 5, 33},
                             {2, 7, 3, 3, 4, 3},    {5, 16, 3, 6, 40, 9}, {4, 16, 3, 5, 5, 48},  {3, 32, 3, 20, 3, 5},
                             {3, 64, 8, 4, 18, 5},  {1, 1, 1, 4, 9, 12},  {3, 4, 3, 2, 66, 4},   {1, 3, 2, 1, 1, 16},
                             {2, 5, 3, 12, 15, 17}, {1, 4, 3, 3, 8, 8},   {1, 4, 3, 3, 8, 7},    {1, 4, 3, 3, 8, 15}};

/// Bicubic x2 of an axis of n with a reflected border, as row_first and row_weight of JbuLevelArgs.
struct EnlargedAxis {
  std::vector<std::int32_t> first;
  std::vector<real> weight;
  EnlargedAxis(Index n, Index radius) {
    const AxisMap map = reflect_axis(2 * n, radius).after(bicubic_axis(n, 2 * n));
    const AxisRows rows = map.rows();
    weight.resize(usize(4 * rows.n_out));
    for (Index i = 0; i < rows.n_out; ++i) {
      const std::int32_t* begin = rows.index + rows.offset[i];
      first.push_back(*std::min_element(begin, rows.index + rows.offset[i + 1]));
      for (Index e = rows.offset[i]; e < rows.offset[i + 1]; ++e)
        weight[usize(4 * i + rows.index[e] - first.back())] += rows.weight[e];
    }
  }
};

/// A level with random weights. The key network is small, so that the softmax has several large terms.
struct Level {
  LevelSize s;
  Index taps;
  Tensor spatial, key0, key0_bias, key3, fix0, fix0_bias, fix3, fix3_bias, guidance, source;
  EnlargedAxis rows, cols;

  Level(Random& random, const LevelSize& size)
      : s(size),
        taps((2 * s.radius + 1) * (2 * s.radius + 1)),
        spatial(random.uniform({taps}, real(0.1), 1)),
        key0(random.uniform({s.guidance, s.keys}, -1, 1)),
        key0_bias(random.uniform({s.keys}, -1, 1)),
        key3(random.uniform({s.keys, s.keys + 1}, real(-0.4), real(0.4))),
        fix0(random.uniform({taps + s.guidance, taps}, real(-0.3), real(0.3))),
        fix0_bias(random.uniform({taps}, -1, 1)),
        fix3(random.uniform({taps, taps}, real(-0.1), real(0.1))),
        fix3_bias(random.uniform({taps}, real(-0.1), real(0.1))),
        guidance(random.normal({2 * s.h, 2 * s.w, s.guidance})),
        source(random.normal({s.h, s.w, s.channels})),
        rows(s.h, s.radius),
        cols(s.w, s.radius) {}

  JbuLevelArgs args() const {
    JbuLevelArgs l;
    JbuWeights& w = l.weights;
    w.radius = s.radius, w.key_dim = s.keys, w.guidance_dim = s.guidance, w.temperature = real(1.3);
    w.spatial = spatial.data(), w.key0 = key0.data(), w.key0_bias = key0_bias.data(), w.key3 = key3.data();
    w.fix0 = fix0.data(), w.fix0_bias = fix0_bias.data(), w.fix3 = fix3.data(), w.fix3_bias = fix3_bias.data();
    l.height = 2 * s.h, l.width = 2 * s.w, l.channels = s.channels;
    l.guidance = guidance.data(), l.source = source.data();
    l.row_first = rows.first.data(), l.row_weight = rows.weight.data();
    l.col_first = cols.first.data(), l.col_weight = cols.weight.data();
    return l;
  }
};

/// Keys, scratch memory and folded columns, whose layouts are each table's own.
struct Prepared {
  JbuLevelArgs l;
  Tensor keys, scratch, col_fold;
  Prepared(const Kernels& k, const Level& level)
      : l(level.args()),
        keys(outputs(l.height * k.jbu_key_row(l))),
        scratch(scratch_of(k.jbu_scratch(l))),
        col_fold(outputs(k.jbu_col_fold_size(l))) {
    l.keys = keys.data(), l.scratch = scratch.data(), l.col_fold = col_fold.data();
    k.jbu_col_fold(l);
    k.jbu_keys(l, 0, l.height / 2);
    k.jbu_keys(l, l.height / 2, l.height);
  }
};

Tensor kernels_of(const Kernels& k, const Level& level) {
  Prepared p(k, level);
  Tensor y = outputs(p.l.height * p.l.width * level.taps);
  p.l.kernels = y.data();
  k.jbu_kernel_rows(p.l, 0, p.l.height);
  return y;
}

/// The result, computed in two bands of rows.
Tensor result_of(const Kernels& k, const Level& level) {
  Prepared p(k, level);
  Tensor y = outputs(p.l.height * p.l.width * level.s.channels);
  p.l.out = y.data();
  const Index middle = p.l.height / 4 * 2;
  k.jbu_rows(p.l, 0, middle);
  k.jbu_rows(p.l, middle, p.l.height);
  return y;
}

void add_level_cases(KernelCases& cases, Tensor (*f)(const Kernels&, const Level&)) {
  for (const LevelSize& s : kLevels) {
    const Level level(cases.random, s);
    cases.add(
        s.name(), [=](const Kernels& k) { return f(k, level); }, 2e-5);
  }
}

}  // namespace

void kernel_cases_jbu_col_fold(KernelCases& cases) { add_level_cases(cases, result_of); }
void kernel_cases_jbu_keys(KernelCases& cases) { add_level_cases(cases, kernels_of); }
void kernel_cases_jbu_kernel_rows(KernelCases& cases) { add_level_cases(cases, kernels_of); }
void kernel_cases_jbu_rows(KernelCases& cases) { add_level_cases(cases, result_of); }

}  // namespace fu::test
