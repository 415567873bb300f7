// Attention upsamplers opened from files: what they are told by, maps over channels, sizes, and what is refused.
#include <filesystem>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "core/pool.h"
#include "featup/attention/anyup.h"
#include "featup/attention/jafar.h"
#include "featup/attention/naf.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

using Tensors = std::map<std::string, Tensor>;

Tensors tensors_of(Module& network) {
  Tensors tensors;
  network.save(tensors);
  return tensors;
}

/// Files as the authors publish them, of random weights.
struct Files {
  TempFolder folder;
  Tensors anyup, jafar, naf;
  Files() {
    Random random(21);
    AnyUp a(&random);
    Jafar j(24, &random);
    Naf n(&random);
    anyup = tensors_of(a), jafar = tensors_of(j), naf = tensors_of(n);
    const std::string attention = "cross_decode.cross_attn.attention.";
    for (Tensors* t : {&anyup, &jafar}) {
      (*t)[attention + "out_proj.weight"] = random.normal({128, 128});
      (*t)[attention + "out_proj.bias"] = random.normal({128});
    }
    jafar["cross_decode.cross_attn.norm_v.weight"] = random.normal({24});
    jafar[attention + "v_proj_weight"] = random.normal({128, 24});
  }
  std::string write(const std::string& name, const Tensors& tensors) const {
    write_safetensors(folder / name, tensors);
    return folder / name;
  }
  std::string refusal(Tensors tensors, const std::string& name, const Tensor& other) const {
    if (other.size())
      tensors[name] = other;
    else
      tensors.erase(name);
    const std::string path = write("broken.safetensors", tensors);
    const std::string text = message_of([&] { open_upsampler(path); });
    CHECK(contains(text, path));
    return text;
  }
};

struct Photo {
  Tensor pixels;
  mutable std::vector<Extent> asked = {};
  Guide guide() const {
    return [this](Index h, Index w) {
      asked.push_back({h, w});
      return resize_bilinear(pixels, h, w);
    };
  }
};

}  // namespace

TEST_CASE("attention upsamplers: files open by their tensors, any size, a map over channels costs its own") {
  const Files files;
  Random random(22);
  const Photo photo{random.normal({1, 50, 70, 3})};
  const Tensor features = random.normal({1, 5, 7, 24}), odd = random.normal({1, 5, 7, 23});
  ChannelMap map{random.normal({24, 3}), random.normal({3})}, odd_map{random.normal({23, 8}), random.normal({8})};
  const Extent size{33, 41};
  write_torch(files.folder / "jafar.pth", "jafar", files.jafar);
  for (const auto& [path, name] :
       {std::pair{files.write("anyup.safetensors", files.anyup), "AnyUp"},
        std::pair{files.write("jafar.safetensors", files.jafar), "JAFAR"},
        std::pair{files.folder / "jafar.pth", "JAFAR"}, std::pair{files.write("naf.safetensors", files.naf), "NAF"}}) {
    const std::string method = name;
    CAPTURE(method);
    const auto upsampler = open_upsampler(path);
    CHECK(upsampler->describe().rfind(method + " from ", 0) == 0);
    CHECK(upsampler->cost() == Cost::one_pass);
    photo.asked.clear();
    const Tensor y = (*upsampler)(features, photo.guide(), size);
    CHECK(y.shape() == Shape{1, 33, 41, 24});
    REQUIRE(photo.asked.size() == 1);
    CHECK(photo.asked[0].height == 33);
    CHECK(photo.asked[0].width == 41);
    const Tensor expected = linear(y, map.matrix.permute({1, 0}), map.offset);
    for (const bool first : {false, true}) {
      map.offset_first = first;
      CHECK(relative_error((*upsampler)(features, photo.guide(), size, &map), expected) <= 1e-5);
    }
    CHECK(upsampler->note(24).empty());
    if (method == "JAFAR") {
      CHECK(contains(message_of([&] { (*upsampler)(odd, photo.guide(), size); }),
                     "[jafar] features of 23 channels: these weights were learned for a backbone of 24"));
      continue;
    }
    CHECK(upsampler->note(23).empty() == (method == "AnyUp"));
    const Tensor all = (*upsampler)(odd, photo.guide(), size);
    CHECK(relative_error((*upsampler)(odd, photo.guide(), size, &odd_map),
                         linear(all, odd_map.matrix.permute({1, 0}), odd_map.offset)) <= 1e-5);
    const WithThreads one(1);
    CHECK(same_bits((*upsampler)(odd, photo.guide(), size), all));
  }
}

