// Masks of a label map in the forms that other programs read.
#pragma once

#include <string>
#include <vector>

#include "featup/measure/segmentation.h"

namespace fu {

/// A mask as COCO's compressed run lengths: runs of pixels outside and inside in turn, down the columns, from left to
/// right; each run, less the run two before it from the third on, as groups of 5 bits with a bit for "more follows",
/// plus 48.  source: the COCO API's format of "counts"
///   labels (height,width); the mask are the pixels of `label`
std::string coco_counts(const Labels& labels, Index height, Index width, unsigned char label);
/// The reverse: (height,width), 1 inside. throws FileError if the runs do not make that many pixels.
std::vector<unsigned char> mask_of_counts(const std::string& counts, Index height, Index width);

/// A closed line along the edges of pixels: x, y of its corners in turn, in pixels from the upper left corner of the
/// picture.
using Ring = std::vector<double>;

/// The outlines of a mask: one ring around every part of it that hangs together by edges, clockwise on the screen, and
/// one ring around every hole in it, counter-clockwise.
struct Outlines {
  std::vector<Ring> outer, holes;
};
/// labels (height,width); the mask are the pixels of `label`. cost: one pass over the picture.
Outlines outlines_of(const Labels& labels, Index height, Index width, unsigned char label);

}  // namespace fu
