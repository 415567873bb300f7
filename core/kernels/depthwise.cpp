// Convolution of each channel by itself, forward and backward. A vector holds channels of one pixel, so all taps of a
// window are loads of whole vectors, and no lane is wasted.
#include "core/kernels/declare.h"
#include "core/kernels/simd.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

namespace {

// Outputs of a row that are summed in registers at a time, beside a row of KW weights and one vector of x. Each vector
// of x is loaded once a row of the window for all of the outputs that read it.
constexpr Index kPixels = kDepthwisePixels;

/// Rows of the window of output row i that lie inside the image.
struct RowsInside {
  Index begin, end;
  RowsInside(Index i, const WindowArgs& g) : begin(imax(0, g.pad - i)), end(imin(g.kh, g.h + g.pad - i)) {}
};

/// PIXELS outputs from column j of a row on, for up to kLanes channels. x points to these channels of the first pixel
/// of the image; y to those of the first output. In each output, taps are added in the order of the weights.
template <Index KW, Index PIXELS, bool WHOLE>
void outputs(const real* x, const real* weight, Vec bias, real* y, Index i, Index j, Index lanes, const WindowArgs& g) {
  const auto get = [&](const real* p) { return WHOLE ? load(p) : load_n(p, lanes); };
  Vec total[PIXELS];
#pragma GCC unroll 16
  for (Index p = 0; p < PIXELS; ++p) total[p] = bias;
  const RowsInside rows(i, g);
  const Index q0 = j - g.pad;
  for (Index u = rows.begin; u < rows.end; ++u) {
    Vec w[KW];
#pragma GCC unroll 8
    for (Index v = 0; v < KW; ++v) w[v] = get(weight + (u * KW + v) * g.c);
    const real* row = x + ((i + u - g.pad) * g.w + q0) * g.c;
#pragma GCC unroll 32
    for (Index q = 0; q < PIXELS + KW - 1; ++q) {
      if (q0 + q < 0 || q0 + q >= g.w) continue;
      const Vec in = get(row + q * g.c);
#pragma GCC unroll 8
      for (Index v = 0; v < KW; ++v)
        if (q >= v && q - v < PIXELS) total[q - v] += w[v] * in;
    }
  }
#pragma GCC unroll 16
  for (Index p = 0; p < PIXELS; ++p) {
    real* out = y + (i * g.cols + j + p) * g.c;
    if (WHOLE)
      store(out, total[p]);
    else
      store_n(out, total[p], lanes);
  }
}

/// A row of outputs by blocks of PIXELS; the last block may overlap the one before it and writes the same numbers
/// again.
template <Index KW, Index PIXELS, bool WHOLE>
void output_row(const real* x, const real* weight, Vec bias, real* y, Index i, Index lanes, const WindowArgs& g) {
  for (Index j = 0; j < g.cols; j += PIXELS)
    outputs<KW, PIXELS, WHOLE>(x, weight, bias, y, i, imin(j, g.cols - PIXELS), lanes, g);
}

/// The same for any width of the window, one output at a time.
void output_row_of_any(const real* x, const real* weight, Vec bias, real* y, Index i, Index lanes,
                       const WindowArgs& g) {
  const RowsInside rows(i, g);
  for (Index j = 0; j < g.cols; ++j) {
    const Index v0 = imax(0, g.pad - j), v1 = imin(g.kw, g.w + g.pad - j);
    Vec total = bias;
    for (Index u = rows.begin; u < rows.end; ++u)
      for (Index v = v0; v < v1; ++v)
        total += load_n(weight + (u * g.kw + v) * g.c, lanes) *
                 load_n(x + ((i + u - g.pad) * g.w + j + v - g.pad) * g.c, lanes);
    store_n(y + (i * g.cols + j) * g.c, total, lanes);
  }
}

template <bool WHOLE>
void any_output_row(const real* x, const real* weight, Vec bias, real* y, Index i, Index lanes, const WindowArgs& g) {
  if (g.kw == 7 && g.cols >= kPixels && (g.cols % kPixels == 0 || g.cols > 4 * kPixels))
    output_row<7, kPixels, WHOLE>(x, weight, bias, y, i, lanes, g);
  else if (g.kw == 7 && g.cols >= 7)
    output_row<7, 7, WHOLE>(x, weight, bias, y, i, lanes, g);
  else if (g.kw == 3 && g.cols >= 7)
    output_row<3, 7, WHOLE>(x, weight, bias, y, i, lanes, g);
  else
    output_row_of_any(x, weight, bias, y, i, lanes, g);
}

}  // namespace

