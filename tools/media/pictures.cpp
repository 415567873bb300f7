#include "tools/media/pictures.h"

#include <algorithm>
#include <cmath>

#include "tools/media/heat_ramp.h"

namespace fu {

FeatureColors::FeatureColors(const Tensor& x) : pca_(fit_pca(x, std::min<Index>(3, x.dim(-1)))) {
  const Tensor y = pca_.project(x);
  const Index k = y.dim(-1), n = y.size() / k;
  for (Index j = 0; j < k; ++j) {
    std::vector<real> values;
    for (Index i = 0; i < n; ++i)
      if (std::isfinite(y.data()[i * k + j])) values.push_back(y.data()[i * k + j]);
    if (values.empty()) values.push_back(0);
    std::sort(values.begin(), values.end());
    const auto at = [&](double q) {
      return static_cast<double>(values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))]);
    };
    low_.push_back(at(0.01));
    high_.push_back(std::max(at(0.99), at(0.01) + 1e-12));
  }
}

Image FeatureColors::paint_components(const Tensor& y) const {
  const Index k = y.dim(3);
  Image image{y.dim(1), y.dim(2), {}};
  image.rgb.resize(usize(image.height * image.width * 3));
  for (Index p = 0; p < image.height * image.width; ++p)
    for (Index c = 0; c < 3; ++c) {
      // Of fewer than 3 channels, the last is repeated.
      const std::size_t j = usize(std::min(c, static_cast<Index>(low_.size()) - 1));
      const double v = (static_cast<double>(y.data()[p * k + static_cast<Index>(j)]) - low_[j]) / (high_[j] - low_[j]);
      image.rgb[usize(p * 3 + c)] =
          static_cast<unsigned char>(std::isfinite(v) ? std::clamp(v, 0.0, 1.0) * 255 + 0.5 : 0);
    }
  return image;
}

Image enlarge_nearest(const Image& image, Index height, Index width) {
  Image out{height, width, {}};
  out.rgb.resize(usize(height * width * 3));
  for (Index y = 0; y < height; ++y)
    for (Index x = 0; x < width; ++x)
      std::copy_n(image.rgb.data() + (y * image.height / height * image.width + x * image.width / width) * 3, 3,
                  out.rgb.data() + (y * width + x) * 3);
  return out;
}

Image fit_picture(const Image& image, Index longest) {
  const Index side = std::max(image.height, image.width);
  if (side <= longest) return image;
  return resize_antialiased(image, std::max<Index>(1, image.height * longest / side),
                            std::max<Index>(1, image.width * longest / side));
}

Image side_by_side(const std::vector<Image>& images, Index gap) {
  Image out;
  for (const Image& i : images) {
    out.height = std::max(out.height, i.height);
    out.width += i.width + (out.width > 0 ? gap : 0);
  }
  out.rgb.assign(usize(out.height * out.width * 3), 255);
  Index left = 0;
  for (const Image& i : images) {
    for (Index y = 0; y < i.height; ++y)
      std::copy_n(i.rgb.data() + y * i.width * 3, i.width * 3, out.rgb.data() + (y * out.width + left) * 3);
    left += i.width + gap;
  }
  return out;
}

Image heat_picture(const Tensor& values) {
  Image image{values.dim(0), values.dim(1), {}};
  double low = INFINITY, high = -INFINITY;
  for (Index i = 0; i < values.size(); ++i) {
    low = std::min(low, static_cast<double>(values.data()[i]));
    high = std::max(high, static_cast<double>(values.data()[i]));
  }
  for (Index i = 0; i < values.size(); ++i) {
    const auto color = heat_color(high > low ? (static_cast<double>(values.data()[i]) - low) / (high - low) : 0);
    image.rgb.insert(image.rgb.end(), color.begin(), color.end());
  }
  return image;
}

Image stacked(const std::vector<Image>& rows, Index gap) {
  Image out;
  for (const Image& row : rows) {
    if (row.rgb.empty()) continue;
    out.width = std::max(out.width, row.width);
    out.height += row.height + (out.height > 0 ? gap : 0);
  }
  out.rgb.assign(usize(out.height * out.width * 3), 255);
  Index top = 0;
  for (const Image& row : rows) {
    if (row.rgb.empty()) continue;
    for (Index y = 0; y < row.height; ++y)
      std::copy_n(row.rgb.data() + y * row.width * 3, row.width * 3, out.rgb.data() + (top + y) * out.width * 3);
    top += row.height + gap;
  }
  return out;
}

Image in_rows(const std::vector<Image>& images, Index each) {
  std::vector<Image> rows;
  const auto n = static_cast<Index>(images.size());
  for (Index i = 0; i < n; i += each)
    rows.push_back(side_by_side({images.begin() + i, images.begin() + std::min(i + each, n)}));
  return stacked(rows);
}

}  // namespace fu
