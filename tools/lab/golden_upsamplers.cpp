// Reference cases of published attention upsamplers: `weights` is a file beside the case, `out_size` the size of the
// result. Images are normalised already.
#include <filesystem>

#include "featup/attention/anyup.h"
#include "featup/attention/jafar.h"
#include "featup/attention/naf.h"
#include "tools/lab/golden_case.h"

namespace fu {

namespace {

/// Compares with all channels, or with the first 16.
void check_channels(Case& c, const Tensor& y) {
  if (c.has("out.features")) return c.check_image("features", y);
  c.check_image("features_first16", slice(y, 3, 0, 16));
}

struct UpsamplerCase {
  Tensor image, features;
  Extent size;
  std::string weights;
  explicit UpsamplerCase(Case& c)
      : image(c.image("image").value),
        features(c.image("features").value),
        size{c.attrs.at("out_size").at(0).get<Index>(), c.attrs.at("out_size").at(1).get<Index>()},
        weights(
            (std::filesystem::path(c.file.path()).parent_path() / c.attrs.at("weights").get<std::string>()).string()) {}
  CellWindows windows(CellWindows (*of)(Index, Index, Index, Index)) const {
    return of(size.height, size.width, features.dim(1), features.dim(2));
  }
};

/// The fused passes, and on small images the layers as they would be trained.
template <class Network, class Run>
void run_attention(Case& c, const CellWindows& windows) {
  const NoRecording constants;
  const UpsamplerCase u(c);
  const auto network = std::make_shared<const Network>(Weights(u.weights));
  const QueriesAndKeys made = Run(network)(u.image, u.features, u.size);
  check_channels(c, cell_attention(made.queries, made.keys, u.features, windows, kAttentionHeads, made.use));
  if (u.image.dim(1) * u.image.dim(2) > 128 * 128) return;
  if constexpr (std::is_same_v<Network, Naf>)
    check_channels(c, (*network)(u.image, u.features, u.size));
  else
    check_channels(c, (*network)(u.image, u.features, u.features, u.size));
}

}  // namespace

GoldenRuns golden_upsamplers() {
  return {
      {"anyup",
       [](Case& c) {
         run_attention<AnyUp, AnyUpRun>(c, UpsamplerCase(c).windows([](Index a, Index b, Index h, Index w) {
           return cells_within(a, b, h, w, kAnyUpWindow);
         }));
       }},
      {"jafar", [](Case& c) { run_attention<Jafar, JafarRun>(c, UpsamplerCase(c).windows(all_cells)); }},
      {"naf",
       [](Case& c) {
         run_attention<Naf, NafRun>(c, UpsamplerCase(c).windows([](Index a, Index b, Index h, Index w) {
           return Naf::windows({a, b}, h, w);
         }));
       }},
  };
}

}  // namespace fu
