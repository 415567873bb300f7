#include "tests/soak/models.h"

#include <cstdlib>
#include <stdexcept>

namespace fu::soak {

namespace {

constexpr Index kWords = 3;

unsigned char noise(std::size_t i) { return static_cast<unsigned char>((i * 2654435761u) >> 24); }

Picture picture(std::int64_t width, std::int64_t height, fu_pixel_format format, std::int64_t channels) {
  Picture made;
  const std::size_t n = usize(width * height * channels);
  for (std::size_t i = 0; i < n; ++i) {
    made.bytes.push_back(noise(i));
    made.floats.push_back(static_cast<float>(noise(i)) / 255);
  }
  made.image.width = width, made.image.height = height, made.image.format = format;
  return made;
}

std::string new_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "featup-soak-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error(name + ": cannot be made");
  return name;
}

}  // namespace

void need(fu_status status) {
  if (status != FU_OK) throw std::runtime_error(fu_last_error());
}

Handle<fu_upsampler> open_method(const char* name, const fu_backbone* looks_through) {
  fu_upsampler_options options{};
  options.backbone = looks_through;
  fu_upsampler* opened = nullptr;
  need(fu_upsampler_open(name, &options, &opened));
  return {opened, fu_upsampler_free};
}

Models::Models() : folder(new_folder()) {
  pictures.push_back(picture(100, 60, FU_RGB8, 3));
  pictures.push_back(picture(64, 96, FU_BGR8, 3));
  pictures.push_back(picture(48, 48, FU_GREY8, 1));
  pictures.push_back(picture(128, 72, FU_RGBA_FLOAT, 4));
  for (Picture& p : pictures) {
    if (p.image.format >= FU_RGB_FLOAT)
      p.image.data = p.floats.data();
    else
      p.image.data = p.bytes.data();
  }
  photo = {60, 100, pictures[0].bytes};

  fu_backbone* opened = nullptr;
  need(fu_backbone_open("builtin", nullptr, &opened));
  backbone.reset(opened);
  stack = open_method("builtin", nullptr);
  for (const char* name : {"bilinear", "bicubic", "jbu-classic", "views:3"})
    methods.push_back(open_method(name, opened));
  const Index channels = fu_backbone_channels(opened);
  const Tensor vectors = Random(3).normal({channels, kWords});
  matrix.assign(vectors.data(), vectors.data() + vectors.size());
  projection = {matrix.data(), channels, kWords, nullptr};
  write_npy(folder + "/words.npy", vectors);
  fu_classes* classes = nullptr;
  need(fu_words_load((folder + "/words.npy").c_str(), channels, &classes));
  words.reset(classes);
  const fu_scene seen = scene(1, 48);
  fu_fit* made = nullptr;
  need(fu_fit_make(&seen, "views=4 held-out=1", nullptr, &made));
  fit.reset(made);
  cpp_backbone = open_backbone("builtin");
  cpp_stack = open_upsampler("builtin");
}

Models::~Models() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

std::string Models::new_path() const { return folder + "/" + std::to_string(paths_++) + ".fit.safetensors"; }

}  // namespace fu::soak
