// The C interface as a careless caller uses it: pictures of any size, stride and format in a buffer that is as large as
// they claim, features, projections and points of all kinds, bytes as models.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/base.h"
#include "featup/api/featup_c.h"
#include "tests/fuzz/fuzz.h"

namespace fu::fuzz {

namespace {

/// A number at which sums and products overflow.
std::int64_t edge(unsigned kind) {
  const std::int64_t edges[] = {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
                                std::int64_t{1} << 40};
  return edges[kind % 3];
}

/// Takes numbers off the input; zeros after its end.
class Numbers {
 public:
  Numbers(const unsigned char* data, std::size_t size) : data_(data), size_(size) {}
  unsigned byte() { return at_ < size_ ? data_[at_++] : 0; }
  /// A size: mostly small, sometimes negative or beyond everything. Nothing between: what is slow finds little.
  std::int64_t number() {
    const unsigned b = byte();
    return b < 240 ? b % 48 : b < 252 ? 16 * std::int64_t{b - 240} : b == 252 ? -1 : edge(b);
  }
  /// A size below `most`, where larger ones would be slow; sometimes negative or beyond everything.
  std::int64_t below(unsigned most) {
    const unsigned b = byte();
    return b < 252 ? b % most : b == 252 ? -1 : edge(b);
  }
  double real_number() {
    const unsigned b = byte();
    return b < 250    ? b * 0.25 - 4
           : b == 250 ? NAN
           : b == 251 ? INFINITY
           : b == 252 ? -INFINITY
           : b == 253 ? 1e300
                      : -0.0;
  }
  const unsigned char* rest(std::size_t& n) const {
    n = size_ - at_;
    return data_ + at_;
  }

 private:
  const unsigned char* data_;
  std::size_t size_, at_ = 0;
};

void check(fu_status status) {
  if (status == FU_OK) return;
  const char* text = fu_last_error();
  if (status == FU_ERROR_INTERNAL || !*text || std::strchr(text, '\n')) {
    std::fprintf(stderr, "status %d: %s\n", static_cast<int>(status), text);
    std::abort();
  }
}

struct Models {
  fu_backbone* backbone = nullptr;
  fu_upsampler* methods[3] = {};
  fu_fit* fit = nullptr;
  Models() {
    check(fu_backbone_open("builtin", nullptr, &backbone));
    const char* const names[] = {"builtin", "bilinear", "jbu-classic"};
    for (int i = 0; i < 3; ++i) check(fu_upsampler_open(names[i], nullptr, &methods[i]));
    const std::vector<unsigned char> grey(usize(48 * 48), 99);
    const fu_image image = {grey.data(), 48, 48, FU_GREY8, 0, 0, 0};
    const fu_scene scene = {&image, backbone, {48, 0, 0, 0}, nullptr};
    check(fu_fit_make(&scene, "views=2 held-out=1", nullptr, &fit));
  }
};

/// A picture whose strides may be anything that stays inside of the buffer.
struct Picture {
  std::vector<unsigned char> bytes;
  fu_image image{};

