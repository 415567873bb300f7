// Photos with labels that a user brings for a probe: classes or numbers, cut or scaled as the options say.
#pragma once

#include "featup/photo/preprocess.h"
#include "featup/probes/pixel_samples.h"
#include "tools/cli/labelled_photos.h"

namespace fu {

/// What the labels are, how photos come to the backbone, and which ones judge.
struct ProbeDataOptions {
  std::string kind = "auto";
  Index classes = 0;  // 0: as the label pictures have
  double label_scale = 1;
  std::string size = "own";
  bool fine = false;
  std::string upsampler = "builtin";  // of fine
  double validation = 0.1;            // share of the photos that only judge
  Index patience = 2;                 // epochs without a better score after which training ends
};

template <class Options, class Visitor, FieldsOf<ProbeDataOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.kind, FieldInfo("kind",
                          "what labels are: classes (a class a pixel, grey or a palette) or numbers (PNG of 16 bits, "
                          ".npy); auto: as the first one is")
                    .one_of({"auto", "classes", "numbers"}));
  field(o.classes,
        FieldInfo("classes", "labels from this number up are ignored, and 255; 0: as many as the pictures have")
            .range(0, 255));
  field(o.label_scale,
        FieldInfo("label-scale", "numbers are multiplied by this: 0.001 makes metres of millimetres").range(-1e9, 1e9));
  field(o.size,
        FieldInfo("size",
                  "photos at the backbone: own (as they are, cut to whole patches), N (short side, aspect kept) "
                  "or HxW (scaled to cover it, then cropped around the centre)"));
  field(o.fine, FieldInfo("fine", "learn from upsampled features at the photos' size"));
  field(o.upsampler, FieldInfo("upsampler", "with --fine: the method that upsamples, as upsample takes it"));
  field(o.validation, FieldInfo("validation", "share of the photos that are held out to judge; 0: none").range(0, 0.9));
  field(o.patience, FieldInfo("patience", "epochs without a better score after which training ends").range(1, 100000));
}

/// A photo as the backbone sees it, and what is known of the part of it that is seen.
struct PreparedPhoto {
  Image seen;  // at the backbone
  Image part;  // of the photo, in its own pixels: the targets' height x width
  PixelTargets targets;
};

/// Photos to learn from, then photos that only judge.
class ProbePhotos {
 public:
  /// val: a second pair of folders, both empty for none. Looks at the first label to tell what labels are and, where
  /// the number of classes is not given, at all of them. throws FileError, UsageError.
  ProbePhotos(const std::string& images, const std::string& labels, const std::string& val_images,
              const std::string& val_labels, const ProbeDataOptions& options);

  Index size() const { return static_cast<Index>(pairs_.size()); }
  /// Those to learn from come first.
  Index to_learn_from() const { return learned_; }
  const LabelledPhoto& pair(Index i) const { return pairs_[usize(i)]; }
  Probe::Kind kind() const { return kind_; }
  /// Classes, or numbers of a pixel.
  Index outputs() const { return outputs_; }
  /// Names of all files, with their sizes, as one number.
  std::uint64_t hash() const;
  std::vector<std::string> files() const;
  const std::string& left_out() const { return left_out_; }

  /// throws FileError for a photo or labels that cannot be read or do not fit, UsageError for a size that is too large.
  PreparedPhoto prepare(Index i, Index patch) const;

 private:
  PixelTargets read_targets(Index i, Extent photo) const;

  ProbeDataOptions options_;
  InputSize size_;  // short_side 0: own
  std::vector<LabelledPhoto> pairs_;
  Index learned_ = 0;
  std::string left_out_;
  Probe::Kind kind_ = Probe::Kind::classes;
  Index outputs_ = 0;
};

}  // namespace fu
