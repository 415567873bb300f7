// Classes as a linear map over feature channels: what a pixel's feature vector scores for each of them. The scores are
// upsampled in place of the features, because a map over channels and an upsampler that treats channels alike can
// change places: K classes cost K channels, not C.
#pragma once

#include <string>
#include <vector>

#include "featup/upsamplers/channel_map.h"

namespace fu {

/// What scores mean.
///   softmax     one class a pixel: softmax over the classes of scale * score     (CLIP's words, probes)
///   sigmoid     each class by itself: sigmoid of scale * score + bias            (SigLIP's words)
///   activation  each class by itself: the score between its smallest and its largest one in the photo, 0 to 1 (class
///               activation maps of a classifier)
enum class ScoreKind { softmax, sigmoid, activation };

/// K classes, and how they are read from features of C channels.
/// @code
/// Classes classes;  // two classes that look at one channel each
/// classes.names = {"first", "second"};
/// classes.map.matrix = Tensor::from({3, 2}, {1, 0, 0, 1, 0, 0});
/// const Tensor features = Tensor::from({1, 1, 1, 3}, {5, 2, 7});
/// const ScoreSource source = score_source(classes, features);
/// const Tensor scores = linear(source.features, source.map.matrix.permute({1, 0}), source.map.offset);
/// assert(scores.data()[0] == 5 && scores.data()[1] == 2);
/// @endcode
struct Classes {
  std::vector<std::string> names;     // K
  ChannelMap map;                     // (C,K), or (M,K) behind a hidden layer
  Tensor hidden_weight, hidden_bias;  // (M,C), (M): a layer with ReLU in front of the map; of size 0: none
  /// The hidden layer reads upsampled features, pixel by pixel: it learned from such. Else it reads coarse ones.
  bool hidden_after = false;
  /// Scores are cosines: features are brought to length 1 first, and the map's columns have length 1.
  bool cosine = false;
  ScoreKind kind = ScoreKind::softmax;
  double scale = 1, bias = 0;
  std::string source;  // for people: "CLIP text encoder, ...", a file's name

  Index size() const { return static_cast<Index>(names.size()); }
  Index channels() const { return hidden_weight.size() > 0 ? hidden_weight.dim(1) : map.matrix.dim(0); }
};

/// What an upsampler is given so that its result are the classes' scores: features (1,h,w,C) and a map over their
/// channels. Of cosines, the features have one length, which is their mean one before: what a learned upsampler knows
/// of the size of features stays true.
struct ScoreSource {
  Tensor features;  // (1,h,w,C), or (1,h,w,M) behind a hidden layer
  ChannelMap map;   // (C or M,K)
};

/// throws ShapeError if the features have other channels than the classes were made for.
ScoreSource score_source(const Classes& classes, const Tensor& features);

/// Classes `first` to before `last` of a map.
ChannelMap columns_of(const ChannelMap& map, Index first, Index last);

}  // namespace fu
