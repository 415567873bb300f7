// The C interface: words, probes and classifiers, and the class of every pixel.
#include <algorithm>

#include "core/ops.h"
#include "featup/api/c_handles.h"
#include "featup/classes/classifier.h"
#include "featup/classes/label_map.h"
#include "featup/classes/probe_classes.h"
#include "featup/classes/words.h"

namespace fu::c {

namespace {

fu_classes* classes_handle_of(Classes classes) {
  auto handle = std::make_unique<fu_classes>();
  handle->classes = std::move(classes);
  say(FU_LOG_INFO, cat(handle->classes.size(), " classes: ", handle->classes.source));
  return handle.release();
}

fu_classes* classes_handle_of(const Probe& probe, const std::string& path) {
  std::unique_ptr<fu_classes> handle(classes_handle_of(classes_of(probe, "probe " + path)));
  handle->numbers = probe.kind == Probe::Kind::numbers;
  if (handle->numbers) handle->centre = probe.centre;
  return handle.release();
}

Words encoded(const WordSource& source, const char* const* words, int64_t count) {
  require<UsageError>(count >= 1 && count <= kMostClasses, "[words] ", count, " words: give 1 to ", kMostClasses, ".");
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.emplace_back(&needed(words[i], "a word"));
  std::vector<std::string> cut;
  const Words result = encode_or_recall(source, names, false, &cut);
  for (const std::string& word : cut)
    say(FU_LOG_WARNING, "'" + word + "': a sentence with it is longer than the encoder takes, and was cut.");
  return result;
}

/// One labelling, checked but not begun.
struct LabelRequest {
  const fu_upsampler& upsampler;
  const fu_classes& classes;
  fu_label_options options;
  Scene scene;
  Extent size;

  LabelRequest(const fu_upsampler* handle, const fu_scene* seen, const fu_classes* what, const fu_label_options* wanted)
      : upsampler(needed(handle, "upsampler")),
        classes(needed(what, "classes")),
        options(wanted ? *wanted : fu_label_options{}),
        scene(seen),
        size(result_size(options.height, options.width, scene)) {
    scene.require_map();
    require<ShapeError>(classes.classes.channels() == scene.channels(), "[featup_c] classes of ",
                        classes.classes.channels(), " channels, for features of ", scene.channels(),
                        ". Give the backbone that they were made for.");
    note_channels(upsampler, scene.channels());
  }
  Tensor features() const { return scene.features(progress_of(&options.progress, "backbone", 0, kBackboneShare)); }
  Progress upsampling() const { return progress_of(&options.progress, "upsample", kBackboneShare, 1); }
};

void copy_labels(const LabelMap& map, const fu_labels& result) {
  const Index height = map.size.height, width = map.size.width;
  const Index label_row = result.label_row_stride ? result.label_row_stride : width;
  const Index sure_row =
      result.confidence_row_stride ? result.confidence_row_stride : width * static_cast<Index>(sizeof(float));
  for (Index y = 0; y < height; ++y) {
    std::copy_n(map.labels.data() + y * width, width, result.labels + y * label_row);
    if (result.confidence)
      std::copy_n(reinterpret_cast<const unsigned char*>(map.confidence.data() + y * width),
                  usize(width) * sizeof(float), reinterpret_cast<unsigned char*>(result.confidence) + y * sure_row);
  }
}

void label(const LabelRequest& request, fu_labels& result) {
  require<UsageError>(!request.classes.numbers,
                      "[featup_c] the probe gives numbers, which are no classes. Ask for the scores.");
  const Extent size = request.size;
  if (!result.labels) {
    result.height = size.height, result.width = size.width;
    return;
  }
  require<ShapeError>(result.height == size.height && result.width == size.width, "[featup_c] labels of ",
                      result.height, "x", result.width, " for a result of ", size.height, "x", size.width,
                      ". Ask for the size first, with labels a null pointer.");
  copy_labels(label_pixels(*request.upsampler.upsampler, request.features(), request.scene.guide(), size,
                           request.classes.classes, request.options.threshold, {}, request.upsampling()),
              result);
}

Tensor scores(const LabelRequest& request) {
  const Tensor values = upsampled_scores(*request.upsampler.upsampler, request.features(), request.scene.guide(),
                                         request.size, request.classes.classes, request.upsampling());
  return request.classes.centre.size() > 0 ? values + request.classes.centre : values;
}

}  // namespace

}  // namespace fu::c

using namespace fu::c;  // NOLINT(google-global-names-in-headers): no header

fu_status fu_words_encode(const char* weights, const char* tokenizer, const char* templates, const char* options,
                          const char* const* words, int64_t count, fu_classes** classes) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    needed(words, "words");
    const fu::WordSource source{&needed(weights, "weights"), tokenizer ? tokenizer : "",
                                fu::prompt_templates(templates ? templates : "seven"),
                                options_of<fu::BackboneOptions>(options)};
    *classes = classes_handle_of(fu::classes_of(encoded(source, words, count)));
  });
}

fu_status fu_words_load(const char* path, int64_t channels, fu_classes** classes) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    *classes = classes_handle_of(fu::classes_of(fu::read_words(std::string(&needed(path, "path")), channels)));
  });
}

fu_status fu_words_load_memory(const void* bytes, size_t size, const char* name, int64_t channels,
                               fu_classes** classes) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    *classes = classes_handle_of(fu::classes_of(fu::read_words(weights_in(bytes, size, name), channels)));
  });
}

fu_status fu_probe_load(const char* path, fu_classes** classes) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    *classes = classes_handle_of(fu::read_probe(std::string(&needed(path, "path"))), path);
  });
}

fu_status fu_probe_load_memory(const void* bytes, size_t size, const char* name, fu_classes** classes) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    const fu::Weights file = weights_in(bytes, size, name);
    *classes = classes_handle_of(fu::read_probe(file), file.path());
  });
}

fu_status fu_head_open(const char* path, const char* options, fu_classes** classes, fu_backbone** backbone) {
  return guarded([&] {
    needed(classes, "classes") = nullptr;
    needed(backbone, "backbone") = nullptr;
    const fu::Classifier classifier(&needed(path, "path"), options_of<fu::BackboneOptions>(options));
    std::unique_ptr<fu_classes> found(classes_handle_of(classifier.classes()));
    *backbone = handle_of_backbone(classifier.backbone());
    *classes = found.release();
  });
}

void fu_classes_free(fu_classes* classes) { delete classes; }
int64_t fu_classes_count(const fu_classes* classes) { return classes ? classes->classes.size() : 0; }
int64_t fu_classes_channels(const fu_classes* classes) { return classes ? classes->classes.channels() : 0; }
const char* fu_classes_name(const fu_classes* classes, int64_t number) {
  return number >= 0 && number < fu_classes_count(classes) ? classes->classes.names[fu::usize(number)].c_str()
                                                           : nullptr;
}
int fu_classes_are_numbers(const fu_classes* classes) { return classes && classes->numbers ? 1 : 0; }

fu_status fu_label(const fu_upsampler* upsampler, const fu_scene* scene, const fu_classes* classes,
                   const fu_label_options* options, fu_labels* result) {
  return guarded([&] {
    needed(result, "result");
    label(LabelRequest(upsampler, scene, classes, options), *result);
  });
}

fu_status fu_scores(const fu_upsampler* upsampler, const fu_scene* scene, const fu_classes* classes,
                    const fu_label_options* options, fu_tensor** scores) {
  return guarded([&] {
    needed(scores, "scores") = nullptr;
    *scores = handle_of(fu::c::scores(LabelRequest(upsampler, scene, classes, options)));
  });
}