void depthwise_conv(const real* x, const real* weight, const real* bias, real* y, Index b, const WindowArgs& g) {
  // A task takes some rows and channels of an image; in it a vector of channels goes down all rows before the next one,
  // so that the lines of x that the next row reads again are in the first-level cache.
  constexpr Index kRows = 7, kChannels = 4 * kLanes;
  const Index bands = ceil_div(g.rows, kRows), parts = ceil_div(g.c, kChannels);
  parallel_for(b * bands * parts, [&](Index task) {
    const Index image = task / parts / bands, i0 = task / parts % bands * kRows, i1 = imin(i0 + kRows, g.rows);
    const Index t0 = task % parts * kChannels;
    for (Index t = t0; t < imin(t0 + kChannels, g.c); t += kLanes) {
      const Index lanes = g.c - t;
      const Vec start = bias ? load_n(bias + t, lanes) : Vec{};
      const real* in = x + image * g.h * g.w * g.c + t;
      real* out = y + image * g.rows * g.cols * g.c + t;
      for (Index i = i0; i < i1; ++i)
        if (lanes >= kLanes)
          any_output_row<true>(in, weight + t, start, out, i, lanes, g);
        else
          any_output_row<false>(in, weight + t, start, out, i, lanes, g);
    }
  });
}

namespace {

constexpr Index kTaps = 8;  // gradients of weights that are summed in registers at a time

/// The gradient of taps (u, v0 .. v0 + taps) for the channels from t on.
void weight_gradient(const real* x, const real* dy, real* dweight, Index b, Index u, Index v0, Index taps, Index t,
                     const WindowArgs& g) {
  const Index lanes = g.c - t;
  Vec total[kTaps] = {};
  for (Index image = 0; image < b; ++image)
    for (Index i = 0; i < g.rows; ++i) {
      const Index row = i + u - g.pad;
      if (row < 0 || row >= g.h) continue;
      const real* in = x + (image * g.h + row) * g.w * g.c + t;
      const real* grad = dy + (image * g.rows + i) * g.cols * g.c + t;
      // A row is summed by itself before it is added: long sums of floats lose digits.
      Vec part[kTaps] = {};
      for (Index j = 0; j < g.cols; ++j) {
        const Vec d = load_n(grad + j * g.c, lanes);
        const Index q0 = j + v0 - g.pad;
        for (Index v = imax(0, -q0); v < imin(taps, g.w - q0); ++v) part[v] += d * load_n(in + (q0 + v) * g.c, lanes);
      }
      for (Index v = 0; v < taps; ++v) total[v] += part[v];
    }
  for (Index v = 0; v < taps; ++v) store_n(dweight + (u * g.kw + v0 + v) * g.c + t, total[v], lanes);
}

}  // namespace

void depthwise_conv_backward_weight(const real* x, const real* dy, real* dweight, Index b, const WindowArgs& g) {
  const Index parts = ceil_div(g.c, kLanes);
  parallel_for(g.kh * parts, [&](Index task) {
    for (Index v0 = 0; v0 < g.kw; v0 += kTaps)
      weight_gradient(x, dy, dweight, b, task / parts, v0, imin(kTaps, g.kw - v0), task % parts * kLanes, g);
  });
}

}  // namespace fu::FU_ISA
