// The options of a whole training of an upsampler: all that its weights follow from, besides the photos and the
// backbone.
//
// One list of fields serves the command line, the settings that a checkpoint keeps, and the check that a training is
// resumed with the settings it was begun with (featup/fields.h).
#pragma once

#include <map>
#include <string>

#include "featup/fields.h"
#include "featup/training/upsampler_trainer.h"

namespace fu {

struct TrainOptions {
  std::string kind = "jbu";  // see trained_kinds()
  // How long, on what.
  Index steps = 500, batch = 4;  // photos a step
  std::string size = "224";      // of the training photos: "N" (square) or "HxW", pixels
  bool augment = true;           // random parts and mirror images, else the middles of the photos
  Index held_out = 8;            // photos that only judge
  std::string loss = "views";    // or "crops"
  Index jitters = 5, max_pad = 20;
  double max_zoom = 2;
  Index crops = 4, crop_zoom = 2;
  // Of the kinds that attend from pixels to cells.
  Index upscale = 8;
  // The stack of the kind jbu.
  Index levels = 4, radius = 3, key_dim = 32;
  double sigma = 0.4, temperature = 5, color_range = 0;
  bool shared = false, unit_sum = false, mixing = true, norm = false;
  // What stands around its levels, and is not learned.
  double back_projection = 2.2, shrinkage = 0.2, smooth = 30, smooth_colors = 0.02;
  // The downsampler and the loss.
  std::string downsampler = "attention";
  Index kernel = 16, projection = 30, crf_samples = 1000;
  bool uncertainty = true;
  double crf = 1e-3, tv = 0;
  double lr = 5e-3;
  bool constant_lr = false;
  std::string compat;  // "published": windows and CRF loss as the published code has them
  std::uint64_t seed = 0;

  /// The settings of FeatUp's published code, which steps exactly as that code does.
  static TrainOptions published();

  /// The defaults, or those of the published code if `given` has compat=published, with the given fields in their
  /// place. Some defaults follow from other fields: lr is the kind's, temperature is 1 where color-range is above 0,
  /// and smooth is 0 where there is no second level. throws UsageError that names the field, for a value out of its
  /// range, and for a field that has no meaning for the kind or the loss.
  static TrainOptions from(const std::map<std::string, std::string>& given);

