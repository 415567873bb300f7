#include "featup/upsamplers/upsampler.h"

#include <algorithm>
#include <cmath>
#include <locale>
#include <sstream>
#include <vector>

#include "core/isa.h"
#include "core/ops/resample.h"
#include "core/parallel.h"
#include "featup/builtin/builtin.h"
#include "featup/fit/feature_grid.h"
#include "featup/photo/bilateral.h"
#include "featup/upsamplers/many_views.h"

namespace fu {

std::string Upsampler::note(Index) const { return {}; }
Tensor Upsampler::prepare(const Tensor& features) const { return features; }
Tensor Upsampler::source(const Tensor& prepared, const Guide&, Extent) const { return prepared; }
Tensor Upsampler::mix(const Tensor& x) const { return x; }
Tensor Upsampler::constant(Index) const { return {}; }

Tensor Upsampler::operator()(const Tensor& prepared, const Guide& guide, Extent size, const ChannelMap* map,
                             const Progress& progress) const {
  require<ShapeError>(
      prepared.rank() == 4 && prepared.dim(0) == 1 && prepared.size() > 0 && size.height >= 1 && size.width >= 1,
      "[upsample] features ", prepared.shape(), " to ", size.height, "x", size.width,
      ": must be (1,h,w,C), and the size positive.");
  Tensor x = mix(source(prepared, guide, size)), offset = constant(prepared.dim(3));
  if (map) {
    require<ShapeError>(map->matrix.rank() == 2 && map->matrix.dim(0) == x.dim(3) &&
                            (map->offset.size() == 0 || map->offset.size() == map->matrix.dim(1)),
                        "[project] features of ", x.dim(3), " channels, matrix ", map->matrix.shape(), ": it must be (",
                        x.dim(3), ",K).");
    const Tensor rows = map->matrix.permute({1, 0});
    x = linear(x, rows, map->offset_first ? map->offset : Tensor());
    if (offset.size()) offset = linear(offset, rows, Tensor());
    if (map->offset.size() && !map->offset_first) offset = offset.size() ? offset + map->offset : map->offset;
  }
  const Index c = x.dim(3);
  Tensor out({1, size.height, size.width, c});
  enlarge(x, guide, size, out.data(), progress);
  if (offset.size())  // not before: the weights of learned kernels do not sum to 1
    parallel_ranges(size.height * size.width, 256, [&](Index begin, Index end) {
      for (Index p = begin; p < end; ++p)
        kernels().binary(Binary::add, out.data() + p * c, 1, offset.data(), 1, out.data() + p * c, c);
    });
  return out;
}

namespace {

constexpr Index kBandReals = Index{1} << 20;  // of scratch for a band of rows: 4 MB

/// Enlarges by a map along rows and one along columns, a band of rows at a time.
void enlarge_by_maps(const Tensor& x, const AxisMap& rows, const AxisMap& cols, real* out, const Progress& progress) {
  const Index row = cols.n_out() * x.dim(3), band = std::max<Index>(1, kBandReals / (x.dim(2) * x.dim(3)));
  for (Index i = 0; i < rows.n_out(); i += band) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(rows.n_out()));
    resample_band(x, rows, cols, i, std::min(i + band, rows.n_out()), out + i * row);
  }
}

class Resize : public Upsampler {
 public:
  using Axis = AxisMap (*)(Index, Index);
  Resize(const char* name, Axis axis) : name_(name), axis_(axis) {}
  std::string describe() const override { return name_; }

 protected:
  void enlarge(const Tensor& x, const Guide& /*guide*/, Extent size, real* out,
               const Progress& progress) const override {
    enlarge_by_maps(x, axis_(x.dim(1), size.height), axis_(x.dim(2), size.width), out, progress);
  }

 private:
  const char* name_;
  Axis axis_;
};

/// Joint bilateral upsampling, nothing learned: see bilateral_taps().
class ClassicJbu : public Upsampler {
 public:
  std::string describe() const override {
    return "jbu-classic: joint bilateral upsampling by place and colour, nothing learned";
  }

 protected:
  void enlarge(const Tensor& x, const Guide& guide, Extent size, real* out, const Progress& progress) const override {
    const Index c = x.dim(3);
    const Tensor photo = denormalize(guide(size.height, size.width)),
                 cells = adaptive_avg_pool(photo, x.dim(1), x.dim(2));
    const Index band = std::max<Index>(1, kBandReals / (size.width * kBilateralTaps));
    PhotoTaps taps;
    for (Index begin = 0; begin < size.height; begin += band) {
      const Index end = std::min(begin + band, size.height);
      if (progress) progress(static_cast<double>(begin) / static_cast<double>(size.height));
      taps.weigh(photo.data() + begin * size.width * 3, {size.height, size.width, begin, 0, end - begin, size.width},
                 cells, {});
      taps.interpolate(x, out + begin * size.width * c);
    }
  }
};

