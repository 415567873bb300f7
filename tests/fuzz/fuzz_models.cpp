// Files that become something which computes. What is accepted is also used, on a small photo.
#include "core/ops.h"
#include "featup/backbones/backbone.h"
#include "featup/backbones/model_config.h"
#include "featup/backbones/registry.h"
#include "featup/classes/words.h"
#include "featup/fit/fitted_map.h"
#include "featup/probes/probe.h"
#include "featup/text/tokenizer.h"
#include "featup/upsamplers/registry.h"
#include "tests/fuzz/fuzz.h"

namespace fu::fuzz {

namespace {

constexpr Index kSide = 32, kCells = 4;

Tensor grey(Index height, Index width) { return Tensor::full({1, height, width, 3}, real(0.25)); }

}  // namespace

void fuzz_fitted_map(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const FittedMap fit = FittedMap::load(Weights(as_file(data, size)));
    if (fit.photo.height * fit.photo.width > 1 << 16 || fit.channels() > 256) return;
    FittedRenderer renderer(fit, fit.photo);
    const Index rows = std::min<Index>(fit.photo.height, 4), cols = std::min<Index>(fit.photo.width, 4);
    std::vector<real> out(usize(rows * cols * renderer.channels()));
    renderer.render(fit.photo.height - rows, fit.photo.width - cols, rows, cols, out.data());
  });
}

void fuzz_upsampler(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const std::unique_ptr<Upsampler> upsampler = open_upsampler(Weights(as_file(data, size)));
    const Tensor features = Tensor::full({1, kCells, kCells, 8}, real(0.5));
    (*upsampler)(features, [](Index h, Index w) { return grey(h ? h : kSide, w ? w : kSide); }, {kSide, kSide});
  });
}

void fuzz_backbone(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const Weights weights(as_file(data, size));
    if (!describe_backbone(weights)) return;
    const std::unique_ptr<Backbone> backbone = open_backbone(weights);
    const Index side = 2 * backbone->patch();
    if (side <= 64) backbone->features(grey(side, side));
  });
}

void fuzz_probe(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const Probe probe = read_probe(Weights(as_file(data, size)));
    apply_probe(probe, Tensor::full({1, kCells, kCells, probe.channels}, real(0.5)));
  });
}

void fuzz_words(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] { classes_of(read_words(Weights(as_file(data, size)), 8)); });
}

void fuzz_model_config(const unsigned char* data, std::size_t size) {
  static const FolderInMemory folder;
  folder.write("config.json", data, size);
  refuse_or_succeed([&] { read_model_config(folder.path()); });
}

/// The first byte says which file of a tokenizer the rest is: tokenizer.json, or the merges of CLIP. A text of all
/// kinds of letters is taken apart by what is accepted.
void fuzz_tokenizer(const unsigned char* data, std::size_t size) {
  if (size < 2) return;
  static const FolderInMemory folder;
  const std::string name = data[0] % 2 ? "tokenizer.json" : "merges.txt";
  folder.write(name, data + 1, size - 1);
  refuse_or_succeed([&] {
    const std::unique_ptr<Tokenizer> tokenizer = open_tokenizer(folder.path() + "/" + name);
    tokenizer->ids("A cat's 3 \xc3\xa4 \xe2\x82\xac  \xff<|endoftext|>", 16);
  });
}

}  // namespace fu::fuzz