TEST_CASE("attention upsamplers: every tensor of a file is accounted for") {
  const Files files;
  CHECK(contains(files.refusal(files.anyup, "query_encoder.3.weight", Tensor::zeros({2})), "query_encoder.3.weight"));
  CHECK(contains(files.refusal(files.anyup, "aggregation.0.weight", Tensor::zeros({128, 256, 1, 1})),
                 "tensor 'aggregation.0.weight' has shape (128,256,1,1), expected (128,256,3,3)"));
  CHECK(contains(files.refusal(files.anyup, "aggregation.0.weight", Tensor()), "no tensor 'aggregation.0.weight'"));
  CHECK(contains(files.refusal(files.jafar, "key_features_encoder.0.weight", Tensor::zeros({128})),
                 "'key_features_encoder.0.weight' has shape (128), expected (128,C,1,1)"));
  CHECK(contains(files.refusal(files.jafar, "sft_key.beta.weight", Tensor::zeros({64, 128, 1, 1})),
                 "'sft_key.beta.weight' has shape (64,128,1,1), expected (128,128,1,1)"));
  CHECK(contains(files.refusal(files.naf, "image_encoder.rope.periods", Tensor::zeros({16})),
                 "'image_encoder.rope.periods' has 0 at 0: periods must be positive"));
  CHECK(contains(files.refusal(files.naf, "image_encoder.encoder.1.conv1.bias", Tensor()),
                 "no tensor 'image_encoder.encoder.1.conv1.bias'"));
  Tensor infinite = Tensor::zeros({2, 128});
  infinite.data()[7] = INFINITY;
  CHECK(contains(files.refusal(files.anyup, "rope.freqs", infinite), "'rope.freqs' holds a number that is infinite"));
}

TEST_CASE("attention upsamplers: maps and photos that are too small") {
  const Files files;
  Random random(23);
  const Photo photo{random.normal({1, 8, 8, 3})};
  const auto run = [&](const std::string& path, const Shape& features, Extent size) {
    return message_of([&] { (*open_upsampler(path))(random.normal(features), photo.guide(), size); });
  };
  const std::string anyup = files.write("anyup.safetensors", files.anyup),
                    naf = files.write("naf.safetensors", files.naf);
  CHECK(contains(run(anyup, {1, 1, 4, 24}, {8, 8}), "[anyup] features (1,1,4,24): must have at least 2x2 cells"));
  CHECK(contains(run(naf, {1, 2, 2, 24}, {1, 8}), "[conv3x3] image (1,1,8,3)"));
  CHECK(run(naf, {1, 1, 1, 24}, {8, 8}).empty());
  CHECK(run(anyup, {1, 2, 2, 1}, {1, 1}).empty());
}

TEST_CASE("attention upsamplers: memory is that of two maps of the photo and of the result") {
  const Files files;
  Random random(24);
  const auto upsampler = open_upsampler(files.write("anyup.safetensors", files.anyup));
  const Tensor features = random.normal({1, 20, 21, 5}), photo = random.normal({1, 320, 330, 3});
  trim_pool();
  reset_pool_peak();
  const std::size_t before = pool_stats().live;
  const Tensor y = (*upsampler)(features, [&](Index, Index) { return photo; }, {320, 330});
  const std::size_t map = 320 * 330 * 128 * sizeof(real), result = static_cast<std::size_t>(y.size()) * sizeof(real);
  CHECK(pool_stats().peak_live - before <= 2 * map + result + (std::size_t{20} << 20));
}
