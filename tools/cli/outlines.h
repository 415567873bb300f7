// How exactly a feature map draws outlines, measured against exact labels: by clusters of its pixels, and by what is
// nearest to one click on each object.
#pragma once

#include <vector>

#include "featup/measure/segmentation.h"

namespace fu {

/// Pixels whose right or lower neighbour has another label.
std::vector<bool> outlines_of(const Labels& labels, Index height, Index width);

/// k-means of the pixels of x (1,H,W,n), begun at pixels far from each other: a cluster a pixel, 20 rounds. source:
/// Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985), for the beginning
Labels clusters_of(const Tensor& x, Index k);

/// F-score of found outlines: the harmonic mean of precision and recall, where an outline pixel counts as found if one
/// of the other labelling is within `tolerance` rows and columns.
double outline_score(const Labels& found, const Labels& exact, Index height, Index width, Index tolerance);

/// The pixel of a label that is deepest inside it, where somebody would click; -1 if the label is nowhere.
Index click_on(const Labels& labels, Index height, Index width, unsigned char label);

/// One click on each thing that can be seen.
struct Clicks {
  std::vector<Index> labels, pixels;
};
Clicks clicks_on_all(const Labels& labels, Index height, Index width, Index objects);

/// Mean IoU of the labels when every pixel of x (1,H,W,n) takes the label of the click whose features are nearest.
double click_score(const Tensor& x, const Labels& exact, const Clicks& clicks);

}  // namespace fu
