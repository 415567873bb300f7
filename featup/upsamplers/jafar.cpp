// JAFAR, from its published files: see featup/attention/jafar.h.
#include "featup/attention/jafar.h"

#include "featup/upsamplers/linear_upsampler.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

/// As AnyUp: the photo at the size of the result, weights that act on every channel alike. The cost grows with the
/// number of cells, because every pixel attends to all of them.
class JafarUpsampler : public LinearUpsampler {
 public:
  explicit JafarUpsampler(const Weights& file) : path_(file.path()), run_(file) {}
  std::string describe() const override {
    return "JAFAR from " + path_ + ", for a backbone of " + std::to_string(run_.channels()) +
           " channels: attention of pixels to all cells, guided by the photo at the size of the result";
  }

 protected:
  Source source(const Tensor& features, const Guide& guide, Extent size) const override {
    run_.require_channels(features);
    Source s{features, {}, {}};
    s.attention = run_(guide(size.height, size.width), features, size);
    return s;
  }
  void enlarge(const Source& source, Extent size, real* out, const Progress&) const override {
    const Tensor& x = source.features;
    attend(source.attention, x, all_cells(size.height, size.width, x.dim(1), x.dim(2)), HeadUse::mean, out);
  }

 private:
  std::string path_;
  JafarRun run_;
};

}  // namespace

UpsamplerMethod upsampler_jafar() {
  UpsamplerMethod method;
  method.usage = "a checkpoint of JAFAR";
  method.summary = "attention to all cells, learned for one backbone";
  method.reads = [](const Weights& file) { return Jafar::reads(file); };
  method.open_file = [](const Weights& file, const UpsamplerOptions&) {
    return std::make_unique<JafarUpsampler>(file);
  };
  return method;
}

}  // namespace fu
