// NAF under training: see featup/attention/naf.h.
#include "featup/attention/naf.h"

#include "featup/training/attention_kind.h"

namespace fu {

namespace {

/// Each head weighs a quarter of the channels, so a form is cut into its parts for them, whose results are added up:
/// (heads,h,w,K of all). Where the channels cannot be divided, all share the mean of the heads' weights.
Var values_of_heads(const std::vector<LinearForms>& forms) {
  const Index channels = forms.front().x.dim(3), group = channels / kAttentionHeads;
  if (Naf::use(channels) == HeadUse::mean) return shared_values(forms);
  std::vector<Var> heads;
  for (Index i = 0; i < kAttentionHeads; ++i) {
    std::vector<LinearForms> parts;
    for (const LinearForms& f : forms)
      parts.push_back(
          {slice(f.x, 3, i * group, (i + 1) * group), slice(f.rows, 1, i * group, (i + 1) * group), f.squared});
    heads.push_back(shared_values(parts));
  }
  return concat(heads, 0);
}

}  // namespace

TrainedKind trained_kind_naf() {
  TrainedKind kind;
  kind.name = "naf";
  kind.summary = "NAF: attention to 9x9 cells from the photo alone, for features of any backbone";
  kind.reads = [](const Weights& file) { return Naf::reads(file); };
  kind.make = [](Index, const LearnedUpsamplerOptions& o, Random* random) {
    return std::make_unique<LearnedAttention<Naf, NafRun, values_of_heads>>(std::make_shared<Naf>(random), o.upscale);
  };
  return kind;
}

}  // namespace fu