  explicit Picture(Numbers& numbers) {
    image.width = numbers.number();
    image.height = numbers.number();
    image.format = static_cast<int>(numbers.byte() % 12) - 1;
    const bool sane = image.width >= 0 && image.height >= 0 && image.width <= 1024 && image.height <= 1024;
    const std::int64_t row = sane ? image.width * 16 + 4 : 4;
    bytes.assign(sane ? usize(row * image.height + 16) : 16, static_cast<unsigned char>(numbers.byte()));
    for (std::size_t i = 0; i < bytes.size(); i += 3) bytes[i] = static_cast<unsigned char>(i * 7);
    image.data = bytes.data();
    const unsigned kind = numbers.byte() % 4;
    if (kind == 1) image.row_stride = row;
    if (kind == 2 && sane && image.height > 0) {
      image.row_stride = -row;
      image.data = bytes.data() + row * (image.height - 1);
    }
    if (kind == 3) image.data = nullptr;
    // Strides beyond all memory are refused before a byte is read.
    if (numbers.byte() % 16 == 1) image.column_stride = edge(numbers.byte());
    if (numbers.byte() % 16 == 1) image.channel_stride = edge(numbers.byte());
  }
};

void upsample(Numbers& numbers, const Models& models) {
  const Picture picture(numbers);
  fu_scene scene{};
  scene.image = &picture.image;
  std::vector<float> own;
  fu_features features{};
  if (numbers.byte() % 2) {
    // Without a size, the result has 16 times the sides of the features.
    features = {nullptr, numbers.below(12), numbers.below(12), numbers.number(), 0, 0, 0};
    const bool sane = features.height >= 0 && features.width >= 0 && features.channels >= 0 && features.height < 4096 &&
                      features.width < 4096 && features.channels < 4096;
    own.assign(sane ? usize(features.height * features.width * features.channels) : 0,
               static_cast<float>(numbers.real_number()));
    features.data = own.empty() ? nullptr : own.data();
    scene.features = &features;
  } else {
    scene.backbone = models.backbone;
  }
  // The long side of a narrow picture becomes ten times as long.
  scene.input = {numbers.below(48), 0, 0, static_cast<int>(numbers.byte() % 2)};
  if (numbers.byte() % 4 == 0) scene.input = {0, numbers.number(), numbers.number(), 0};
  fu_upsample_options options{};
  options.height = numbers.number();
  options.width = numbers.number();
  fu_projection projection{};
  std::vector<float> matrix;
  if (numbers.byte() % 2) {
    projection.channels = numbers.byte() % 2 ? 192 : features.channels;
    projection.outputs = numbers.byte() % 4;
    const bool sane = projection.channels >= 0 && projection.channels < 4096;
    matrix.assign(sane ? usize(projection.channels * projection.outputs) : 0,
                  static_cast<float>(numbers.real_number()));
    projection.matrix = matrix.empty() ? nullptr : matrix.data();
    options.projection = &projection;
  }
  fu_tensor* result = nullptr;
  check(fu_upsample(models.methods[numbers.byte() % 3], &scene, &options, &result));
  fu_tensor_free(result);
  const double points[4] = {numbers.real_number(), numbers.real_number(), numbers.real_number(), numbers.real_number()};
  std::vector<float> values(2 * 4096);
  check(fu_upsample_points(models.methods[numbers.byte() % 3], &scene, &options, points, 2, values.data()));
}

void query(Numbers& numbers, const Models& models) {
  const Picture picture(numbers);
  fu_query wanted{};
  if (numbers.byte() % 4 == 0) wanted.image = &picture.image;
  if (numbers.byte() % 2) wanted.height = numbers.number(), wanted.width = numbers.number();
  wanted.top = numbers.number(), wanted.left = numbers.number();
  wanted.rows = numbers.number(), wanted.columns = numbers.number();
  fu_tensor* part = nullptr;
  check(fu_fit_query(models.fit, &wanted, &part));
  fu_tensor_free(part);
  fu_output into{};
  check(fu_fit_query_into(models.fit, &wanted, &into));
  const double points[4] = {numbers.real_number(), numbers.real_number(), numbers.real_number(), numbers.real_number()};
  std::vector<float> values(2 * 4096);
  check(fu_fit_points(models.fit, &wanted, points, 2, values.data()));
}

void load(Numbers& numbers, const Models& models) {
  const unsigned kind = numbers.byte() % 4;
  std::size_t n = 0;
  const unsigned char* bytes = numbers.rest(n);
  fu_fit* fit = nullptr;
  fu_classes* classes = nullptr;
  fu_upsampler* upsampler = nullptr;
  const fu_upsampler_options options{models.backbone, 0, 0};
  if (kind == 0) check(fu_fit_load_memory(bytes, n, "bytes", &fit));
  if (kind == 1) check(fu_words_load_memory(bytes, n, "bytes", 8, &classes));
  if (kind == 2) check(fu_probe_load_memory(bytes, n, "bytes", &classes));
  if (kind == 3) check(fu_upsampler_open_memory(bytes, n, "bytes", &options, &upsampler));
  fu_fit_free(fit);
  fu_classes_free(classes);
  fu_upsampler_free(upsampler);
}

}  // namespace

void fuzz_c_interface(const unsigned char* data, std::size_t size) {
  static const Models models;
  Numbers numbers(data, size);
  const unsigned kind = numbers.byte() % 8;
  if (kind % 4 == 0) {
    load(numbers, models);
  } else if (kind == 7) {
    query(numbers, models);
  } else {
    upsample(numbers, models);
  }
}

}  // namespace fu::fuzz
