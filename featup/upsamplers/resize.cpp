// Nearest, bilinear and bicubic: the photo is not looked at.
#include "featup/upsamplers/linear_upsampler.h"
#include "featup/upsamplers/registry.h"

namespace fu {

namespace {

using Axis = AxisMap (*)(Index n_in, Index n_out);

class Resize : public LinearUpsampler {
 public:
  Resize(const char* name, Axis axis) : name_(name), axis_(axis) {}
  std::string describe() const override { return name_; }

 protected:
  void enlarge(const Source& source, Extent size, real* out, const Progress& progress) const override {
    const Tensor& x = source.features;
    enlarge_by_maps(x, axis_(x.dim(1), size.height), axis_(x.dim(2), size.width), out, progress);
  }

 private:
  const char* name_;
  Axis axis_;
};

AxisMap bilinear(Index n_in, Index n_out) { return bilinear_axis(n_in, n_out); }
AxisMap bicubic(Index n_in, Index n_out) { return bicubic_axis(n_in, n_out); }

UpsamplerMethod resize(const char* name, const char* summary, Axis axis) {
  UpsamplerMethod method;
  method.name = method.usage = method.in_tables = name;
  method.summary = summary;
  method.open = [=](const std::string&, const UpsamplerOptions&) { return std::make_unique<Resize>(name, axis); };
  return method;
}

}  // namespace

UpsamplerMethod upsampler_nearest() { return resize("nearest", "each pixel takes its cell's features", nearest_axis); }
UpsamplerMethod upsampler_bilinear() { return resize("bilinear", "bilinear interpolation", bilinear); }
UpsamplerMethod upsampler_bicubic() { return resize("bicubic", "bicubic interpolation", bicubic); }

}  // namespace fu
