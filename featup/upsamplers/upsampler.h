// From a coarse feature map and a photo to a fine feature map: the interface of all methods.
#pragma once

#include <functional>
#include <string>

#include "core/progress.h"
#include "core/tensor.h"
#include "featup/photo/preprocess.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// The photo, normalised, at any size that an upsampler asks for: (1,height,width,3), always of the same part of the
/// scene as the features. 0 x 0 asks for the size that the backbone saw. A method asks once for each size it needs,
/// because resizing a large photo takes tens of milliseconds.
using Guide = std::function<Tensor(Index height, Index width)>;

/// Passes of the backbone for one photo: the one that made the features, or many more; or the maps come from elsewhere.
enum class Cost { one_pass, made_elsewhere, many_passes };

/// One upsampling method, opened and ready for any number of photos. Calls do not change it.
class Upsampler {
 public:
  virtual ~Upsampler() = default;

  /// The method and its settings, in one line.
  virtual std::string describe() const = 0;
  /// How often it looks at a photo.
  virtual Cost cost() const = 0;
  /// One line for the user if features of this many channels cannot use all of the method; empty if they can.
  virtual std::string note(Index channels) const;
  /// Features in the space of the results: a checkpoint may bring a layer norm that its backbone's features go through
  /// first. Whatever compares features with results, or is learned for results (principal components, colours), starts
  /// from these. (1,h,w,C) -> same. Default: the features themselves.
  virtual Tensor output_space(const Tensor& features) const;

  /// features (1,h,w,C), as the backbone gives them -> (1,size.height,size.width,C), or K channels with a map (C,K)
  /// over the channels of the output space. Each method says what it needs of memory. throws ShapeError.
  virtual Tensor operator()(const Tensor& features, const Guide& guide, Extent size, const ChannelMap* map = nullptr,
                            const Progress& progress = {}) const = 0;
};

/// Size of the result unless one is asked for: 16 times the feature map, cut to the image.
Extent default_output(Index feature_rows, Index feature_cols, Extent image);

}  // namespace fu