  /// The learning rate of a step, counted from 0: falls along a cosine to 2% of `lr`, or is constant.
  double lr_at(Index step) const;
};

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_training_fields(Options& o, Visitor&& field) {
  field(o.kind, FieldInfo("kind", "kind of upsampler").one_of(trained_kind_names()).left_out_by_default());
  field(o.compat, FieldInfo("compat",
                            "published: normalised features, middles of photos, constant rate, windows and CRF loss as "
                            "the published code has them")
                      .one_of({"published"})
                      .only_with("kind", {"jbu"}));
  field(o.steps, FieldInfo("steps", "steps in all; published 2000").range(1, 10000000));
  field(o.batch, FieldInfo("batch", "photos a step").range(1, 4096));
  field(o.size, FieldInfo("size", "size of the training photos: N (square) or HxW, pixels"));
  field(o.augment, FieldInfo("augment", "the middles of the photos, not random parts and mirror images"));
  field(o.held_out, FieldInfo("held-out", "photos that only judge; of five or more, at most a fifth").range(0, 10000));
  field(o.loss, FieldInfo("loss",
                          "what the map must predict: features of jittered views (FeatUp's loss), or of crops of the "
                          "photo at a higher resolution (AnyUp's: cosine and squared error)")
                    .one_of({"views", "crops"})
                    .left_out_by_default());
  const auto of_views = [](FieldInfo info) { return info.only_with("loss", {"views"}); };
  const auto of_crops = [](FieldInfo info) { return info.only_with("loss", {"crops"}).left_out_by_default(); };
  field(o.jitters, of_views(FieldInfo("jitters", "jittered views of each photo").range(1, 1000)));
  field(o.max_pad, of_views(FieldInfo("max-pad", "pixels by which a jitter shifts at most").range(0, 1000)));
  field(o.max_zoom, of_views(FieldInfo("max-zoom", "by how much a jitter magnifies at most").range(1, 8)));
  field(o.crops, of_crops(FieldInfo("crops", "crops of each photo").range(1, 1000)));
  field(o.crop_zoom, of_crops(FieldInfo("crop-zoom",
                                        "how many times as fine as the image crops are; photos of that many times "
                                        "its size are read")
                                  .range(1, 4)));
  field(o.seed, FieldInfo("seed", "of everything random").not_offered());
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_stack_fields(Options& o, Visitor&& field) {
  const auto of_jbu = [](FieldInfo info) { return info.only_with("kind", {"jbu"}); };
  field(o.levels, of_jbu(FieldInfo("levels", "levels, each of which doubles the resolution").range(1, 6)));
  field(o.radius, of_jbu(FieldInfo("radius", "of a level's neighbourhood, pixels").range(1, 5)));
  field(o.key_dim, of_jbu(FieldInfo("key-dim", "channels of the keys").range(1, 64)));
  field(o.sigma, of_jbu(FieldInfo("sigma", "initial width of the levels' spatial Gaussians, in radii; published 1")
                            .range(0.01, 100)));
  field(o.temperature,
        of_jbu(FieldInfo("temperature", "initial weight of the keys' products; 1 with a color-range, and published 1")
                   .range(1e-4, 1e4)));
  field(o.color_range,
        of_jbu(FieldInfo("color-range",
                         "start from a joint bilateral filter of this width over colours, where a channel's "
                         "range is 1; 0: from random keys")
                   .range(0, 10)));
  field(o.shared, of_jbu(FieldInfo("shared", "one level, used at every scale")));
  field(o.unit_sum, of_jbu(FieldInfo("unit-sum", "kernels keep a sum of 1: constant features stay constant")));
  field(o.mixing,
        of_jbu(FieldInfo("mixing", "without the last linear map over channels: the stack then serves any backbone")));
  field(o.norm, of_jbu(FieldInfo("norm", "layer norm of every position's features first")));
  field(o.back_projection,
        of_jbu(FieldInfo("back-projection",
                         "pre-filter of the tokens: adds back at most this share of the detail that level 1 "
                         "would remove, most where it is far above the mean; published 0: none")
                   .range(0, 4)));
  field(o.shrinkage,
        of_jbu(FieldInfo("shrinkage",
                         "pre-filter of the tokens: shrinks them towards their mean over the photo by this share "
                         "of their distance from it; published 0: none")
                   .range(0, 0.9)));
  field(o.smooth,
        of_jbu(FieldInfo("smooth",
                         "strength of the smoothing of the second level's map along the photo: it averages over "
                         "about the root of this many pixels; published 0, and with one level: none")
                   .range(0, 1e4)));
  field(o.smooth_colors,
        of_jbu(FieldInfo("smooth-colors",
                         "difference of colours at which that smoothing ends, where a channel's range is 1")
                   .range(0.001, 1e4)));
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_loss_fields(Options& o, Visitor&& field) {
  const auto of_views = [](FieldInfo info) { return info.only_with("loss", {"views"}); };
  field(o.downsampler,
        of_views(FieldInfo("downsampler",
                           "attention, simple (one learned blur kernel), or mean (of the window, not learned)")
                     .one_of({"attention", "simple", "mean"})));
  field(o.kernel, of_views(FieldInfo("kernel", "side of the downsampler's windows, pixels").range(1, 255)));
  field(o.uncertainty,
        of_views(FieldInfo("uncertainty", "all positions count alike: no learned uncertainty weights their losses")));
  field(o.projection,
        of_views(FieldInfo("projection", "channels of the random projection that the loss compares").range(1, 4096)));
  field(o.crf, of_views(FieldInfo("crf", "weight of the CRF loss").range(0, 1e6)));
  field(o.crf_samples, of_views(FieldInfo("crf-samples", "pixels that the CRF loss compares").range(2, 10000)));
  field(o.tv, of_views(FieldInfo("tv", "weight of the map's total variation").range(0, 1e6)));
  field(o.lr,
        FieldInfo("lr",
                  "learning rate at the start; it falls along a cosine; 1e-3 for other kinds than jbu, published 1e-3")
            .range(1e-9, 1));
  field(o.constant_lr, FieldInfo("constant-lr", "the learning rate does not fall"));
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  visit_training_fields(o, field);
  visit_stack_fields(o, field);
  field(o.upscale, FieldInfo("upscale", "pixels of the map for each cell of the features; 16 is what `upsample` makes")
                       .range(1, 16)
                       .only_with("kind", attention_kind_names())
                       .left_out_by_default());
  visit_loss_fields(o, field);
}

/// The trainer's part of them. throws UsageError where two fields contradict each other.
UpsamplerTrainerOptions trainer_options(const TrainOptions& options);

}  // namespace fu
