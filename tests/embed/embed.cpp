// The C interface beside the library's own: the same bits, from one thread and from many, through callbacks that throw,
// and under a locale that writes numbers in another way; and what it refuses. Ends with 1 at the first check that
// fails. The folder for files is the argument.
#include <featup/featup.h>
#include <featup/featup_c.h>

#include <atomic>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <locale>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

void check(bool ok, const char* what, int line) {
  if (ok) return;
  std::fprintf(stderr, "embed.cpp:%d: %s; the library says: %s\n", line, what, fu_last_error());
  std::exit(1);
}
#define CHECK(x) check((x), #x, __LINE__)

constexpr fu::Index kHeight = 60, kWidth = 100;

fu::Image noise() {
  fu::Image photo{kHeight, kWidth, std::vector<unsigned char>(fu::usize(3 * kHeight * kWidth))};
  for (std::size_t i = 0; i < photo.rgb.size(); ++i) photo.rgb[i] = static_cast<unsigned char>((i * 2654435761u) >> 24);
  return photo;
}

bool equals(const fu_tensor* ours, const fu::Tensor& expected) {
  int64_t shape[3] = {};
  CHECK(fu_tensor_shape(ours, shape) == FU_OK);
  if (shape[0] * shape[1] * shape[2] != expected.size()) return false;
  for (fu::Index i = 0; i < expected.size(); ++i)
    if (fu_tensor_data(ours)[i] != static_cast<float>(expected.data()[i])) return false;
  return true;
}

/// What the C++ interface makes of the photo.
fu::Tensor expected_of(const fu::Image& photo, fu::Index short_side) {
  const auto backbone = fu::open_backbone("builtin");
  const auto upsampler = fu::open_upsampler("builtin");
  const fu::Extent size = fu::input_extent(photo, {short_side}, backbone->patch());
  const auto views = std::make_shared<const fu::PhotoViews>(photo, false);
  const fu::Tensor coarse = backbone->features(fu::normalize(views->at(size.height, size.width)));
  return (*upsampler)(coarse, fu::guide_of(views, size), fu::default_output(coarse.dim(1), coarse.dim(2), size));
}

struct Handles {
  fu_backbone* backbone = nullptr;
  fu_upsampler* upsampler = nullptr;
  fu_image image;
  explicit Handles(const fu::Image& photo) : image{photo.rgb.data(), photo.width, photo.height, FU_RGB8, 0, 0, 0} {
    CHECK(fu_backbone_open("builtin", nullptr, &backbone) == FU_OK);
    CHECK(fu_upsampler_open("builtin", nullptr, &upsampler) == FU_OK);
  }
  ~Handles() {
    fu_upsampler_free(upsampler);
    fu_backbone_free(backbone);
  }
  fu_scene scene(int64_t short_side) const { return {&image, backbone, {short_side, 0, 0, 0}, nullptr}; }
};

void test_bits(const Handles& handles, const fu::Tensor& expected) {
  const fu_scene scene = handles.scene(64);
  fu_tensor* ours = nullptr;
  CHECK(fu_upsample(handles.upsampler, &scene, nullptr, &ours) == FU_OK);
  CHECK(equals(ours, expected));
  fu_tensor_free(ours);
}

