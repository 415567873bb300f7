// Patches of images for convolution, maxima over windows, and resampling by sparse maps along an axis.
#include "core/kernels/declare.h"
#include "core/kernels/simd.h"
#include "core/parallel.h"

namespace fu::FU_ISA {

void im2col(const real* x, const WindowArgs& g, Index row_begin, Index row_end, real* patches) {
  const Index patch = g.kh * g.kw * g.c;
  parallel_for(row_end - row_begin, [&](Index chunk) {
    const Index row = row_begin + chunk, b = row / g.rows, i = row % g.rows;
    real* out = patches + chunk * g.cols * patch;
    for (Index j = 0; j < g.cols; ++j)
      for (Index u = 0; u < g.kh; ++u) {
        const Index y = i * g.stride + u * g.dilation - g.pad;
        for (Index v = 0; v < g.kw; ++v, out += g.c) {
          const Index q = j * g.stride + v * g.dilation - g.pad;
          const bool inside = y >= 0 && y < g.h && q >= 0 && q < g.w;
          const real* in = x + ((b * g.h + y) * g.w + q) * g.c;
          for (Index t = 0; t < g.c; ++t) out[t] = inside ? in[t] : 0;
        }
      }
  });
}

void col2im(const real* patches, const WindowArgs& g, Index row_begin, Index row_end, real* dx) {
  const Index patch = g.kh * g.kw * g.c;
  if (row_end <= row_begin) return;
  // A task is a row of the image and gathers from all patches that cover it, so no two tasks write to the same place.
  const Index first = row_begin / g.rows * g.h, last = ((row_end - 1) / g.rows + 1) * g.h;
  parallel_for(last - first, [&](Index chunk) {
    const Index b = (first + chunk) / g.h, y = (first + chunk) % g.h;
    real* out = dx + (first + chunk) * g.w * g.c;
    for (Index u = 0; u < g.kh; ++u) {
      const Index at = y + g.pad - u * g.dilation, row = b * g.rows + at / g.stride;
      if (at < 0 || at % g.stride != 0 || at / g.stride >= g.rows || row < row_begin || row >= row_end) continue;
      for (Index j = 0; j < g.cols; ++j) {
        const real* in = patches + ((row - row_begin) * g.cols + j) * patch + u * g.kw * g.c;
        for (Index v = 0; v < g.kw; ++v, in += g.c) {
          const Index q = j * g.stride + v * g.dilation - g.pad;
          if (q < 0 || q >= g.w) continue;
          for (Index t = 0; t < g.c; ++t) out[q * g.c + t] += in[t];
        }
      }
    }
  });
}

namespace {

/// The rows, or columns, of window i that lie inside [0, n).
struct Inside {
  Index begin, end, first;  // elements [begin, end) of the window; element e lies at first + e * dilation
  Inside(Index i, Index kernel, Index n, const WindowArgs& g) : begin(0), end(kernel), first(i * g.stride - g.pad) {
    while (begin < end && first + begin * g.dilation < 0) ++begin;
    while (end > begin && first + (end - 1) * g.dilation >= n) --end;
  }
};

}  // namespace

void max_pool(const real* x, real* y, Index b, const WindowArgs& g) {
  parallel_for(b * g.rows, [&](Index row) {
    const Inside u(row % g.rows, g.kh, g.h, g);
    const real* image = x + row / g.rows * g.h * g.w * g.c;
    for (Index j = 0; j < g.cols; ++j) {
      const Inside v(j, g.kw, g.w, g);
      for (Index t = 0; t < g.c; t += kLanes) {
        const Index lanes = g.c - t;
        Vec best =
            load_n(image + ((u.first + u.begin * g.dilation) * g.w + v.first + v.begin * g.dilation) * g.c + t, lanes);
        for (Index i = u.begin; i < u.end; ++i)
          for (Index k = v.begin; k < v.end; ++k) {
            const Vec in =
                load_n(image + ((u.first + i * g.dilation) * g.w + v.first + k * g.dilation) * g.c + t, lanes);
            best = select((in > best) | (in != in), in, best);
          }
        store_n(y + (row * g.cols + j) * g.c + t, best, lanes);
      }
    }
  });
}

void max_pool_backward(const real* x, const real* y, const real* dy, real* dx, Index b, const WindowArgs& g) {
  // Windows overlap, so a task takes all windows of some channels of an image.
  const Index parts = ceil_div(g.c, kLanes);
  parallel_for(b * parts, [&](Index task) {
    const Index t = task % parts * kLanes, lanes = g.c - t, image = task / parts * g.h * g.w * g.c + t;
    for (Index p = 0; p < g.h * g.w; ++p) store_n(dx + image + p * g.c, Vec{}, lanes);
    for (Index i = 0; i < g.rows; ++i) {
      const Inside u(i, g.kh, g.h, g);
      for (Index j = 0; j < g.cols; ++j) {
        const Inside v(j, g.kw, g.w, g);
        const Index out = ((task / parts * g.rows + i) * g.cols + j) * g.c + t;
        const Vec best = load_n(y + out, lanes);
        Vec left = load_n(dy + out, lanes);  // zero where it has been given to an element
        for (Index e = u.begin; e < u.end; ++e)
          for (Index k = v.begin; k < v.end; ++k) {
            const Index at = image + ((u.first + e * g.dilation) * g.w + v.first + k * g.dilation) * g.c;
            const VecInt hit = load_n(x + at, lanes) == best;
            store_n(dx + at, load_n(dx + at, lanes) + select(hit, left, Vec{}), lanes);
            left = select(hit, Vec{}, left);
          }
      }
    }
  });
}

void resample_axis(const real* x, real* y, Index outer, Index inner, const AxisRows& map) {
  // Long inner runs are cut, so that rows of x which several outputs read stay in the cache.
  const Index run = imin(inner, 4096), runs = ceil_div(inner, imax(1, run));
  const Index rows = imax(1, 8192 / imax(1, run)), row_tasks = ceil_div(map.n_out, rows);
  parallel_for(outer * runs * row_tasks, [&](Index task) {
    const Index o = task / (runs * row_tasks), c0 = task / row_tasks % runs * run, c1 = imin(c0 + run, inner);
    const Index i0 = task % row_tasks * rows, i1 = imin(i0 + rows, map.n_out);
    for (Index i = i0; i < i1; ++i) {
      real* out = y + (o * map.n_out + i) * inner;
      const Index e0 = map.offset[i], e1 = map.offset[i + 1];
      if (inner < kLanes) {  // such as the channels of a photo: less than a vector
        for (Index c = 0; c < inner; ++c) {
          real total = 0;
          for (Index e = e0; e < e1; ++e) total += map.weight[e] * x[(o * map.n_in + map.index[e]) * inner + c];
          out[c] = total;
        }
        continue;
      }
      for (Index c = c0; c < c1; c += kLanes) {
        const Index lanes = imin(kLanes, c1 - c);
        Vec total{};
        for (Index e = e0; e < e1; ++e)
          total += map.weight[e] * load_n(x + (o * map.n_in + map.index[e]) * inner + c, lanes);
        store_n(out + c, total, lanes);
      }
    }
  });
}

void map_rows(const AxisRows& map, Index start, Index n, Index first, const real* x, Index ldx, real* y, Index ldy,
              Index columns, bool transposed) {
  for (Index u = 0; u < n; ++u) {
    const Index begin = map.offset[start + u], end = map.offset[start + u + 1];
    for (Index c = 0; c < columns; c += kLanes) {
      const Index lanes = columns - c;
      if (transposed) {
        const Vec in = load_n(x + u * ldx + c, lanes);
        for (Index e = begin; e < end; ++e) {
          real* out = y + (map.index[e] - first) * ldy + c;
          store_n(out, load_n(out, lanes) + map.weight[e] * in, lanes);
        }
      } else {
        Vec total{};
        for (Index e = begin; e < end; ++e)
          total += map.weight[e] * load_n(x + (map.index[e] - first) * ldx + c, lanes);
        store_n(y + u * ldy + c, total, lanes);
      }
    }
  }
}

}  // namespace fu::FU_ISA
