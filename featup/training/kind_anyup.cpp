// AnyUp under training: see featup/attention/anyup.h.
#include "featup/attention/anyup.h"

#include "featup/training/attention_kind.h"

namespace fu {

TrainedKind trained_kind_anyup() {
  TrainedKind kind;
  kind.name = "anyup";
  kind.summary = "AnyUp: attention to nearby cells, for features of any backbone";
  kind.reads = [](const Weights& file) { return AnyUp::reads(file); };
  kind.make = [](Index, const LearnedUpsamplerOptions& o, Random* random) {
    return std::make_unique<LearnedAttention<AnyUp, AnyUpRun>>(std::make_shared<AnyUp>(random), o.upscale);
  };
  return kind;
}

}  // namespace fu