/// One model in many threads, each with errors of its own.
void test_threads(const Handles& handles, const fu::Tensor& expected) {
  std::atomic<int> equal{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&, t] {
      const std::string name = "no file number " + std::to_string(t);
      for (int i = 0; i < 3; ++i) {
        fu_backbone* none = nullptr;
        CHECK(fu_backbone_open(name.c_str(), nullptr, &none) == FU_ERROR_FILE);
        fu_tensor* ours = nullptr;
        const fu_scene scene = handles.scene(64);
        CHECK(fu_upsample(handles.upsampler, &scene, nullptr, &ours) == FU_OK);
        CHECK(std::strstr(fu_last_error(), name.c_str()) != nullptr);
        equal += equals(ours, expected);
        fu_tensor_free(ours);
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(equal == 12);
}

/// A C++ exception out of a callback does not pass through C.
void test_throwing_callback(const Handles& handles) {
  fu_upsample_options options{};
  options.progress.call = [](double, const char*, void*) -> int { throw std::runtime_error("from a callback"); };
  const fu_scene scene = handles.scene(64);
  fu_tensor* ours = nullptr;
  CHECK(fu_upsample(handles.upsampler, &scene, &options, &ours) == FU_ERROR_INTERNAL);
  CHECK(std::strcmp(fu_last_error(), "from a callback") == 0);
}

/// A backbone may be freed before what looks through it.
void test_lifetime(const Handles& handles) {
  fu_backbone* backbone = nullptr;
  CHECK(fu_backbone_open("builtin", nullptr, &backbone) == FU_OK);
  fu_upsampler_options through{};
  through.backbone = backbone;
  fu_upsampler* views = nullptr;
  CHECK(fu_upsampler_open("views:2", &through, &views) == FU_OK);
  fu_backbone_free(backbone);
  fu_tensor* result = nullptr;
  const fu_scene scene = handles.scene(64);
  CHECK(fu_upsample(views, &scene, nullptr, &result) == FU_OK);
  fu_tensor_free(result);
  fu_upsampler_free(views);
}

/// 1.234,5 as in German.
struct German : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// A fit is saved and loaded while the application writes numbers with a comma.
void test_locale(const Handles& handles, const std::string& folder) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new German));
  if (!std::setlocale(LC_ALL, "de_DE.UTF-8")) std::puts("the C library has no German locale here: only C++'s is tried");
  const std::string path = folder + "/german.fit.safetensors";
  const fu_scene scene = handles.scene(64);
  fu_fit *fit = nullptr, *read = nullptr;
  CHECK(fu_fit_make(&scene, "views=4 held-out=1 smoothness=0.05", nullptr, &fit) == FU_OK);
  CHECK(fu_fit_save(fit, path.c_str()) == FU_OK && fu_fit_load(path.c_str(), &read) == FU_OK);
  CHECK(fu_fit_explained(fit) == fu_fit_explained(read));
  fu_tensor *one = nullptr, *other = nullptr;
  CHECK(fu_fit_query(fit, nullptr, &one) == FU_OK && fu_fit_query(read, nullptr, &other) == FU_OK);
  int64_t shape[3] = {};
  CHECK(fu_tensor_shape(one, shape) == FU_OK);
  const auto bytes = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]) * sizeof(float);
  CHECK(std::memcmp(fu_tensor_data(one), fu_tensor_data(other), bytes) == 0);
  fu_backbone* backbone = nullptr;
  CHECK(fu_backbone_open("builtin", "eps=1e-5 mean=0.5,0.5,0.5 std=0.5,0.5,0.5", &backbone) == FU_OK ||
        std::strstr(fu_last_error(), "mean") != nullptr);
  fu_backbone_free(backbone);
  fu_tensor_free(one);
  fu_tensor_free(other);
  fu_fit_free(fit);
  fu_fit_free(read);
  std::setlocale(LC_ALL, "C");
  std::locale::global(before);
}

/// Numbers at which sums and products overflow are refused, wherever they stand.
void test_edges(const Handles& h) {
  const fu_scene usual = h.scene(64);
  fu_fit* fit = nullptr;
  CHECK(fu_fit_make(&usual, "views=2 held-out=1", nullptr, &fit) == FU_OK);
  fu_tensor* features = nullptr;
  const auto refuses = [&](const fu_scene& scene, const fu_upsample_options* options) {
    CHECK(fu_upsample(h.upsampler, &scene, options, &features) == FU_ERROR_USAGE && features == nullptr);
  };
  for (const int64_t n :
       {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(), int64_t{1} << 40, int64_t{-1}}) {
    const fu_input_size sizes[] = {{n, 0, 0, 0}, {0, n, n, 0}, {0, 64, n, 0}, {0, n, 64, 0}};
    for (const fu_input_size& size : sizes) refuses({&h.image, h.backbone, size, nullptr}, nullptr);
    for (const int64_t height : {n, int64_t{64}}) {
      const fu_upsample_options options = {height, n, nullptr, {nullptr, nullptr}};
      refuses(usual, &options);
    }
    const fu_query parts[] = {{n, n, 0, 0, 0, 0, nullptr, nullptr}, {0, 0, n, 0, 0, 0, nullptr, nullptr},
                              {0, 0, 0, n, 0, 0, nullptr, nullptr}, {0, 0, 0, 0, n, 0, nullptr, nullptr},
                              {0, 0, 0, 0, 0, n, nullptr, nullptr}, {0, 0, n, n, n, n, nullptr, nullptr}};
    for (const fu_query& part : parts)
      CHECK(fu_fit_query(fit, &part, &features) == FU_ERROR_USAGE && features == nullptr);
    if (n == -1) continue;  // as a stride it is an odd one, but one
    for (int k = 0; k < 3; ++k) {
      fu_image far = h.image;
      (k == 0 ? far.row_stride : k == 1 ? far.column_stride : far.channel_stride) = n;
      refuses({&far, h.backbone, {64, 0, 0, 0}, nullptr}, nullptr);
      fu_output out = {nullptr, 0, 0, 0, 0, 0, 0};
      CHECK(fu_upsample_into(h.upsampler, &usual, nullptr, &out) == FU_OK);
      float place = 0;
      out.data = &place;
      (k == 0 ? out.row_stride : k == 1 ? out.column_stride : out.channel_stride) = n;
      CHECK(fu_upsample_into(h.upsampler, &usual, nullptr, &out) == FU_ERROR_USAGE);
    }
  }
  fu_fit_free(fit);
}

}  // namespace

int main(int argc, char** argv) {
  const fu::Image photo = noise();
  const fu::Tensor expected = expected_of(photo, 64);
  {
    const Handles handles(photo);
    test_bits(handles, expected);
    test_edges(handles);
    test_threads(handles, expected);
    test_throwing_callback(handles);
    test_lifetime(handles);
    test_locale(handles, argc > 1 ? argv[1] : ".");
  }
  std::printf("featup %s from C and C++: all checks passed\n", fu_version());
  return 0;
}
