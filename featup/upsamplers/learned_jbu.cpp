#include "featup/upsamplers/learned_jbu.h"

#include <algorithm>

#include "featup/builtin/builtin.h"
#include "featup/upsamplers/registry.h"
#include "featup/upsamplers/streamed_resize.h"

namespace fu {

namespace {

/// Levels until the map is about as large as the result: up to a quarter more is left to bilinear interpolation.
int levels_for(Index h, Index w, Extent size) {
  int count = 0;
  while (count < 10 && ((h << count) * 5 < size.height * 4 || (w << count) * 5 < size.width * 4)) ++count;
  return count;
}

}  // namespace

LearnedJbu::LearnedJbu(const Weights& file, bool published, StackPart part)
    : path_(file.path()),
      carried_(file.path() == builtin_stack().path()),
      published_(published),
      part_(part),
      stack_(file) {
  const Index g = stack_.levels.front().guidance_dim();
  require<FileError>(g == 3, path_, ": its levels want ", g, " guidance channels; a photo has 3.");
  if (part_ == StackPart::last_levels) stack_.smoothing = {}, stack_.filter = {};
}

std::string LearnedJbu::describe() const {
  const JbuLevel& l = stack_.levels.front();
  return (carried_ ? std::string("built-in ") : std::string()) + "JBU stack, " + std::to_string(stack_.levels.size()) +
         " levels, radius " + std::to_string(l.radius()) + ", keys " + std::to_string(l.key_dim()) +
         (stack_.filter.present() ? ", tokens filtered" : "") +
         (stack_.smoothing.present() ? ", smoothed along the photo" : "") +
         (stack_.channels() ? ", mixing for " + std::to_string(stack_.channels()) + " channels" : "");
}

std::string LearnedJbu::note(Index channels) const {
  if (!stack_.channels() || stack_.channels() == channels) return {};
  return path_ + ": made for " + std::to_string(stack_.channels()) + " channels; the features have " +
         std::to_string(channels) + ", so its levels are used without its last mixing" +
         (stack_.norm_weight.size() ? " and norm." : ".");
}

Tensor LearnedJbu::output_space(const Tensor& features) const {
  if (stack_.norm_weight.size() != features.dim(3)) return features;
  return layer_norm(features, stack_.norm_weight, stack_.norm_bias, real(1e-5));
}

LinearUpsampler::Source LearnedJbu::source(const Tensor& features, const Guide& guide, Extent size) const {
  Source s{part_ == StackPart::whole ? output_space(features) : features, {}, {}};
  const int count = levels_run(features, size);
  if (count > 0) {
    s.photo = published_ ? guide(0, 0) : guide(features.dim(1) << count, features.dim(2) << count);
    s.features = jbu_source(stack_, s.features, s.photo);
  }
  if (stack_.channels() == s.features.dim(3)) {
    // The mixing of channels commutes with the levels; its constant does not, because their weights do not sum to 1.
    s.features = stack_.mix(s.features);
    s.constant = unary(Unary::affine, stack_.mix_bias, real(0.1));
  }
  return s;
}

int LearnedJbu::levels_run(const Tensor& x, Extent size) const {
  return published_ ? static_cast<int>(stack_.levels.size()) : levels_for(x.dim(1), x.dim(2), size);
}

void LearnedJbu::enlarge(const Source& source, Extent size, real* out, const Progress& progress) const {
  const Tensor& x = source.features;
  const int count = levels_run(x, size);
  if (count == 0)
    return enlarge_by_maps(x, triangle_axis(x.dim(1), size.height), triangle_axis(x.dim(2), size.width), out, progress);
  JbuStack chosen = stack_;
  if (part_ == StackPart::last_levels && usize(count) < chosen.levels.size())
    chosen.levels.erase(chosen.levels.begin(), chosen.levels.end() - count);
  JbuRun run(chosen, x, source.photo, count, published_);
  if (run.height() != size.height || run.width() != size.width)
    return StreamedResize({run.height(), run.width()}, size, x.dim(3))
        .run([&](Index begin, Index end, real* rows) { run.rows(begin, end, rows); }, out, progress);
  for (Index i = 0; i < size.height; i += run.band()) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(size.height));
    run.rows(i, std::min(i + run.band(), size.height), out + i * size.width * x.dim(3));
  }
}

UpsamplerMethod upsampler_builtin() {
  UpsamplerMethod method;
  method.name = method.usage = method.in_tables = "builtin";
  method.summary = "a learned JBU stack that the library carries";
  method.qualities = {{"fast", "builtin", "one pass"}};
  method.open = [](const std::string&, const UpsamplerOptions& o) {
    return std::make_unique<LearnedJbu>(builtin_stack(), o.published);
  };
  return method;
}

UpsamplerMethod upsampler_jbu_file() {
  UpsamplerMethod method;
  method.usage = "a checkpoint with a learned JBU stack";
  method.summary = "FeatUp's published ones, or what `featup train` wrote";
  method.reads = [](const Weights& file) { return JbuStack::present(file); };
  method.open_file = [](const Weights& file, const UpsamplerOptions& o) {
    return std::make_unique<LearnedJbu>(file, o.published);
  };
  return method;
}

}  // namespace fu
