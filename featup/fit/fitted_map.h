// The result of a fit: one photo's features at any place and resolution, in one file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "core/ops/pca.h"
#include "featup/photo/bilateral.h"
#include "featup/photo/preprocess.h"
#include "featup/published/implicit.h"
#include "featup/upsamplers/channel_map.h"

namespace fu {

/// What the metadata of a fit's file says under "format".
constexpr const char* kFittedFormat = "featup fit 1";

/// A learned grid, a network, or a network on top of a grid; in principal components, if those were used.
struct FittedMap {
  Image photo;                               // as the backbone saw it
  Tensor low;                                // the backbone's features of it: (1,h,w,C)
  Tensor grid;                               // (1,gh,gw,K), or of size 0
  BilateralWidths widths;                    // of its interpolation
  ImplicitOptions network_options;           // of the network
  std::shared_ptr<ImplicitNetwork> network;  // to K channels, or null
  Pca pca;                                   // C to K channels; without components, K = C
  /// What else the file holds: downsampler, uncertainty, history, the state of an unfinished fit.
  std::map<std::string, Tensor> extra;
  std::map<std::string, std::string> settings;

  Index channels() const { return low.dim(3); }
  /// Writes all of it as .safetensors. throws FileError.
  void save(const std::string& path) const;
  /// Whether a file holds one. throws FileError if it cannot be read.
  static bool present(const std::string& path);
  /// Reads a file whose every tensor and number is what a fit has: name, shape, type, range; else throws FileError,
  /// which names the file. What it returns can be used without further checks.
  static FittedMap load(const std::string& path);
  static FittedMap load(const Weights& file);
};

/// A part of a photo whose whole has another size: pixels are those of [top, top + height) x [left, left + width).
struct PhotoWindow {
  Image pixels;             // of the part
  Extent whole;             // size of the photo
  Index top = 0, left = 0;  // where the part begins in it
};

/// Computes a fitted map at one size, any part of it at a time.
/// @code
/// FittedMap fit;  // FitRun::result() and FittedMap::load() give one; here it is made by hand, a grid of one cell
/// fit.photo = Image{32, 32, std::vector<unsigned char>(32 * 32 * 3, 200)};
/// fit.low = fit.grid = Tensor::full({1, 1, 1, 2}, 5);
/// FittedRenderer renderer(fit, fit.photo);  // or the photo at another size
/// Tensor part({8, 16, 2});
/// renderer.render(4, 0, 8, 16, part.data());               // rows 4 to 11, columns 0 to 15
/// const Tensor one = renderer.at(Tensor::from({1, 2}, {2.5, 7}));  // row 2.5, column 7: (1,2)
/// assert(std::abs(part.data()[0] - 5) < 1e-4 && std::abs(one.data()[1] - 5) < 1e-4);
/// @endcode
class FittedRenderer {
 public:
  /// The same from a part of that picture: only what lies in it can be asked for.
  FittedRenderer(const FittedMap& fit, PhotoWindow photo, const ChannelMap* map = nullptr);
  /// photo: the fit's own picture at height x width, the size of the whole result. map: over the channels of the
  /// features; its offset is added at the end in any case.
  FittedRenderer(const FittedMap& fit, Image photo, const ChannelMap* map = nullptr);

  Index channels() const { return channels_; }
  /// out (rows,cols,channels): rows [top, top + rows) and columns [left, left + cols). memory: some bands, beside
  /// `out`. throws ShapeError for a part that is not inside.
  void render(Index top, Index left, Index rows, Index cols, real* out);
  /// The same for points (row, column) of the photo at this size, pixel centres at whole numbers: (N,2) -> (N,C).
  /// Colours and features between pixels are interpolated. throws ShapeError for points outside.
  Tensor at(const Tensor& points);

 private:
  void add_network(const std::vector<real>& signals, real* out) const;
  void signal(double row, double col, const real* color, real* out) const;
  Tensor color_at(double y, double x) const;

  PhotoWindow photo_;
  Index channels_;
  Tensor cells_, grid_, constant_;
  BilateralWidths widths_;
  ColorRange range_;
  Index signals_ = 0;
  std::vector<real> rows_, cols_;  // places of rows and columns on [-1,1], inputs of the network
  std::unique_ptr<PixelNetwork> network_;
  PhotoTaps taps_;
};

}  // namespace fu
