// From a photo's pixels to what a backbone takes.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace fu {

/// 8-bit RGB pixels, rows from the top, 3 bytes a pixel. Every function that takes an image throws ShapeError if it has
/// no pixels, or another number of bytes than height * width * 3: 4 channels, or a buffer that is too short.
struct Image {
  Index height = 0, width = 0;     // pixels
  std::vector<unsigned char> rgb;  // height * width * 3
};

/// Height and width in pixels.
struct Extent {
  Index height = 0, width = 0;
};
/// Rows [top, top + rows) and columns [left, left + cols) of an image.
struct ImagePart {
  Index top = 0, left = 0, rows = 0, cols = 0;
};
/// Throws ShapeError for an image without pixels, or with another number of bytes. op: for the message.
void require_pixels(const char* op, const Image& image);

/// What normalize() divides red, green and blue by, a channel's range being 1: ImageNet's standard deviations.
constexpr double kPhotoDeviation[3] = {0.229, 0.224, 0.225};

/// Size of the photo at the backbone. With height and width: the photo is scaled to cover them, then centre-cropped to
/// exactly that size; 224x224 is what torchvision's Resize(224) and CenterCrop(224) do. With short_side alone: the
/// aspect is kept, and both sides are rounded to whole patches. own: the photo is not scaled, and loses at its edges
/// what is less than a patch.
struct InputSize {
  Index short_side = 224;
  Index height = 0, width = 0;
  bool own = false;
};

/// Pillow's antialiased bilinear resize (a triangle filter, rounded to 8 bits after each of the two passes), bit for
/// bit.
Image resize_antialiased(const Image& image, Index height, Index width);
/// A part of the image as resize_antialiased() would make it of that size, in the same bits. cost: of the part alone.
/// throws ShapeError if it is not all inside.
Image resize_part(const Image& image, Extent size, const ImagePart& part);
/// Part of an image. throws ShapeError if it is not all inside.
Image crop(const Image& image, Index top, Index left, Index height, Index width);
/// The middle height x width pixels. throws ShapeError if the image is smaller.
Image center_crop(const Image& image, Index height, Index width);

/// The size that the photo will have at the backbone, whose patches are `patch` pixels wide. throws UsageError for
/// sizes below 1, or above 2^28.
Extent input_extent(const Image& photo, const InputSize& size, Index patch);
/// The photo scaled to cover height x width, and centre-cropped to it.
/// @code
/// const Image photo{300, 400, std::vector<unsigned char>(300 * 400 * 3, 128)};
/// const Extent size = input_extent(photo, InputSize(), 16);  // short side 224, both sides whole patches of 16
/// const Tensor image = normalize(cover(photo, size.height, size.width));
/// assert(image.shape() == Shape({1, 224, 304, 3}));
/// @endcode
Image cover(const Image& photo, Index height, Index width);
/// A part of what cover() makes of that size. cost: of the part alone.
Image cover_part(const Image& photo, Extent size, const ImagePart& part);

/// (1,H,W,3): pixel / 255, minus ImageNet's mean (.485,.456,.406), over its standard deviation (.229,.224,.225).
Tensor normalize(const Image& image);
/// The inverse of normalize(), without rounding: (B,H,W,3), colours in [0,1].
Tensor denormalize(const Tensor& image);

}  // namespace fu
