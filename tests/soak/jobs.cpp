#include "tests/soak/jobs.h"

#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "tests/soak/models.h"

namespace fu::soak {

namespace {

/// source: Fowler, Noll, Vo: FNV-1a, here of words of 8 bytes, folded after each
std::uint64_t bits_of(const void* data, std::size_t bytes, std::uint64_t hash = 1469598103934665603u) {
  const auto* at = static_cast<const unsigned char*>(data);
  while (bytes > 0) {
    std::uint64_t word = 0;
    const std::size_t n = bytes < 8 ? bytes : 8;
    std::memcpy(&word, at, n);
    hash = (hash ^ word) * 1099511628211u;
    hash ^= hash >> 29;
    at += n, bytes -= n;
  }
  return hash;
}

std::uint64_t bits_of(const Tensor& t, std::uint64_t hash = 0) {
  return bits_of(t.data(), usize(t.size()) * sizeof(real), hash + usize(t.size()));
}

/// Of a result, which is freed.
std::uint64_t bits_of(fu_tensor* result) {
  std::int64_t shape[3] = {};
  need(fu_tensor_shape(result, shape));
  const std::uint64_t hash = bits_of(fu_tensor_data(result), usize(shape[0] * shape[1] * shape[2]) * sizeof(float),
                                     bits_of(shape, sizeof shape));
  fu_tensor_free(result);
  return hash;
}

/// Of a failure: its kind and its text. throws if it is none.
std::uint64_t bits_of_failure(fu_status status) {
  if (status == FU_OK || status == FU_ERROR_INTERNAL) throw std::runtime_error("a call should have failed");
  const std::string text = fu_status_name(status) + std::string(fu_last_error());
  return bits_of(text.data(), text.size());
}

std::uint64_t upsampled(const fu_upsampler* upsampler, const fu_scene& scene,
                        const fu_upsample_options* options = nullptr) {
  fu_tensor* result = nullptr;
  need(fu_upsample(upsampler, &scene, options, &result));
  return bits_of(result);
}

int cancel(double, const char*, void*) { return FU_CANCEL; }

}  // namespace

Work::Work() : models_(std::make_unique<Models>()) {
  add_upsamplings();
  add_results();
  add_fits();
  add_errors();
  add_cpp();
}

Work::~Work() = default;

/// Pictures of all formats, at several sizes, by several methods.
void Work::add_upsamplings() {
  const Models& m = *models_;
  for (std::size_t p = 0; p < m.pictures.size(); ++p)
    for (const std::int64_t side : {48, 64, 96})
      jobs_.push_back({"upsample picture " + std::to_string(p) + " at " + std::to_string(side),
                       [&m, p, side] { return upsampled(m.stack.get(), m.scene(p, side)); }});
  for (const auto& method : m.methods)
    jobs_.push_back({std::string("upsample by ") + fu_upsampler_describe(method.get()),
                     [&m, &method] { return upsampled(method.get(), m.scene(1, 48)); }});
  for (const std::int64_t side : {48, 80, 128})
    jobs_.push_back({"features at " + std::to_string(side), [&m, side] {
                       const fu_scene scene = m.scene(2, side);
                       fu_tensor* result = nullptr;
                       need(fu_features_of(&scene, nullptr, &result));
                       return bits_of(result);
                     }});
  jobs_.push_back({"open models", [&m] {
                     fu_backbone* backbone = nullptr;
                     need(fu_backbone_open("builtin", nullptr, &backbone));
                     const Handle<fu_backbone> owned(backbone, fu_backbone_free);
                     const Handle<fu_upsampler> stack = open_method("builtin", nullptr);
                     fu_scene scene = m.scene(0, 48);
                     scene.backbone = backbone;
                     return upsampled(stack.get(), scene);
                   }});
}

/// Other shapes of results: projected, in the caller's memory, at places alone, as labels.
void Work::add_results() {
  const Models& m = *models_;
  for (const std::int64_t height : {33, 90})
    jobs_.push_back({"projected, " + std::to_string(height) + " rows", [&m, height] {
                       const fu_upsample_options options = {height, 70, &m.projection, {nullptr, nullptr}};
                       return upsampled(m.stack.get(), m.scene(3, 64), &options);
                     }});
  jobs_.push_back({"planes in the caller's memory", [&m] {
                     const fu_scene scene = m.scene(0, 48);
                     fu_output out{};
                     need(fu_upsample_into(m.stack.get(), &scene, nullptr, &out));
                     std::vector<float> planes(usize(out.height * out.width * out.channels));
                     out.data = planes.data();
                     out.channel_stride = 4 * out.height * out.width, out.row_stride = 4 * out.width;
                     out.column_stride = 4;
                     need(fu_upsample_into(m.stack.get(), &scene, nullptr, &out));
                     return bits_of(planes.data(), planes.size() * sizeof(float));
                   }});
  jobs_.push_back({"places", [&m] {
                     const fu_scene scene = m.scene(1, 64);
                     const double points[] = {0, 0, 30.5, 20, 63, 41.25};
                     std::vector<float> at(usize(3 * fu_backbone_channels(m.backbone.get())));
                     need(fu_upsample_points(m.stack.get(), &scene, nullptr, points, 3, at.data()));
                     return bits_of(at.data(), at.size() * sizeof(float));
                   }});
  for (const std::int64_t height : {40, 77})
    jobs_.push_back({"labels, " + std::to_string(height) + " rows", [&m, height] {
                       const fu_scene scene = m.scene(3, 64);
                       const fu_label_options options = {height, 60, 0.3, {nullptr, nullptr}};
                       std::vector<unsigned char> labels(usize(height * 60));
                       std::vector<float> sure(labels.size());
                       fu_labels result = {labels.data(), sure.data(), height, 60, 0, 0};
                       need(fu_label(m.stack.get(), &scene, m.words.get(), &options, &result));
                       return bits_of(labels.data(), labels.size(), bits_of(sure.data(), sure.size() * sizeof(float)));
                     }});
}

/// A shared fit that is asked, and fits that are made, written, read and removed.
void Work::add_fits() {
  const Models& m = *models_;
  for (const std::int64_t side : {50, 120})
    jobs_.push_back({"query at " + std::to_string(side), [&m, side] {
                       const fu_query query = {side, side, 3, 5, side - 10, 20, nullptr, nullptr};
                       fu_tensor* result = nullptr;
                       need(fu_fit_query(m.fit.get(), &query, &result));
                       return bits_of(result);
                     }});
  jobs_.push_back({"fit, save, load, query", [&m] {
                     const fu_scene scene = m.scene(0, 48);
                     const std::string path = m.new_path();
                     fu_fit *made = nullptr, *read = nullptr;
                     need(fu_fit_make(&scene, "views=4 held-out=1", nullptr, &made));
                     const Handle<fu_fit> owned(made, fu_fit_free);
                     need(fu_fit_save(made, path.c_str()));
                     need(fu_fit_load(path.c_str(), &read));
                     const Handle<fu_fit> again(read, fu_fit_free);
                     std::filesystem::remove(path);
                     fu_tensor* result = nullptr;
                     need(fu_fit_query(read, nullptr, &result));
                     return bits_of(result);
                   }});
}

/// What fails must fail in the same way each time, with the text of its own thread, and keep nothing.
void Work::add_errors() {
  const Models& m = *models_;
  for (const char* name : {"no such file", "nor this one"})
    jobs_.push_back({name, [name] {
                       fu_backbone* none = nullptr;
                       return bits_of_failure(fu_backbone_open(name, nullptr, &none));
                     }});
  jobs_.push_back({"bytes that are no fit", [] {
                     fu_fit* none = nullptr;
                     return bits_of_failure(fu_fit_load_memory("nonsense", 8, "held", &none));
                   }});
  jobs_.push_back({"an empty picture", [&m] {
                     fu_image empty = m.pictures[0].image;
                     empty.width = 0;
                     fu_scene scene = m.scene(0, 48);
                     scene.image = &empty;
                     fu_tensor* none = nullptr;
                     return bits_of_failure(fu_upsample(m.stack.get(), &scene, nullptr, &none));
                   }});
  jobs_.push_back({"cancelled", [&m] {
                     const fu_scene scene = m.scene(2, 96);
                     const fu_upsample_options options = {0, 0, nullptr, {cancel, nullptr}};
                     fu_tensor* none = nullptr;
                     return bits_of_failure(fu_upsample(m.stack.get(), &scene, &options, &none));
                   }});
}

/// The C++ interface on the same threads: inference, gradients on a tape of the call's own, a step of a training.
void Work::add_cpp() {
  const Models& m = *models_;
  for (const Index side : {48, 80})
    jobs_.push_back({"C++: upsample at " + std::to_string(side), [&m, side] {
                       const Extent size{side, side + 16};
                       const auto views = std::make_shared<const PhotoViews>(m.photo, false);
                       const Tensor coarse = m.cpp_backbone->features(normalize(views->at(size.height, size.width)));
                       return bits_of((*m.cpp_stack)(coarse, guide_of(views, size), size));
                     }});
  for (const Index rows : {5, 300})
    jobs_.push_back({"C++: gradients of " + std::to_string(rows) + " rows", [rows] {
                       Random random(7);
                       const Linear first(48, 96, &random), second(96, 16, &random);
                       const Tensor x = random.normal({rows, 48});
                       Tape tape;
                       backward(mean(square(second(softmax(first(Var(x), Activation::gelu), 1)))));
                       return bits_of(first.weight.grad, bits_of(second.weight.grad));
                     }});
  jobs_.push_back({"C++: a step of a training", [&m] {
                     const TrainOptions options = TrainOptions::from(
                         {{"jitters", "1"}, {"levels", "2"}, {"key-dim", "4"}, {"kernel", "8"}, {"crf-samples", "20"}});
                     UpsamplerTrainer trainer([&m](const Tensor& x) { return m.cpp_backbone->features(x); },
                                              m.cpp_backbone->channels(), trainer_options(options));
                     trainer.step({normalize(cover(m.photo, 64, 64))});
                     std::uint64_t hash = 0;
                     for (const auto& entry : trainer.upsampler()) hash = bits_of(entry.second, hash);
                     return hash;
                   }});
}

}  // namespace fu::soak
