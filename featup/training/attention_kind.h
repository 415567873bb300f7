// What the three attention upsamplers share under training: a photo at the size of the map, values made of linear
// forms, and files by their published names.
#pragma once

#include "featup/attention/queries_and_keys.h"
#include "featup/training/kinds.h"

namespace fu {

/// Makes the values of the cells, which attention averages, of the forms.
using ValuesOf = Var (*)(const std::vector<LinearForms>& forms);

/// The forms one after another, where all channels share their weights: (1,h,w,K of all).
inline Var shared_values(const std::vector<LinearForms>& forms) {
  std::vector<Var> parts;
  for (const LinearForms& f : forms) parts.push_back(f.values());
  return concat(parts, -1);
}

/// Network: AnyUp, Jafar or Naf; Run: the same for inference.
template <class Network, class Run, ValuesOf values_of = shared_values>
class LearnedAttention : public LearnedUpsampler {
 public:
  LearnedAttention(std::shared_ptr<Network> network, Index upscale) : network_(std::move(network)), upscale_(upscale) {}

  Module& module() override { return *network_; }
  Extent map_size(Index h, Index w) const override { return {upscale_ * h, upscale_ * w}; }

  Var enlarge(const std::vector<LinearForms>& forms, const Tensor& features, const Tensor& image) const override {
    return run(values_of(forms), features, image);
  }
  Var enlarge_all(const Var& x, const Tensor& features, const Tensor& image) const override {
    return run(x, features, image);
  }
  Tensor map(const Tensor& features, const Tensor& image) const override {
    const Extent size = map_size(features.dim(1), features.dim(2));
    const QueriesAndKeys made = Run(network_)(photo(image, size), features, size);
    Tensor out({1, size.height, size.width, features.dim(3)});
    attend(made, features, Network::windows(size, features.dim(1), features.dim(2)), made.use, out.data());
    return out;
  }
  void export_to(std::map<std::string, Tensor>& tensors) override { network_->save(tensors); }
  void read(const Weights& file) override { network_->read(file); }

 private:
  static Tensor photo(const Tensor& image, Extent size) {
    const bool fits = image.dim(1) == size.height && image.dim(2) == size.width;
    return fits ? image : resize_triangle(image, size.height, size.width);
  }
  Var run(const Var& values, const Tensor& features, const Tensor& image) const {
    const Extent size = map_size(features.dim(1), features.dim(2));
    return (*network_)(Var(photo(image, size)), Var(features), values, size);
  }

  std::shared_ptr<Network> network_;
  Index upscale_;
};

}  // namespace fu
