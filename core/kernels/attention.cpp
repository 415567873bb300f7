// Softmax attention in blocks of queries: the scores of a block against all keys are the only quadratic thing, and only a block of them
// exists at a time, so memory grows linearly with the number of tokens.
#include "core/kernels/declare.h"
#include "core/kernels/gemm_micro.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kQueries = 48;  // of a task: whole strips for every instruction set (4, 6 and 12 rows)
static_assert(kQueries % kMicroRows == 0 && kMaxDepth % kMicroCols == 0, "tasks are whole strips, blocks of depth whole panels");

struct Layout {
  Index key_panels, value_panels, depth_blocks, keys, values, per_head, query, scores, per_worker;
  explicit Layout(const AttentionArgs& a)
      : key_panels(ceil_div(a.tokens, kMicroCols)),
        value_panels(ceil_div(a.head_dim, kMicroCols)),
        depth_blocks(ceil_div(a.tokens, kMaxDepth)),
        keys(key_panels * kMicroCols * a.head_dim),
        values(value_panels * kMicroCols * a.tokens),
        per_head(round_up(keys + values, 16)),
        query(kQueries * kRowStride * ceil_div(a.head_dim, kMaxDepth)),
        scores(kQueries * kRowStride * depth_blocks),
        per_worker(query + scores) {}
};

/// Where the score of query i for a token lies: blocks of kMaxDepth tokens, in each the rows that the inner loop wants.
inline Index score_at(Index i, Index token) { return (token / kMaxDepth * kQueries + i) * kRowStride + token % kMaxDepth; }

/// Turns the scores of query i into exp(scale * (s - max)) and returns their sum.
real exponentials(real* scores, Index i, Index tokens, real scale) {
  // Padding up to whole vectors counts as minus infinity.
  for (Index t = tokens; t < round_up(tokens, kLanes); ++t) scores[score_at(i, t)] = static_cast<real>(-3e38);
  Vec top = load(scores + score_at(i, 0));
  for (Index t = kLanes; t < tokens; t += kLanes) top = vmax(load(scores + score_at(i, t)), top);
  const real highest = hmax(top);
  Vec total{};
  for (Index t = 0; t < tokens; t += kLanes) {
    real* s = scores + score_at(i, t);
    const Vec e = vexp_negative(scale * (load(s) - highest));
    total += e;
    store(s, e);
  }
  return hsum(total);
}

}  // namespace

Index attention_scratch(const AttentionArgs& a) {
  const Layout at(a);
  return a.batch * a.heads * at.per_head + at.per_worker * threads();
}

void attention(const AttentionArgs& a) {
  if (a.tokens == 0 || a.head_dim == 0) return;
  const Layout at(a);
  const Index width = a.heads * a.head_dim, row = 3 * width;
  // Keys become panels of tokens (head_dim, kMicroCols), values panels of channels (tokens, kMicroCols).
  const Index groups = ceil_div(at.key_panels, 4);
  parallel_for(a.batch * a.heads * groups, [&](Index task, int) {
    const Index bh = task / groups, j0 = task % groups * 4, j1 = imin(j0 + 4, at.key_panels);
    const real* keys = a.qkv + bh / a.heads * a.tokens * row + width + bh % a.heads * a.head_dim;
    real* packed = a.scratch + bh * at.per_head;
    for (Index j = j0; j < j1; ++j)
      for (Index t = 0; t < kMicroCols; ++t) {
        const Index token = j * kMicroCols + t;
        for (Index p = 0; p < a.head_dim; ++p) packed[(j * a.head_dim + p) * kMicroCols + t] = token < a.tokens ? keys[token * row + p] : 0;
      }
    const real* values = keys + width;
    packed += at.keys;
    for (Index token = j0 * kMicroCols; token < imin(j1 * kMicroCols, a.tokens); ++token)
      for (Index j = 0; j < at.value_panels; ++j)
        for (Index t = 0; t < kMicroCols; ++t) {
          const Index p = j * kMicroCols + t;
          packed[(j * a.tokens + token) * kMicroCols + t] = p < a.head_dim ? values[token * row + p] : 0;
        }
  });

  const Index blocks = ceil_div(a.tokens, kQueries);
  parallel_for(a.batch * a.heads * blocks, [&](Index task, int worker) {
    const Index bh = task / blocks, q0 = task % blocks * kQueries, queries = imin(kQueries, a.tokens - q0);
    const Index b = bh / a.heads, h = bh % a.heads;
    const real* keys = a.scratch + bh * at.per_head;
    const real* values = keys + at.keys;
    real* q = a.scratch + a.batch * a.heads * at.per_head + worker * at.per_worker;
    real* scores = q + at.query;
    for (Index p = 0; p < a.head_dim; p += kMaxDepth) {
      const Index depth = imin(kMaxDepth, a.head_dim - p);
      copy_rows(a.qkv + (b * a.tokens + q0) * row + h * a.head_dim + p, row, 1, queries, depth, q);
      const Epilogue e{nullptr, Activation::none, p > 0};
      for (Index j = 0; j < at.key_panels; ++j)
        for (Index i = 0; i < queries; i += kMicroRows)
          micro_tile_rows(imin(kMicroRows, queries - i), depth, q + i * kRowStride, keys + (j * a.head_dim + p) * kMicroCols,
                          scores + score_at(i, j * kMicroCols), kRowStride, kMicroCols, e);
    }
    real total[kQueries];
    for (Index i = 0; i < queries; ++i) total[i] = exponentials(scores, i, a.tokens, a.scale);
    real* y = a.y + (b * a.tokens + q0) * width + h * a.head_dim;
    for (Index t = 0; t < a.tokens; t += kMaxDepth) {
      const Epilogue e{nullptr, Activation::none, t > 0};
      for (Index j = 0; j < at.value_panels; ++j)
        for (Index i = 0; i < queries; i += kMicroRows)
          micro_tile_rows(imin(kMicroRows, queries - i), imin(kMaxDepth, a.tokens - t), scores + score_at(i, t),
                          values + (j * a.tokens + t) * kMicroCols, y + i * width + j * kMicroCols, width,
                          imin(kMicroCols, a.head_dim - j * kMicroCols), e);
    }
    for (Index i = 0; i < queries; ++i)
      for (Index p = 0; p < a.head_dim; p += kLanes) {
        real* out = y + i * width + p;
        store_n(out, load_n(out, a.head_dim - p) * (1 / total[i]), a.head_dim - p);
      }
  });
}

}  // namespace fu::FU_ISA
