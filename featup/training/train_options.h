// The options of a whole training of a stack: all that its weights follow from, besides the photos and the backbone.
//
// One list of fields serves the command line, the settings that a checkpoint keeps, and the check that a training is
// resumed with the settings it was begun with (featup/fields.h).
#pragma once

#include <map>
#include <string>

#include "featup/fields.h"
#include "featup/training/jbu_trainer.h"

namespace fu {

struct TrainOptions {
  // How long, on what.
  Index steps = 500, batch = 4;  // photos a step
  std::string size = "224";      // of the training photos: "N" (square) or "HxW", pixels
  bool augment = true;           // random parts and mirror images, else the middles of the photos
  Index held_out = 8;            // photos that only judge
  Index jitters = 5, max_pad = 20;
  double max_zoom = 2;
  // The stack.
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
  /// place. Two defaults follow from other fields: temperature is 1 where color-range is above 0, and smooth is 0 where
  /// there is no second level. throws UsageError that names the field, for a value out of its range.
  static TrainOptions from(const std::map<std::string, std::string>& given);

  /// The learning rate of a step, counted from 0: falls along a cosine to 2% of `lr`, or is constant.
  double lr_at(Index step) const;
};

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_training_fields(Options& o, Visitor&& field) {
  field(o.compat, FieldInfo("compat",
                            "published: normalised features, middles of photos, constant rate, windows and CRF loss as "
                            "the published code has them")
                      .one_of({"published"}));
  field(o.steps, FieldInfo("steps", "steps in all; published 2000").range(1, 10000000));
  field(o.batch, FieldInfo("batch", "photos a step").range(1, 4096));
  field(o.size, FieldInfo("size", "size of the training photos: N (square) or HxW, pixels"));
  field(o.augment, FieldInfo("augment", "the middles of the photos, not random parts and mirror images"));
  field(o.held_out, FieldInfo("held-out", "photos that only judge; of five or more, at most a fifth").range(0, 10000));
  field(o.jitters, FieldInfo("jitters", "jittered views of each photo").range(1, 1000));
  field(o.max_pad, FieldInfo("max-pad", "pixels by which a jitter shifts at most").range(0, 1000));
  field(o.max_zoom, FieldInfo("max-zoom", "by how much a jitter magnifies at most").range(1, 8));
  field(o.seed, FieldInfo("seed", "of everything random").not_offered());
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_stack_fields(Options& o, Visitor&& field) {
  field(o.levels, FieldInfo("levels", "levels, each of which doubles the resolution").range(1, 6));
  field(o.radius, FieldInfo("radius", "of a level's neighbourhood, pixels").range(1, 5));
  field(o.key_dim, FieldInfo("key-dim", "channels of the keys").range(1, 64));
  field(o.sigma,
        FieldInfo("sigma", "initial width of the levels' spatial Gaussians, in radii; published 1").range(0.01, 100));
  field(o.temperature,
        FieldInfo("temperature", "initial weight of the keys' products; 1 with a color-range, and published 1")
            .range(1e-4, 1e4));
  field(o.color_range, FieldInfo("color-range",
                                 "start from a joint bilateral filter of this width over colours, where a channel's "
                                 "range is 1; 0: from random keys")
                           .range(0, 10));
  field(o.shared, FieldInfo("shared", "one level, used at every scale"));
  field(o.unit_sum, FieldInfo("unit-sum", "kernels keep a sum of 1: constant features stay constant"));
  field(o.mixing, FieldInfo("mixing", "without the last linear map over channels: the stack then serves any backbone"));
  field(o.norm, FieldInfo("norm", "layer norm of every position's features first"));
  field(o.back_projection,
        FieldInfo("back-projection",
                  "pre-filter of the tokens: adds back at most this share of the detail that level 1 "
                  "would remove, most where it is far above the mean; published 0: none")
            .range(0, 4));
  field(o.shrinkage, FieldInfo("shrinkage",
                               "pre-filter of the tokens: shrinks them towards their mean over the photo by this share "
                               "of their distance from it; published 0: none")
                         .range(0, 0.9));
  field(o.smooth, FieldInfo("smooth",
                            "strength of the smoothing of the second level's map along the photo: it averages over "
                            "about the root of this many pixels; published 0, and with one level: none")
                      .range(0, 1e4));
  field(o.smooth_colors,
        FieldInfo("smooth-colors", "difference of colours at which that smoothing ends, where a channel's range is 1")
            .range(0.001, 1e4));
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_loss_fields(Options& o, Visitor&& field) {
  field(o.downsampler,
        FieldInfo("downsampler", "attention, simple (one learned blur kernel), or mean (of the window, not learned)")
            .one_of({"attention", "simple", "mean"}));
  field(o.kernel, FieldInfo("kernel", "side of the downsampler's windows, pixels").range(1, 255));
  field(o.uncertainty,
        FieldInfo("uncertainty", "all positions count alike: no learned uncertainty weights their losses"));
  field(o.projection,
        FieldInfo("projection", "channels of the random projection that the loss compares").range(1, 4096));
  field(o.crf, FieldInfo("crf", "weight of the CRF loss").range(0, 1e6));
  field(o.crf_samples, FieldInfo("crf-samples", "pixels that the CRF loss compares").range(2, 10000));
  field(o.tv, FieldInfo("tv", "weight of the map's total variation").range(0, 1e6));
  field(o.lr, FieldInfo("lr", "learning rate at the start; it falls along a cosine; published 1e-3").range(1e-9, 1));
  field(o.constant_lr, FieldInfo("constant-lr", "the learning rate does not fall"));
}

template <class Options, class Visitor, FieldsOf<TrainOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  visit_training_fields(o, field);
  visit_stack_fields(o, field);
  visit_loss_fields(o, field);
}

/// The trainer's part of them. throws UsageError where two fields contradict each other.
JbuTrainerOptions trainer_options(const TrainOptions& options);

}  // namespace fu
