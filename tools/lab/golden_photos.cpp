// The reference case made from a real photo: the only one that decodes a picture.
#include <algorithm>
#include <cmath>

#include "core/eigen.h"
#include "featup/backbones/backbone.h"
#include "featup/jbu/jbu.h"
#include "featup/photo/preprocess.h"
#include "tools/lab/golden_case.h"
#include "tools/media/image_io.h"

namespace fu {

namespace {

/// The levels of a stack without its mixing, which fits only one number of channels.
Tensor levels_only(const std::string& path, const Tensor& features, const Tensor& guidance) {
  const JbuStack stack{Weights(path)};
  return JbuRun(stack, features, guidance, static_cast<int>(stack.levels.size())).all();
}

/// A photo through decoding, preprocessing, the backbone, and the levels of the published stacks.
void run_real_photo(Case& c) {
  const std::string photo = c.attrs.at("photo"), models = c.shared + "/models/";
  const Image crop = cover(read_image(c.shared + "/photos/" + photo), 224, 224);
  const bool lossless = photo.size() > 4 && photo.substr(photo.size() - 4) == ".png";
  const Tensor expected_crop = c.file.read("out.crop_u8");
  Index worst = 0;
  for (Index i = 0; i < expected_crop.size(); ++i)
    worst = std::max<Index>(
        worst, std::abs(static_cast<Index>(expected_crop.data()[i]) - crop.rgb[static_cast<std::size_t>(i)]));
  const auto backbone = open_backbone(models + "deit_tiny_patch16_224.safetensors");
  const Tensor photo_image = c.image("image").value, features = backbone->features(photo_image);
  c.check_image("features", features);
  // Features of the photo as decoded here. Another JPEG decoder may round differently, so vectors are compared by their
  // angles.
  const Tensor own = backbone->features(normalize(crop)), expected = to_nhwc(c.file.read("out.features"));
  double lowest = 1;
  const Eigen::MatrixXd x = as_matrix(own).cast<double>(), y = as_matrix(expected).cast<double>();
  for (Index p = 0; p < x.rows(); ++p)
    lowest = std::min(lowest, x.row(p).dot(y.row(p)) / (x.row(p).norm() * y.row(p).norm()));
  c.result.detail = "crop differs by at most " + std::to_string(worst) +
                    "/255; lowest cosine of features from the file " + std::to_string(lowest);
  if (lowest < (lossless ? 0.99999 : 0.999))
    throw ShapeError("lowest cosine of features from the file is " + std::to_string(lowest));
  const Tensor first = first_channels(to_nhwc(c.file.read("out.features")), 8);
  c.check_image("jbu_clip_first8", levels_only(models + "clip_jbu_stack_cocostuff.ckpt", first, photo_image));
  c.check_image("jbu_maskclip_first8", levels_only(models + "maskclip_jbu_stack_cocostuff.ckpt", first, photo_image));
}

}  // namespace

GoldenRuns golden_photos() { return {{"real_photo", run_real_photo}}; }

}  // namespace fu
