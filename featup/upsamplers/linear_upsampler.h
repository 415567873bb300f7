// What methods share that enlarge each channel alike and linearly: the map over channels, the order of offsets, and
// scratch memory of a few bands of rows.
#pragma once

#include "core/ops/resample.h"
#include "featup/attention/queries_and_keys.h"
#include "featup/upsamplers/upsampler.h"

namespace fu {

/// Floats of scratch for one band of rows: 4 MB.
constexpr Index kBandReals = Index{1} << 20;

/// memory: the result and some bands of rows, besides what source() makes.
class LinearUpsampler : public Upsampler {
 public:
  Cost cost() const override { return Cost::one_pass; }
  Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map,
                    const Progress& progress) const final;

 protected:
  /// What a method works on for one photo.
  struct Source {
    Tensor features;  // (1,h,w,C): what is enlarged. A map over channels is applied between source() and enlarge().
    Tensor constant;  // (C), added to every pixel of the result; of size 0 for none
    Tensor photo;     // the guide at the size that enlarge() wants; of size 0 if it wants none
    QueriesAndKeys attention = {};  // what an attention method has made of the guide and the features
  };
  /// The only place that asks the guide. Default: the features as they are, nothing else.
  virtual Source source(const Tensor& features, const Guide& guide, Extent size) const;
  /// The features by a map over channels, rows (K,C), and an offset (K) or of size 0: what enlarge() will be given.
  virtual Tensor mapped(const Tensor& features, const Tensor& rows, const Tensor& offset) const;
  /// source.features (1,h,w,K) -> out (size.height,size.width,K), each channel alike.
  virtual void enlarge(const Source& source, Extent size, real* out, const Progress& progress) const = 0;
};

/// x (1,h,w,C) -> out (rows.n_out,cols.n_out,C) by a map along rows and one along columns, a band of rows at a time.
void enlarge_by_maps(const Tensor& x, const AxisMap& rows, const AxisMap& cols, real* out, const Progress& progress);

}  // namespace fu
