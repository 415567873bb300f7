// Readers of named tensors: every tensor of every file is read, as far as it stays small.
#include "core/files/weights.h"

#include "core/files/readers.h"
#include "tests/fuzz/fuzz.h"
#include "tools/media/feature_io.h"

namespace fu::fuzz {

namespace {

void read_all(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const Weights weights(as_file(data, size));
    for (const auto& entry : weights.entries()) {
      refuse_or_succeed([&] {
        if (weights.shape(entry.first).elements() <= 1 << 20) weights.read(entry.first);
      });
    }
  });
}

}  // namespace

void fuzz_npy(const unsigned char* data, std::size_t size) { read_all(data, size); }
void fuzz_npz(const unsigned char* data, std::size_t size) { read_all(data, size); }
void fuzz_safetensors(const unsigned char* data, std::size_t size) { read_all(data, size); }
void fuzz_torch_zip(const unsigned char* data, std::size_t size) { read_all(data, size); }
void fuzz_torch_legacy(const unsigned char* data, std::size_t size) { read_all(data, size); }

void fuzz_shard_index(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  refuse_or_succeed([&] {
    const MappedFile file("model.safetensors.index.json", data, size);
    if (is_json(file)) read_shard_index(file);
  });
}

/// The first two bytes are the photo's sides, so that readings which the photo decides are met too.
void fuzz_features(const unsigned char* data, std::size_t size) {
  if (size < 3) return;
  const FileInMemory file(data + 2, size - 2);
  const Extent image{Index{16} * (data[0] % 8), Index{16} * (data[1] % 8)};
  refuse_or_succeed([&] { read_features(file.path(), Layout(data[0] / 8 % 4), image); });
}

}  // namespace fu::fuzz
