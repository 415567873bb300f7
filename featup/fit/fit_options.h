// Settings of a fit: each with its name, its range and its help. From this one list come the options of the command
// line, the settings that a fit's file keeps, and the check that a fit is resumed with the settings it was begun with.
#pragma once

#include "featup/fields.h"
#include "featup/fit/feature_grid.h"
#include "featup/photo/preprocess.h"
#include "featup/published/implicit_fit.h"

namespace fu {

/// What a fit does. Fields that are 0 or -1 by default are decided by the others: see completed() and for_photo().
struct FitOptions {
  Index views = 0;         // jittered views, at most
  Index steps = -1;        // of the network
  bool grid = true;        // else the network alone
  Index pca = -1;          // principal components; 0, or as many as there are channels: none
  Index held_out = 16;     // views that nothing is fitted to
  bool early_stop = true;  // when the held-out views are explained no better
  Index max_pad = 30;      // of the jitters, pixels
  double max_zoom = 1.8;   // of the jitters
  GridOptions grid_options;
  Index views_per_step = 10;             // of the network
  double max_frequency = 0;              // radians for half a side; decides network.upsampler.highest, its logarithm
  std::string lr_schedule = "constant";  // of the network; or "cosine"
  Index coarse_steps = 0;                // of the network: the first of them, on a map of half the size
  ImplicitFitOptions network;
  std::uint64_t seed = 0;  // of views and network

  /// As published: the network alone, 3000 views, 1200 steps, 128 components, no early end.
  static FitOptions published();
  /// The fields that other fields decide, filled in: 200 views; without a grid 300, and 300 steps of the network; with
  /// a network 128 principal components.
  FitOptions completed() const;
  /// Completed, and fitted to a photo of that size at the backbone and to features of so many channels: jitters and
  /// windows no larger than the photo, no more components than channels, frequencies no higher than the pixels'
  /// Nyquist frequency. throws UsageError for settings that do not go together.
  FitOptions for_photo(Extent photo, Index channels) const;
};

/// Every option with its name, range and help: see featup/fields.h.
template <class Options, class Visitor, FieldsOf<FitOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.views, FieldInfo("views", "jittered views; default 200, without a grid 300, published 3000").range(1, 1e5));
  field(o.steps, FieldInfo("steps",
                           "steps of the network, on top of the grid; default 0, without a grid 300, "
                           "published 1200")
                     .range(0, 1e6)
                     .keeps_result());  // how far a fit goes: it is resumed with more of them
  field(o.grid, FieldInfo("grid", "the network alone, without the learned grid"));
  field(
      o.pca,
      FieldInfo("pca", "principal components to fit; 0: all channels; default 0, for a network 128").range(0, 1 << 20));
  field(o.held_out, FieldInfo("held-out", "views that nothing is fitted to: they judge the fit").range(1, 1e4));
  field(o.early_stop, FieldInfo("early-stop", "run all views and steps, and keep the last state"));
  field(o.max_pad, FieldInfo("max-pad", "pixels by which a jitter shifts at most").range(0, 1000));
  field(o.max_zoom, FieldInfo("max-zoom", "factor by which a jitter magnifies at most").range(1, 8));
  auto& g = o.grid_options;
  field(g.spacing, FieldInfo("grid-spacing", "pixels between cells of the grid").range(1, 64));
  field(g.smoothness, FieldInfo("smoothness", "how firmly cells of like colour are held together").range(0, 1e3));
  field(g.widths.space, FieldInfo("grid-width-space", "width of the grid's Gaussian of distance, in cells")
                            .range(0.05, 100)
                            .not_offered());
  field(g.widths.color, FieldInfo("grid-width-color",
                                  "width of the grid's Gaussian of colours, a channel's range being "
                                  "1")
                            .range(0.005, 100)
                            .not_offered());
  field(g.least_link, FieldInfo("grid-least-link",
                                "how firmly cells of the most different colours are held together, as a "
                                "share of those of like colour")
                          .range(0, 1)
                          .not_offered());
  field(g.edge, FieldInfo("grid-edge", "difference of colours at which cells part, a channel's range being 1")
                    .range(1e-6, 100)
                    .not_offered());
  field(o.views_per_step, FieldInfo("views-per-step", "network: views of a step").range(1, 1000));
  field(o.max_frequency, FieldInfo("max-frequency",
                                   "network: the highest of its frequencies, radians for half a side; "
                                   "default the pixels' Nyquist frequency, published e^10")
                             .range(0.2, 1e8));
  field(o.lr_schedule, FieldInfo("lr-schedule", "network: constant, or cosine, down to 0 at the last step")
                           .one_of({"constant", "cosine"}));
  field(o.coarse_steps, FieldInfo("coarse-steps", "network: first steps, on a map of half the size").range(0, 1e6));
  auto& n = o.network;
  field(n.upsampler.frequencies, FieldInfo("frequencies", "network: of its Fourier features").range(1, 256));
  field(n.upsampler.color, FieldInfo("color-features", "network: only places, no colours"));
  field(n.upsampler.dropout_in,
        FieldInfo("dropout-in", "network: share of its features dropped in training").range(0, 0.9));
  field(n.upsampler.dropout_hidden,
        FieldInfo("dropout-hidden", "network: share of its first hidden channels dropped in training").range(0, 0.9));
  field(n.dropout_saliency, FieldInfo("dropout-saliency",
                                      "downsampler: share of features, and of windows, that its "
                                      "attention drops in training")
                                .range(0, 0.9));
  field(n.downsampler, FieldInfo("downsampler", "network: attention or simple").one_of({"attention", "simple"}));
  field(n.kernel, FieldInfo("kernel", "network: side of the downsampler's windows, pixels").range(1, 255));
  field(n.published_grid,
        FieldInfo("published-windows", "network: windows where the published code places them").not_offered());
  field(n.uncertainty, FieldInfo("uncertainty", "all positions count alike"));
  field(n.lr, FieldInfo("lr", "network: learning rate").range(1e-9, 1));
  field(n.magnitude, FieldInfo("magnitude", "network: weight of the loss of lengths").range(0, 1e6));
  field(n.tv, FieldInfo("tv", "network: weight of the lengths' total variation").range(0, 1e6));
  field(n.blur_pin, FieldInfo("blur-pin", "network: weight of the distance from its own blur").range(0, 1e6));
  field(o.seed, FieldInfo("seed", "of everything random").not_offered());
}

}  // namespace fu
