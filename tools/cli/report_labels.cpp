#include "tools/cli/report_labels.h"

#include <algorithm>

#include "featup/probes/probe_trainer.h"
#include "tools/media/label_picture.h"

namespace fu {

namespace {

constexpr Index kUnlabelled = 255, kFewestLabelled = 4;

Index classes_of(const std::vector<std::string>& files) {
  Index classes = 0;
  for (const std::string& path : files) {
    if (path.empty()) continue;
    for (const unsigned char label : read_label_picture(path).rgb)
      if (label != kUnlabelled) classes = std::max<Index>(classes, label + 1);
  }
  return classes;
}

ChannelMap trained(const std::vector<LabelledFeatures>& photos, Index classes, Index seeds, std::uint64_t seed) {
  std::vector<ChannelMap> probes;
  for (Index s = 0; s < seeds; ++s) {
    ProbeOptions options;
    options.outputs = classes, options.seed = seed + static_cast<std::uint64_t>(s);
    probes.push_back(probe_outputs(train_probe(photos, options)));
  }
  ChannelMap all = joined(probes);
  all.offset_first = true;  // as eval probe has it: kernels whose weights do not sum to 1 favour no class
  return all;
}

}  // namespace

ReportLabels::ReportLabels(const ChosenInputs& photos, const std::string& folder, Index classes, std::string& left_out)
    : classes_(classes) {
  const LabelFiles files(folder, left_out);
  for (std::size_t i = 0; i < photos.paths.size(); ++i) {
    files_.push_back(files.of(photos.paths[i], photos.names[i]));
    even_.push_back(labelled_ % 2 == 0);
    labelled_ += !files_.back().empty();
  }
  require<FileError>(labelled_ >= kFewestLabelled, folder, ": holds labels of ", labelled_,
                     " of the photos, and a probe that is learned on every second one and judged on the others needs ",
                     kFewestLabelled, ". Labels are pictures of the photos' names.");
  if (classes_ == 0) classes_ = classes_of(files_);
  require<UsageError>(classes_ >= 2, folder, ": a probe tells two classes or more apart, and there is ", classes_,
                      ". Give labels of several classes, or --classes.");
}

Labels ReportLabels::of(std::size_t i, const PhotoFeatures& photo, bool cropped) const {
  const Image& seen = photo.uncut ? *photo.uncut : photo.views->photo();
  const Extent whole{seen.height, seen.width}, size = photo.in_size;
  const Labels all = read_labels(files_[i], whole);
  const Part part = photo.uncut ? Part{photo.top, photo.left, size.height, size.width}
                    : cropped   ? covered_part(whole, size)
                                : middle_part(whole, whole.height, whole.width);
  Labels labels(usize(size.height * size.width));
  for (Index y = 0; y < size.height; ++y)
    for (Index x = 0; x < size.width; ++x) {
      const Index row = part.top + (2 * y + 1) * part.height / (2 * size.height),
                  column = part.left + (2 * x + 1) * part.width / (2 * size.width);
      labels[usize(y * size.width + x)] = all[usize(row * whole.width + column)];
    }
  return labels;
}

void ReportLabels::learn(const ChosenInputs& photos, const Featurizer& featurizer, const std::vector<Method>& methods,
                         Index seeds, std::uint64_t seed, Report& report, const std::function<void(double)>& progress) {
  std::vector<LabelledFeatures> learned;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].empty() || judges(i)) continue;
    progress(0.5 * static_cast<double>(i) / static_cast<double>(files_.size()));
    const PhotoFeatures photo = featurizer.run(photos.paths[i], report, {});
    LabelledFeatures one;
    one.height = photo.in_size.height, one.width = photo.in_size.width, one.features = photo.features;
    one.labels = of(i, photo, featurizer.cropped());
    learned.push_back(std::move(one));
  }
  probes_ = {trained(learned, classes_, seeds, seed)};
  of_method_.assign(methods.size(), 0);
  for (std::size_t m = 0; m < methods.size(); ++m) {
    progress(0.5 + 0.5 * static_cast<double>(m) / static_cast<double>(methods.size()));
    if (!has_own_space(*methods[m].upsampler, learned.front().features)) continue;
    std::vector<LabelledFeatures> prepared = learned;
    for (LabelledFeatures& one : prepared) one.features = methods[m].upsampler->output_space(one.features);
    of_method_[m] = probes_.size();
    probes_.push_back(trained(prepared, classes_, seeds, seed));
  }
  report.stage("probes");
}

}  // namespace fu
