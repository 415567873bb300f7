// Joint bilateral upsampling with fixed Gaussians: see bilateral_taps().
#include <algorithm>

#include "featup/photo/bilateral.h"
#include "featup/upsamplers/linear_upsampler.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

/// source: Kopf, Cohen, Lischinski, Uyttendaele, "Joint bilateral upsampling" (SIGGRAPH 2007)
class ClassicJbu : public LinearUpsampler {
 public:
  std::string describe() const override {
    return "jbu-classic: joint bilateral upsampling by place and colour, nothing learned";
  }

 protected:
  Source source(const Tensor& features, const Guide& guide, Extent size) const override {
    return {features, {}, denormalize(guide(size.height, size.width))};
  }

  void enlarge(const Source& source, Extent size, real* out, const Progress& progress) const override {
    const Tensor &x = source.features, &photo = source.photo, cells = adaptive_avg_pool(photo, x.dim(1), x.dim(2));
    const Index c = x.dim(3), band = std::max<Index>(1, kBandReals / (size.width * kBilateralTaps));
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

}  // namespace

UpsamplerMethod upsampler_jbu_classic() {
  UpsamplerMethod method;
  method.name = method.usage = method.in_tables = "jbu-classic";
  method.summary = "joint bilateral upsampling by place and colour, nothing learned";
  method.open = [](const std::string&, const UpsamplerOptions&) { return std::make_unique<ClassicJbu>(); };
  return method;
}

}  // namespace fu
