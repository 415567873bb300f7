// From a coarse feature map and a photo to a fine feature map: one interface for all methods.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/progress.h"
#include "featup/jbu/jbu.h"
#include "featup/measure/views.h"
#include "featup/photo/preprocess.h"

namespace fu {

/// The photo, normalised, at any size that an upsampler asks for: (1,height,width,3), always of the same part of the
/// scene as the features. 0 x 0 asks for the size that the backbone saw.
using Guide = std::function<Tensor(Index height, Index width)>;

/// A linear map over channels, y = x matrix + offset: a projection, a PCA, a classifier. Upsampling acts on each
/// channel alike, so the matrix is applied at low resolution, exactly.
struct ChannelMap {
  Tensor matrix;              // (C,K)
  Tensor offset;              // (K), or of size 0
  bool offset_first = false;  // added before upsampling: kernels whose sum is not 1 weigh it too. Methods that look
                              // often add it at the end anyway
};

struct UpsamplerOptions {
  bool published =
      false;  // as the published code: all levels of a stack, guided by the photo at the backbone's own size
  FeatureFunction backbone;  // what `views` looks through; empty where features come from a file
  std::uint64_t seed = 0;    // of the views
};

class Upsampler {
 public:
  virtual ~Upsampler() = default;
  virtual std::string describe() const = 0;
  /// One line for the user if features of this many channels cannot use all of the upsampler; empty if they can.
  virtual std::string note(Index channels) const;
  /// What the method does to the low-resolution features first: the norm of a checkpoint's backbone, where it fits.
  /// (1,h,w,C) -> same
  virtual Tensor prepare(const Tensor& features) const;

  /// prepared (1,h,w,C) -> (1,out.height,out.width,C), or K channels with a map. memory: the result and some bands of
  /// rows; with a stack that filters tokens, also some maps of twice the features' size; one that smooths, its map of
  /// four times their size.
  virtual Tensor operator()(const Tensor& prepared, const Guide& guide, Extent out, const ChannelMap* map = nullptr,
                            const Progress& progress = {}) const;

 protected:
  /// What is enlarged to `size` in place of the prepared features: the same size and channels. Default: they
  /// themselves.
  virtual Tensor source(const Tensor& prepared, const Guide& guide, Extent size) const;
  /// Mixing of channels that the method does, which commutes with upsampling, and the constant it adds. Default: none.
  virtual Tensor mix(const Tensor& x) const;
  virtual Tensor constant(Index channels) const;
  /// x (1,h,w,C) -> out (out.height,out.width,C)
  virtual void enlarge(const Tensor& x, const Guide& guide, Extent size, real* out, const Progress& progress) const = 0;
};

/// "nearest", "bilinear", "bicubic", "jbu-classic" (Kopf et al. 2007: Gaussian in place and colour, nothing learned),
/// "views", "views:N" (the mean of N jittered views, put back in place: N passes of the backbone, nothing learned),
/// "views:N+STACK" (that at 4 times the grid, and the last levels of a learned stack for the edges, without its filter
/// of tokens and its smoothing), "implicit", "implicit:S" (a fit of each photo, see FitRun, whose cells of like colour
/// hold together with weight S), "builtin" (the learned stack that the library carries), or a checkpoint with a learned
/// stack. Throws FileError or UsageError, naming the choices.
std::unique_ptr<Upsampler> open_upsampler(const std::string& name_or_path, const UpsamplerOptions& options = {});

/// Size of the result unless one is asked for: 16 times the feature map, cut to the image.
Extent default_output(Index feature_rows, Index feature_cols, Extent image);

}  // namespace fu
