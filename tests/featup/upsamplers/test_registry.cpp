// The list of upsamplers: what is opened by which name, what each asks of the guide, and what is refused.
#include <map>
#include <set>

#include "core/ops.h"
#include "core/ops/resample.h"
#include "featup/upsamplers/registry.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

Tensor cell_means(const Tensor& image) { return adaptive_avg_pool(image, image.dim(1) / 16, image.dim(2) / 16); }

UpsamplerOptions with_backbone() {
  UpsamplerOptions options;
  options.backbone = cell_means;
  return options;
}

/// A photo that counts how often it is asked for at each size.
struct CountingGuide {
  Tensor photo;
  std::map<std::pair<Index, Index>, int> asked;
  Guide guide() {
    return [this](Index h, Index w) {
      ++asked[{h > 0 ? h : photo.dim(1), h > 0 ? w : photo.dim(2)}];
      return h > 0 ? resize_bilinear(photo, h, w) : photo;
    };
  }
};

}  // namespace

TEST_CASE("upsamplers: every method opens by its name and asks for the photo once at each size") {
  Random random(3);
  std::set<std::string> names;
  for (const UpsamplerMethod& method : upsampler_methods()) {
    if (method.name.empty()) continue;
    CAPTURE(method.name);
    CHECK(names.insert(method.name).second);
    CHECK(method.usage.rfind(method.name, 0) == 0);
    CHECK(!method.summary.empty());
    for (const std::string& name : {method.name, method.in_tables}) {
      if (name.empty()) continue;
      const auto upsampler = open_upsampler(name, with_backbone());
      CHECK(upsampler->cost() == method.cost);
      CHECK(!upsampler->describe().empty());
    }
    CountingGuide counting{random.uniform({1, 64, 80, 3}, -1, 1), {}};
    const auto upsampler = open_upsampler(method.name, with_backbone());
    const Tensor y = (*upsampler)(cell_means(counting.photo), counting.guide(), {64, 80});
    CHECK(y.shape() == Shape{1, 64, 80, 3});
    for (const auto& asked : counting.asked) {
      CAPTURE(asked.first.first);
      CHECK(asked.second == 1);
    }
  }
  CHECK(upsampler_methods().front().in_tables == "bilinear");  // what tables measure the others against
}

TEST_CASE("upsamplers: names, older names, presets and their texts") {
  CHECK(current_upsampler_name("implicit") == "fit");
  CHECK(current_upsampler_name("implicit:0.1") == "fit:0.1");
  CHECK(current_upsampler_name("implicit.ckpt") == "implicit.ckpt");
  CHECK(current_upsampler_name("bilinear") == "bilinear");
  CHECK(open_upsampler("implicit:0.5", with_backbone())->describe() ==
        open_upsampler("fit:0.5", with_backbone())->describe());
  CHECK(upsampler_of_quality("fast") == "builtin");
  CHECK(upsampler_of_quality("better") == "fit:0.3@10");
  CHECK(upsampler_of_quality("best") == "fit:0.3@100");
  CHECK(message_of([] { upsampler_of_quality("good"); }) == "quality 'good': choices are fast, better, best.");
  CHECK(quality_choices() ==
        "fast (builtin, one pass), better (fit:0.3@10, a fit to ten looks), or best (fit:0.3@100, a fit to a hundred)");
  for (const UpsamplerMethod& method : upsampler_methods()) CHECK(contains(upsampler_choices(), method.usage));
}

TEST_CASE("upsamplers: what cannot be opened is refused") {
  const auto refusal = [](const std::string& name) {
    return message_of([&] { open_upsampler(name, with_backbone()); });
  };
  CHECK(refusal("trilinear") ==
        "'trilinear' is no upsampler and no file of one's weights: choices are bilinear, nearest, bicubic, "
        "jbu-classic, builtin, views, fit, or a file.");
  CHECK(contains(refusal("bilinear:2"), "is no upsampler"));
  for (const char* name : {"fit:x", "fit:0", "fit:", "fit@", "fit@0", "fit:0.1@", "fit@1x", "fit@10000000", "fit+2"}) {
    CAPTURE(name);
    CHECK(contains(refusal(name), "write fit or fit:S, S above 0"));
  }
  CHECK(contains(refusal("views:0"), "write views, views:N or views:N+STACK"));
  CHECK(contains(refusal("views:2+"), "write views, views:N or views:N+STACK"));
  CHECK(contains(refusal("no/such.ckpt"), "no/such.ckpt"));
  const TempFolder folder;
  write_npy(folder / "square.npy", Tensor::zeros({4, 4}));
  CHECK(contains(refusal(folder / "square.npy"), "holds no upsampler's weights. Give bilinear, nearest"));
  for (const char* name : {"views", "fit"}) {
    const std::string message = message_of([&] { open_upsampler(name); });
    CHECK(contains(message, std::string("upsampler ") + name));
    CHECK(contains(message, "needs a backbone; features from a file are one look"));
  }
}

TEST_CASE("upsamplers: a program's own method is opened, named and taken off again") {
  struct Half : Upsampler {
    std::string describe() const override { return "half"; }
    Cost cost() const override { return Cost::one_pass; }
    Tensor operator()(const Tensor& x, const Guide&, Extent size, const ChannelMap*, const Progress&) const override {
      return unary(Unary::affine, resize_nearest(x, size.height, size.width), real(0.5));
    }
  };
  const std::size_t before = upsampler_methods().size();
  UpsamplerMethod method;
  method.name = "half";
  method.usage = "half[:N]";
  std::string argument;
  method.open = [&](const std::string& text, const UpsamplerOptions&) {
    argument = text;
    return std::make_unique<Half>();
  };
  register_upsampler(method);
  CHECK(upsampler_methods().size() == before + 1);
  CHECK(upsampler_methods().front().name == "bilinear");
  const Tensor y = (*open_upsampler("half:3"))(Tensor::full({1, 2, 2, 1}, 4), {}, {8, 8});
  CHECK(argument == ":3");
  CHECK(y.shape() == Shape{1, 8, 8, 1});
  CHECK(y.data()[63] == 2);
  CHECK(contains(upsampler_choices(), ", or half[:N]"));

  const auto refusal = [&](const std::string& name) {
    UpsamplerMethod other = method;
    other.name = other.usage = name;
    return message_of([&] { register_upsampler(other); });
  };
  CHECK(refusal("half") == "[register_upsampler] 'half': is an upsampler already. Choose another name.");
  CHECK(contains(refusal("bilinear"), "is an upsampler already"));
  CHECK(contains(refusal("implicit"), "is an upsampler already"));
  CHECK(contains(refusal("a:b"), "a name has none of :+@/. in it"));
  CHECK(contains(refusal(""), "needs a name and open, or reads and open_file"));
  UpsamplerMethod other = method;
  other.name = "quarter";
  CHECK(contains(message_of([&] { register_upsampler(other); }), "its usage must begin with its name"));
  other.open = nullptr;
  CHECK(contains(message_of([&] { register_upsampler(other); }), "needs a name and open"));
  CHECK(upsampler_methods().size() == before + 1);

  unregister_upsampler("half");
  CHECK(upsampler_methods().size() == before);
  CHECK(contains(message_of([] { open_upsampler("half"); }), "is no upsampler"));
  for (const char* name : {"half", "bilinear", ""})
    CHECK(contains(message_of([&] { unregister_upsampler(name); }), "no upsampler of that name was registered"));
}
