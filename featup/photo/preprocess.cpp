#include "featup/photo/preprocess.h"

#include <algorithm>
#include <cmath>

#include "core/ops/resample.h"
#include "core/parallel.h"

namespace fu {

namespace {

constexpr real kMean[3] = {real(0.485), real(0.456), real(0.406)};
constexpr real kStd[3] = {real(kPhotoDeviation[0]), real(kPhotoDeviation[1]), real(kPhotoDeviation[2])};
constexpr int kFixedBits = 22;  // Pillow keeps weights as integers of 2^-22

struct FixedTaps {
  std::vector<Index> begin;
  std::vector<std::vector<std::int32_t>> weights;
};

/// Of the outputs [first, last).
FixedTaps fixed_taps(Index n_in, Index n_out, Index first, Index last) {
  FixedTaps taps;
  for (Index i = first; i < last; ++i) {
    Index begin = 0;
    std::vector<std::int32_t> weights;
    for (double w : triangle_weights(n_in, n_out, i, begin))
      weights.push_back(static_cast<std::int32_t>(w * (1 << kFixedBits) + 0.5));
    taps.begin.push_back(begin);
    taps.weights.push_back(std::move(weights));
  }
  return taps;
}

unsigned char rounded(std::int64_t sum) {
  return static_cast<unsigned char>(std::clamp<std::int64_t>(sum >> kFixedBits, 0, 255));
}

/// Resamples along one axis: `stride` bytes from one position to the next, `lanes` bytes side by side, `lines` of them.
void resize_lines(const unsigned char* in, unsigned char* out, const FixedTaps& taps, Index lines, Index in_line,
                  Index out_line, Index stride, Index lanes) {
  const auto n_out = static_cast<Index>(taps.begin.size());
  parallel_ranges(lines, 8, [&](Index begin, Index end) {
    for (Index line = begin; line < end; ++line)
      for (Index i = 0; i < n_out; ++i) {
        const auto& weights = taps.weights[usize(i)];
        const unsigned char* from = in + line * in_line + taps.begin[usize(i)] * stride;
        for (Index c = 0; c < lanes; ++c) {
          std::int64_t sum = std::int64_t{1} << (kFixedBits - 1);
          for (std::size_t t = 0; t < weights.size(); ++t)
            sum += std::int64_t{from[static_cast<Index>(t) * stride + c]} * weights[t];
          out[line * out_line + i * stride + c] = rounded(sum);
        }
      }
  });
}

}  // namespace

namespace {

constexpr Index kMostSide = Index{1} << 28;  // so that no product of sides overflows

void require_sides(const char* op, const Image& image) {
  require<ShapeError>(image.height >= 1 && image.width >= 1 && image.height <= kMostSide && image.width <= kMostSide,
                      "[", op, "] an image of ", image.height, "x", image.width,
                      " pixels: both sides must be at least 1. Give an image with pixels.");
}

}  // namespace

void require_pixels(const char* op, const Image& image) {
  require_sides(op, image);
  const Index bytes = image.height * image.width * 3;
  require<ShapeError>(static_cast<Index>(image.rgb.size()) == bytes, "[", op, "] an image of ", image.height, "x",
                      image.width, " pixels with ", image.rgb.size(), " bytes: it must have ", bytes,
                      ", red, green and blue of every pixel. Leave out a fourth channel, and what fills up rows.");
}

Image resize_antialiased(const Image& image, Index height, Index width) {
  return resize_part(image, {height, width}, {0, 0, height, width});
}

Image resize_part(const Image& image, Extent size, const ImagePart& part) {
  require_pixels("resize_antialiased", image);
  require<ShapeError>(size.height >= 1 && size.width >= 1, "[resize_antialiased] ", image.height, "x", image.width,
                      " to ", size.height, "x", size.width, ": sizes must be at least 1.");
  require<ShapeError>(part.top >= 0 && part.left >= 0 && part.rows >= 1 && part.cols >= 1 &&
                          part.rows <= size.height - part.top && part.cols <= size.width - part.left,
                      "[resize_antialiased] ", part.rows, "x", part.cols, " at (", part.top, ",", part.left, ") of ",
                      size.height, "x", size.width, ": they must lie inside.");
  // Rows of the image that the part is made of.
  FixedTaps down;
  Index first = part.top, last = part.top + part.rows;
  if (size.height != image.height) {
    down = fixed_taps(image.height, size.height, part.top, part.top + part.rows);
    first = image.height, last = 0;
    for (std::size_t i = 0; i < down.begin.size(); ++i) {
      first = std::min(first, down.begin[i]);
      last = std::max(last, down.begin[i] + static_cast<Index>(down.weights[i].size()));
    }
    for (Index& begin : down.begin) begin -= first;
  }
  Image wide{last - first, part.cols, {}};
  if (size.width != image.width) {
    wide.rgb.resize(usize(wide.height * wide.width * 3));
    resize_lines(image.rgb.data() + first * image.width * 3, wide.rgb.data(),
                 fixed_taps(image.width, size.width, part.left, part.left + part.cols), wide.height, image.width * 3,
                 part.cols * 3, 3, 3);
  } else {
    wide = crop(image, first, part.left, wide.height, part.cols);
  }
  if (size.height == image.height) return wide;
  Image out{part.rows, part.cols, {}};
  out.rgb.resize(usize(part.rows * part.cols * 3));
  // Along columns a "line" is one pixel's column; its positions are a whole row apart.
  resize_lines(wide.rgb.data(), out.rgb.data(), down, part.cols, 3, 3, part.cols * 3, 3);
  return out;
}

Image crop(const Image& image, Index top, Index left, Index height, Index width) {
  require_pixels("crop", image);
  require<ShapeError>(
      top >= 0 && left >= 0 && height >= 0 && width >= 0 && top + height <= image.height && left + width <= image.width,
      "[crop] ", height, "x", width, " at (", top, ",", left, ") of an image of ", image.height, "x", image.width, ".");
  Image out{height, width, {}};
  out.rgb.reserve(usize(height * width * 3));
  for (Index y = 0; y < height; ++y) {
    const auto row = image.rgb.begin() + ((top + y) * image.width + left) * 3;
    out.rgb.insert(out.rgb.end(), row, row + width * 3);
  }
  return out;
}

namespace {

/// Half positions round to even, as torchvision's int(round(x / 2)) does.
Index centred(Index all, Index kept) { return static_cast<Index>(std::nearbyint(static_cast<double>(all - kept) / 2)); }

}  // namespace

Image center_crop(const Image& image, Index height, Index width) {
  require_pixels("center_crop", image);
  require<ShapeError>(image.height >= height && image.width >= width, "[center_crop] ", height, "x", width,
                      " of an image of ", image.height, "x", image.width, ".");
  return crop(image, centred(image.height, height), centred(image.width, width), height, width);
}

Extent input_extent(const Image& photo, const InputSize& size, Index patch) {
  require_sides("input_extent", photo);
  const bool sides = size.height > 0 && size.width > 0 && std::max(size.height, size.width) <= kMostSide;
  const bool one = size.own || (size.short_side >= 1 && size.short_side <= kMostSide);
  require<UsageError>(patch >= 1 && patch <= kMostSide && size.height >= 0 && size.width >= 0 &&
                          (size.height > 0 || size.width > 0 ? sides : one),
                      "[input_extent] short side ", size.short_side, ", height ", size.height, ", width ", size.width,
                      ", patches of ", patch, " pixels: give a short side, or height and width, of at least 1.");
  if (size.height > 0) return {size.height, size.width};
  if (size.own) return {photo.height / patch * patch, photo.width / patch * patch};
  const double scale = static_cast<double>(size.short_side) / static_cast<double>(std::min(photo.height, photo.width));
  const auto side = [&](Index n) {
    return std::max<Index>(
        patch, static_cast<Index>(std::lround(static_cast<double>(n) * scale / static_cast<double>(patch))) * patch);
  };
  return {side(photo.height), side(photo.width)};
}

Image cover(const Image& photo, Index height, Index width) {
  return cover_part(photo, {height, width}, {0, 0, height, width});
}

Image cover_part(const Image& photo, Extent size, const ImagePart& part) {
  require_pixels("cover", photo);
  // The side that would fall short decides; the other is cut down to whole pixels, as torchvision does.
  Extent all = size;
  if (photo.height * size.width < photo.width * size.height)
    all.width = std::max(size.width, photo.width * size.height / photo.height);
  else
    all.height = std::max(size.height, photo.height * size.width / photo.width);
  return resize_part(
      photo, all,
      {part.top + centred(all.height, size.height), part.left + centred(all.width, size.width), part.rows, part.cols});
}

Tensor normalize(const Image& image) {
  require_pixels("normalize", image);
  Tensor t({1, image.height, image.width, 3});
  const Index pixels = image.height * image.width;
  const unsigned char* in = image.rgb.data();
  real* out = t.data();
  for (Index p = 0; p < pixels; ++p)
    for (Index c = 0; c < 3; ++c) *out++ = (static_cast<real>(*in++) / 255 - kMean[c]) / kStd[c];
  return t;
}

Tensor denormalize(const Tensor& image) {
  Tensor t(image.shape());
  for (Index i = 0; i < t.size(); ++i) t.data()[i] = image.data()[i] * kStd[i % 3] + kMean[i % 3];
  return t;
}

}  // namespace fu