class LearnedJbu : public Upsampler {
 public:
  /// last: where fewer levels are needed than there are, the last ones serve; else the first.
  LearnedJbu(const std::string& path, const UpsamplerOptions& options, bool last = false)
      : path_(path), options_(options), last_(last), stack_(path == "builtin" ? builtin_stack() : Weights(path)) {
    const Index g = stack_.levels.front().guidance_dim();
    require<FileError>(g == 3, path, ": its levels want ", g, " guidance channels; a photo has 3.");
  }

  std::string describe() const override {
    const JbuLevel& l = stack_.levels.front();
    return (path_ == "builtin" ? std::string("built-in ") : std::string()) + "JBU stack, " +
           std::to_string(stack_.levels.size()) + " levels, radius " + std::to_string(l.radius()) + ", keys " +
           std::to_string(l.key_dim()) + (!last_ && stack_.filter.present() ? ", tokens filtered" : "") +
           (!last_ && stack_.smoothing.present() ? ", smoothed along the photo" : "") +
           (stack_.channels() ? ", mixing for " + std::to_string(stack_.channels()) + " channels" : "");
  }
  std::string note(Index channels) const override {
    if (stack_.channels() && stack_.channels() != channels)
      return path_ + ": made for " + std::to_string(stack_.channels()) + " channels; the features have " +
             std::to_string(channels) + ", so its levels are used without its last mixing" +
             (stack_.norm_weight.size() ? " and norm." : ".");
    return {};
  }
  Tensor prepare(const Tensor& features) const override {
    if (stack_.norm_weight.size() != features.dim(3)) return features;
    return layer_norm(features, stack_.norm_weight, stack_.norm_bias, real(1e-5));
  }

 protected:
  Tensor source(const Tensor& x, const Guide& guide, Extent size) const override {
    // The last levels alone enlarge maps that are finer than tokens and free of their noise.
    const int count = levels_run(x, size);
    if (last_ || !stack_.filter.present() || count == 0) return x;
    return jbu_source(stack_, x, guidance(x, count, guide));
  }
  Tensor mix(const Tensor& x) const override { return stack_.channels() == x.dim(3) ? stack_.mix(x) : x; }
  Tensor constant(Index channels) const override {
    return stack_.channels() == channels ? unary(Unary::affine, stack_.mix_bias, real(0.1)) : Tensor();
  }

  void enlarge(const Tensor& x, const Guide& guide, Extent size, real* out, const Progress& progress) const override {
    const Index h = x.dim(1), w = x.dim(2);
    const int count = levels_run(x, size);
    if (count == 0)
      return enlarge_by_maps(x, triangle_axis(h, size.height), triangle_axis(w, size.width), out, progress);
    JbuStack chosen = stack_;
    if (last_) chosen.smoothing = {};
    if (last_ && static_cast<std::size_t>(count) < chosen.levels.size())
      chosen.levels.erase(chosen.levels.begin(), chosen.levels.end() - count);
    JbuRun run(chosen, x, guidance(x, count, guide), count, options_.published);
    if (run.height() != size.height || run.width() != size.width) return shrink(run, x.dim(3), size, out, progress);
    for (Index i = 0; i < size.height; i += run.band()) {
      if (progress) progress(static_cast<double>(i) / static_cast<double>(size.height));
      run.rows(i, std::min(i + run.band(), size.height), out + i * size.width * x.dim(3));
    }
  }

 private:
  Tensor guidance(const Tensor& x, int count, const Guide& guide) const {
    return options_.published ? guide(0, 0) : guide(x.dim(1) << count, x.dim(2) << count);
  }

  int levels_run(const Tensor& x, Extent size) const {
    return options_.published ? static_cast<int>(stack_.levels.size()) : levels_for(x.dim(1), x.dim(2), size);
  }

  /// Levels until the map is about as large as the result: a quarter more is left to bilinear interpolation.
  static int levels_for(Index h, Index w, Extent size) {
    int count = 0;
    while (count < 10 && ((h << count) * 5 < size.height * 4 || (w << count) * 5 < size.width * 4)) ++count;
    return count;
  }

