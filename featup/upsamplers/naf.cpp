// NAF, from its published files: see featup/attention/naf.h.
#include "featup/attention/naf.h"

#include "featup/upsamplers/linear_upsampler.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

/// The photo is taken at the size of the result. Each head weighs a quarter of the channels. A map over channels is cut
/// into its rows for each quarter: every head then weighs K channels of its own, and the results are added.
class NafUpsampler : public LinearUpsampler {
 public:
  explicit NafUpsampler(const Weights& file) : path_(file.path()), run_(file) {}
  std::string describe() const override {
    return "NAF from " + path_ +
           ": attention of pixels to the 9x9 cells around them, guided by the photo at the size of "
           "the result";
  }
  std::string note(Index channels) const override {
    if (Naf::use(channels) == HeadUse::groups) return {};
    return path_ + ": has " + std::to_string(kAttentionHeads) + " heads, each for as many channels; " +
           std::to_string(channels) + " cannot be divided so, so all take the mean of the heads' weights.";
  }

 protected:
  Source source(const Tensor& features, const Guide& guide, Extent size) const override {
    Source s{features, {}, {}};
    s.attention = run_(guide(size.height, size.width), features, size);
    return s;
  }
  Tensor mapped(const Tensor& features, const Tensor& rows, const Tensor& offset) const override {
    if (Naf::use(features.dim(3)) == HeadUse::mean) return linear(features, rows, offset);
    const Index h = features.dim(1), w = features.dim(2), c = features.dim(3), k = rows.dim(0),
                group = c / kAttentionHeads;
    std::vector<Tensor> parts;
    for (Index i = 0; i < kAttentionHeads; ++i)  // the weights of a head sum to 1, so one of them carries the offset
      parts.push_back(linear(slice(features, 3, i * group, (i + 1) * group), slice(rows, 1, i * group, (i + 1) * group),
                             i == 0 ? offset : Tensor())
                          .reshape({1, h, w, k}));
    return concat(parts, 0);
  }
  void enlarge(const Source& source, Extent size, real* out, const Progress&) const override {
    const Tensor& x = source.features;
    attend(source.attention, x, Naf::windows(size, x.dim(1), x.dim(2)),
           x.dim(0) > 1 ? HeadUse::sum : source.attention.use, out);
  }

 private:
  std::string path_;
  NafRun run_;
};

}  // namespace

UpsamplerMethod upsampler_naf() {
  UpsamplerMethod method;
  method.usage = "a checkpoint of NAF";
  method.summary = "attention to 9x9 cells from the photo alone, for features of any backbone";
  method.reads = [](const Weights& file) { return Naf::reads(file); };
  method.open_file = [](const Weights& file, const UpsamplerOptions&) { return std::make_unique<NafUpsampler>(file); };
  return method;
}

}  // namespace fu
