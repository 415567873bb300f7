// How a probe is trained: one list of fields for the command line, the probe's file and the check of resumed trainings.
#pragma once

#include "featup/fields.h"
#include "featup/probes/probe.h"

namespace fu {

struct ProbeOptions {
  Probe::Kind kind = Probe::Kind::classes;
  Index outputs = 11;   // classes: pixels with labels from here up are left out; numbers: how many a pixel has
  Index pixels = 1500;  // drawn from each photo
  Index batch = 1024, epochs = 6;
  double lr = 1e-3, weight_decay = 0;  // of Adam; with decay, of AdamW
  Index hidden = 0;                    // units of a hidden layer; 0: none
  std::uint64_t seed = 0;
};

template <class Options, class Visitor, FieldsOf<ProbeOptions, Options> = 0>
void visit_fields(Options& o, Visitor&& field) {
  field(o.outputs, FieldInfo("outputs", "classes, or numbers of a pixel").range(1, 4096).not_offered());
  field(o.hidden,
        FieldInfo("hidden", "units of a hidden layer with ReLU; 0: none, the probe is linear").range(0, 8192));
  field(o.pixels, FieldInfo("pixels", "drawn from each photo, with repetition").range(1, 10000000));
  field(o.epochs, FieldInfo("epochs", "passes over all drawn pixels, at most").range(1, 100000));
  field(o.batch, FieldInfo("batch", "pixels a step").range(1, 1000000));
  field(o.lr, FieldInfo("lr", "learning rate of Adam").range(1e-9, 10));
  field(o.weight_decay,
        FieldInfo("weight-decay", "shrinks weights at each step by this times the learning rate; 0: none")
            .range(0, 1000));
  field(o.seed, FieldInfo("seed", "of everything random").not_offered());
}

}  // namespace fu