  /// Resamples the run's rows to the result's size as they come.
  static void shrink(JbuRun& run, Index c, Extent size, real* out, const Progress& progress) {
    const AxisMap rows = triangle_axis(run.height(), size.height), cols = triangle_axis(run.width(), size.width);
    const AxisRows map = rows.rows();
    const auto span = [&](Index begin, Index end) {  // source rows that result rows [begin, end) need
      Extent s{run.height(), 0};
      for (Index e = map.offset[begin]; e < map.offset[end]; ++e) {
        s.height = std::min<Index>(s.height, map.index[e]);
        s.width = std::max<Index>(s.width, map.index[e] + 1);
      }
      return s;
    };
    const Index band = 16, row = run.width() * c;
    Index capacity = 0;
    for (Index i = 0; i < size.height; i += band) {
      const Extent need = span(i, std::min(i + band, size.height));
      capacity = std::max(capacity, need.width - need.height + 4);
    }
    Tensor window({1, capacity, run.width(), c}), mid({band, run.width(), c});
    Index have_begin = 0, have_end = 0;
    for (Index i = 0; i < size.height; i += band) {
      const Index end = std::min(i + band, size.height);
      if (progress) progress(static_cast<double>(i) / static_cast<double>(size.height));
      const Extent need = span(i, end);
      const Index keep = std::min(need.height, have_end);
      std::copy(window.data() + (keep - have_begin) * row, window.data() + (have_end - have_begin) * row,
                window.data());
      have_begin = keep;
      const Index stop = std::min(run.height(), (need.width + 1) / 2 * 2);
      if (stop > have_end) {
        run.rows(have_end, stop, window.data() + (have_end - have_begin) * row);
        have_end = stop;
      }
      AxisMap part(have_end - have_begin, end - i);
      for (Index k = i; k < end; ++k) {
        for (Index e = map.offset[k]; e < map.offset[k + 1]; ++e) part.add(map.index[e] - have_begin, map.weight[e]);
        part.end_row();
      }
      kernels().resample_axis(window.data(), mid.data(), 1, row, part.rows());
      kernels().resample_axis(mid.data(), out + i * size.width * c, end - i, c, cols.rows());
    }
  }

  std::string path_;
  UpsamplerOptions options_;
  bool last_;
  JbuStack stack_;
};

AxisMap bilinear_of(Index n_in, Index n_out) { return bilinear_axis(n_in, n_out); }
AxisMap bicubic_of(Index n_in, Index n_out) { return bicubic_axis(n_in, n_out); }

}  // namespace

std::unique_ptr<Upsampler> learned_jbu(const std::string& path, const UpsamplerOptions& options, bool last) {
  return std::make_unique<LearnedJbu>(path, options, last);
}

std::unique_ptr<Upsampler> open_upsampler(const std::string& name, const UpsamplerOptions& options) {
  if (name == "nearest") return std::make_unique<Resize>("nearest", nearest_axis);
  if (name == "bilinear") return std::make_unique<Resize>("bilinear", bilinear_of);
  if (name == "bicubic") return std::make_unique<Resize>("bicubic", bicubic_of);
  if (name == "jbu-classic") return std::make_unique<ClassicJbu>();
  if (name == "views" || name.rfind("views:", 0) == 0 || name.rfind("views+", 0) == 0) {
    const std::size_t plus = name.find('+'), colon = name.find(':');
    const bool counted = colon < plus;
    const std::string number =
        counted ? name.substr(colon + 1, plus == std::string::npos ? plus : plus - colon - 1) : "32";
    const bool valid = !number.empty() && number.size() <= 6 &&
                       number.find_first_not_of("0123456789") == std::string::npos && std::stol(number) >= 1;
    require<UsageError>(valid && (plus == std::string::npos || plus + 1 < name.size()), "--upsampler ", name,
                        ": write views, views:N or views:N+STACK, N a number of views, STACK a file with a JBU stack.");
    return view_average(std::stol(number), plus == std::string::npos ? "" : name.substr(plus + 1), options);
  }
  if (name == "implicit") return implicit_fit(GridOptions{}.smoothness, options);
  if (name.rfind("implicit:", 0) == 0) {
    std::istringstream text(name.substr(9));
    text.imbue(std::locale::classic());
    double smoothness = 0;
    const bool number =
        static_cast<bool>(text >> std::noskipws >> smoothness) && text.peek() == std::char_traits<char>::eof();
    require<UsageError>(
        number && smoothness > 0 && smoothness <= 1e3, "--upsampler ", name,
        ": write implicit or implicit:S, S above 0 and at most 1000, the weight of the prior, such as 0.1.");
    return implicit_fit(smoothness, options);
  }
  try {
    return learned_jbu(name, options);
  } catch (const FileError& error) {
    const bool looks_like_a_name = name.find('/') == std::string::npos && name.find('.') == std::string::npos;
    throw FileError(looks_like_a_name ? "'" + name +
                                            "' is neither builtin, nearest, bilinear, bicubic, jbu-classic, views, "
                                            "implicit nor a file with a JBU stack."
                                      : error.what());
  }
}

Extent default_output(Index feature_rows, Index feature_cols, Extent image) {
  return {std::min(16 * feature_rows, image.height), std::min(16 * feature_cols, image.width)};
}

}  // namespace fu
