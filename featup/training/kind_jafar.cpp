// JAFAR under training: see featup/attention/jafar.h.
#include "featup/attention/jafar.h"

#include "featup/training/attention_kind.h"

namespace fu {

TrainedKind trained_kind_jafar() {
  TrainedKind kind;
  kind.name = "jafar";
  kind.summary = "JAFAR: attention to all cells, for features of this backbone";
  kind.reads = [](const Weights& file) { return Jafar::reads(file); };
  kind.make = [](Index channels, const LearnedUpsamplerOptions& o, Random* random) {
    return std::make_unique<LearnedAttention<Jafar, JafarRun>>(std::make_shared<Jafar>(channels, random), o.upscale);
  };
  return kind;
}

}  // namespace fu
