// Softmax attention in blocks of queries. Only the scores of one block of kQueries queries against all keys are in
// memory at a time, so memory grows linearly with the number of tokens.
#include "core/kernels/declare.h"
#include "core/kernels/gemm_micro.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

constexpr Index kQueries = 48;  // of a task: a multiple of every target's kMicroRows (4, 6, 12)
static_assert(kQueries % kMicroRows == 0 && kMaxDepth % kMicroCols == 0,
              "tasks are whole strips, blocks of depth whole panels");

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

/// Place of the score of query i for a token: blocks of kMaxDepth tokens, in each the row layout of micro_tile.
inline Index score_at(Index i, Index token) {
  return (token / kMaxDepth * kQueries + i) * kRowStride + token % kMaxDepth;
}

/// Replaces the scores s of query i by exp(scale * (s - max)) and returns their sum.
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
  return a.batch * a.heads * at.per_head + at.per_worker * a.workers;
}

void attention(const AttentionArgs& a) {
  if (a.tokens == 0 || a.head_dim == 0) return;
  const Layout at(a);
  const Index width = a.heads * a.head_dim, row = 3 * width;
  // Keys become panels of tokens (head_dim, kMicroCols), values panels of channels (tokens, kMicroCols).
  const Index groups = ceil_div(at.key_panels, 4);
  parallel_for(a.batch * a.heads * groups, [&](Index task) {
    const Index bh = task / groups, j0 = task % groups * 4, j1 = imin(j0 + 4, at.key_panels);
    const real* keys = a.qkv + bh / a.heads * a.tokens * row + width + bh % a.heads * a.head_dim;
    real* packed = a.scratch + bh * at.per_head;
    for (Index j = j0; j < j1; ++j)
      for (Index t = 0; t < kMicroCols; ++t) {
        const Index token = j * kMicroCols + t;
        for (Index p = 0; p < a.head_dim; ++p)
          packed[(j * a.head_dim + p) * kMicroCols + t] = token < a.tokens ? keys[token * row + p] : 0;
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
  parallel_for(a.batch * a.heads * blocks, a.workers, [&](Index task, int worker) {
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
          micro_tile_rows(imin(kMicroRows, queries - i), depth, q + i * kRowStride,
                          keys + (j * a.head_dim + p) * kMicroCols, scores + score_at(i, j * kMicroCols), kRowStride,
                          kMicroCols, e);
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

namespace {

/// Scratch of one worker for the backward pass of one head; n_pad: tokens rounded up to whole panels.
struct BackwardLayout {
  Layout forward;
  Index n_pad, keys_t, values_t, keys, query, dy, query_t, dy_t, p, ds, panels, dkey_t, dvalue_t, total;
  explicit BackwardLayout(const AttentionArgs& a) : forward(a), n_pad(forward.key_panels * kMicroCols) {
    const Index d = a.head_dim, rows = kQueries * kRowStride * ceil_div(d, kMaxDepth);
    Index at = 0;
    const auto take = [&at](Index n) {
      const Index here = at;
      at += round_up(n, 16);
      return here;
    };
    keys_t = take(n_pad * d), values_t = take(n_pad * d);         // panels of tokens, (d, kMicroCols)
    keys = take(forward.value_panels * kMicroCols * a.tokens);    // panels of channels, (tokens, kMicroCols)
    query = take(rows), dy = take(rows);                          // a block of rows
    query_t = take(d * kRowStride), dy_t = take(d * kRowStride);  // and their transposes
    p = take(forward.scores), ds = take(forward.scores);   // probabilities of the block, and the scores' gradient
    panels = take(kQueries * n_pad);                       // one of these two, as panels of tokens
    dkey_t = take(d * n_pad), dvalue_t = take(d * n_pad);  // (d, tokens)
    total = at;
  }
};

/// Packs x (tokens, d), rows `row` apart, into panels of tokens (d, kMicroCols), zero beyond the last token.
void pack_tokens(const real* x, Index row, Index tokens, Index d, Index panels, real* packed) {
  for (Index j = 0; j < panels; ++j)
    for (Index t = 0; t < kMicroCols; ++t) {
      const Index token = j * kMicroCols + t;
      for (Index i = 0; i < d; ++i) packed[(j * d + i) * kMicroCols + t] = token < tokens ? x[token * row + i] : 0;
    }
}

/// Packs x (tokens, d), rows `row` apart, into panels of channels (tokens, kMicroCols), zero beyond the last channel.
void pack_channels(const real* x, Index row, Index tokens, Index d, Index panels, real* packed) {
  for (Index j = 0; j < panels; ++j)
    for (Index token = 0; token < tokens; ++token)
      for (Index t = 0; t < kMicroCols; ++t) {
        const Index i = j * kMicroCols + t;
        packed[(j * tokens + token) * kMicroCols + t] = i < d ? x[token * row + i] : 0;
      }
}

}  // namespace

Index attention_backward_scratch(const AttentionArgs& a) { return BackwardLayout(a).total * a.workers; }

void attention_backward(const AttentionArgs& a) {
  if (a.tokens == 0 || a.head_dim == 0) return;
  const BackwardLayout at(a);
  const Index width = a.heads * a.head_dim, row = 3 * width, d = a.head_dim, n = a.tokens;
  // With P = softmax(scale Q K^T) and Y = P V:
  //   dV = P^T dY,  dP = dY V^T,  dS = scale P (dP - rowsum(P dP)),  dQ = dS K,  dK = dS^T Q
  parallel_for(a.batch * a.heads, a.workers, [&](Index head, int worker) {
    real* own = a.scratch + worker * at.total;
    const Index start = head / a.heads * n * row + head % a.heads * d;
    const real *q = a.qkv + start, *k = q + width, *v = k + width,
               *dy = a.dy + head / a.heads * n * width + head % a.heads * d;
    real* dq = a.dqkv + start;
    pack_tokens(k, row, n, d, at.forward.key_panels, own + at.keys_t);
    pack_tokens(v, row, n, d, at.forward.key_panels, own + at.values_t);
    pack_channels(k, row, n, d, at.forward.value_panels, own + at.keys);
    for (Index q0 = 0; q0 < n; q0 += kQueries) {
      const Index queries = imin(kQueries, n - q0);
      real *p = own + at.p, *ds = own + at.ds, *panels = own + at.panels;
      // scores = rows (queries, d) times packed panels of tokens
      const auto scores = [&](const real* from, Index step, real* rows, const real* packed, real* out) {
        for (Index i = 0; i < d; i += kMaxDepth) {
          const Index depth = imin(kMaxDepth, d - i);
          copy_rows(from + i, step, 1, queries, depth, rows);
          const Epilogue e{nullptr, Activation::none, i > 0};
          for (Index j = 0; j < at.forward.key_panels; ++j)
            for (Index r = 0; r < queries; r += kMicroRows)
              micro_tile_rows(imin(kMicroRows, queries - r), depth, rows + r * kRowStride,
                              packed + (j * d + i) * kMicroCols, out + score_at(r, j * kMicroCols), kRowStride,
                              kMicroCols, e);
        }
      };
      scores(q + q0 * row, row, own + at.query, own + at.keys_t, p);
      scores(dy + q0 * width, width, own + at.dy, own + at.values_t, ds);
      for (Index i = 0; i < queries; ++i) {
        const real inverse = 1 / exponentials(p, i, n, a.scale);
        Vec dot{};
        for (Index t = 0; t < n; t += kLanes) {
          const Vec e = load(p + score_at(i, t)) * inverse;
          store(p + score_at(i, t), e);
          // Beyond the last token dP is 0, and the probability is below 1e-37: neither adds to the sum.
          dot += e * load(ds + score_at(i, t));
        }
        const real delta = hsum(dot);
        for (Index t = 0; t < n; t += kLanes) {
          real* s = ds + score_at(i, t);
          store(s, a.scale * load(p + score_at(i, t)) * (load(s) - delta));
        }
      }
      for (Index t = 0; t < n; t += kMaxDepth) {
        const Epilogue e{nullptr, Activation::none, t > 0};
        for (Index j = 0; j < at.forward.value_panels; ++j)
          for (Index r = 0; r < queries; r += kMicroRows)
            micro_tile_rows(imin(kMicroRows, queries - r), imin(kMaxDepth, n - t), ds + score_at(r, t),
                            own + at.keys + (j * n + t) * kMicroCols, dq + (q0 + r) * row + j * kMicroCols, row,
                            imin(kMicroCols, d - j * kMicroCols), e);
      }
      // dV^T += dY^T P and dK^T += Q^T dS: (d, queries) times (queries, tokens)
      const auto add_transposed = [&](const real* from, Index step, real* rows, const real* block, real* out) {
        copy_rows(from, 1, step, d, queries, rows);
        for (Index j = 0; j < at.forward.key_panels; ++j)
          for (Index i = 0; i < queries; ++i)
            for (Index t = 0; t < kMicroCols; t += kLanes)
              store(panels + (j * kQueries + i) * kMicroCols + t, load(block + score_at(i, j * kMicroCols + t)));
        const Epilogue e{nullptr, Activation::none, q0 > 0};
        for (Index j = 0; j < at.forward.key_panels; ++j)
          for (Index r = 0; r < d; r += kMicroRows)
            micro_tile_rows(imin(kMicroRows, d - r), queries, rows + r * kRowStride, panels + j * kQueries * kMicroCols,
                            out + r * at.n_pad + j * kMicroCols, at.n_pad, kMicroCols, e);
      };
      add_transposed(dy + q0 * width, width, own + at.dy_t, p, own + at.dvalue_t);
      add_transposed(q + q0 * row, row, own + at.query_t, ds, own + at.dkey_t);
    }
    for (Index token = 0; token < n; ++token)
      for (Index i = 0; i < d; ++i) {
        dq[token * row + width + i] = own[at.dkey_t + i * at.n_pad + token];
        dq[token * row + 2 * width + i] = own[at.dvalue_t + i * at.n_pad + token];
      }
  });
}

}  // namespace fu::FU_ISA
