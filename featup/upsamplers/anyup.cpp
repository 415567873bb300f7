// AnyUp, from its published files: see featup/attention/anyup.h.
#include "featup/attention/anyup.h"

#include "featup/upsamplers/linear_upsampler.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

/// The photo is taken at the size of the result. Keys are made of all channels of the features, and the weights act on
/// every channel alike: a map over channels costs K channels. memory: see AnyUpRun, and the result.
class AnyUpUpsampler : public LinearUpsampler {
 public:
  explicit AnyUpUpsampler(const Weights& file) : path_(file.path()), run_(file) {}
  std::string describe() const override {
    return "AnyUp from " + path_ +
           ": attention of pixels to the cells within a tenth of the map, guided by the photo at "
           "the size of the result";
  }

 protected:
  Source source(const Tensor& features, const Guide& guide, Extent size) const override {
    Source s{features, {}, {}};
    s.attention = run_(guide(size.height, size.width), features, size);
    return s;
  }
  void enlarge(const Source& source, Extent size, real* out, const Progress&) const override {
    const Tensor& x = source.features;
    attend(source.attention, x, AnyUp::windows(size, x.dim(1), x.dim(2)), HeadUse::mean, out);
  }

 private:
  std::string path_;
  AnyUpRun run_;
};

}  // namespace

UpsamplerMethod upsampler_anyup() {
  UpsamplerMethod method;
  method.usage = "a checkpoint of AnyUp";
  method.summary = "attention to nearby cells, learned for features of any backbone";
  method.reads = [](const Weights& file) { return AnyUp::reads(file); };
  method.open_file = [](const Weights& file, const UpsamplerOptions&) {
    return std::make_unique<AnyUpUpsampler>(file);
  };
  return method;
}

}  // namespace fu
