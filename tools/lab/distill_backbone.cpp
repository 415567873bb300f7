// distill_backbone TEACHER OUT.safetensors DEPTH STEPS FOLDER...
//
// Trains a shallower transformer (the student) to give the patch tokens of a deeper one of the same width (the
// teacher). The student begins with evenly spaced blocks of the teacher. source: Hinton et al., "Distilling the
// knowledge in a neural network" (arXiv 1503.02531); the start from every n-th block as in Sanh et al., DistilBERT
// (arXiv 1910.01108)
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "autograd/ops.h"
#include "featup/backbones/original_names.h"
#include "featup/backbones/vit_backbone.h"
#include "layers/optimizer.h"
#include "tools/cli/progress.h"
#include "tools/media/image_folder.h"

using namespace fu;

namespace {

constexpr Index kBatch = 12, kHeldOutEach = 16;   // one of so many photos is for validation
constexpr Index kSides[] = {224, 224, 160, 288};  // of a batch's crops in pixels, in turn
constexpr double kRate = 1e-3;

/// Cosine of the angle between the vectors of a and b (..,C) at every place: (..,1).
Var cosine(const Var& a, const Var& b) {
  return sum(a * b, -1) / clamp_min(sqrt(sum(square(a), -1) * sum(square(b), -1)), real(1e-6));
}

/// The teacher's tensors, with DEPTH of its blocks under new numbers.
std::map<std::string, Tensor> start_of(const Weights& teacher, const std::string& prefix, const VitConfig& c,
                                       Index depth) {
  std::map<std::string, Tensor> start;
  for (const auto& [name, entry] : teacher.entries()) {
    if (name.rfind(prefix, 0) != 0) continue;
    const std::string own = name.substr(prefix.size());
    if (own.rfind("blocks.", 0) != 0) {
      start[own] = teacher.read(name, entry.shape);
      continue;
    }
    const Index block = std::atol(own.c_str() + 7);
    for (Index i = 0; i < depth; ++i)  // the first and the last, and others between them
      if (block ==
          (depth > 1 ? std::lround(static_cast<double>(i * (c.depth - 1)) / static_cast<double>(depth - 1)) : 0))
        start["blocks." + std::to_string(i) + own.substr(own.find('.', 7))] = teacher.read(name, entry.shape);
  }
  return start;
}

/// Photos to learn from, and photos that only measure.
struct Photos {
  std::vector<std::unique_ptr<ImageFolder>> folders;  // one for each size of crop
  std::vector<Index> training, validation;

  explicit Photos(const std::vector<std::string>& paths) {
    for (Index side : kSides) folders.push_back(std::make_unique<ImageFolder>(paths, Extent{side, side}));
    const Index n = folders[0]->size();
    for (Index i = 0; i < n; ++i)
      (n >= kHeldOutEach && i % kHeldOutEach == kHeldOutEach / 2 ? validation : training).push_back(i);
  }

  /// The crops of a step, normalised: (kBatch,H,W,3).
  Tensor batch(Index step) {
    ImageFolder& folder = *folders[usize(step) % folders.size()];
    std::vector<Tensor> crops;
    for (Index b = 0; b < kBatch; ++b) {
      Random draw(1, static_cast<std::uint64_t>(step * kBatch + b));
      const Index photo = training[usize(draw.below(static_cast<Index>(training.size())))];
      crops.push_back(normalize(folder.sample(photo, true, draw)));
    }
    return concat(crops, 0);
  }
};

/// Mean cosine of the student's and the teacher's tokens, over the validation photos.
double agreement(const Vit& student, const Backbone& teacher, Photos& photos) {
  double sum = 0;
  for (Index i : photos.validation) {
    const Tensor image = normalize(photos.folders[0]->sample(i, false, Random(0)));
    sum += static_cast<double>(mean(cosine(Var(student.features(image)), Var(teacher.features(image)))).value.item());
  }
  return photos.validation.empty() ? 0 : sum / static_cast<double>(photos.validation.size());
}

/// One step of training; gives its loss: relative squared error, and 1 - cosine.
double train_step(Vit& student, const Backbone& teacher, Adam& adam, const Tensor& images) {
  const Tensor target = teacher.features(images);
  adam.zero_grad();
  double value = 0;
  {
    Tape tape;
    const Var prediction = student.features(Var(images));
    const Var loss = mean(square(prediction - target)) / Var(mean(square(Var(target))).value) +
                     affine(mean(cosine(prediction, target)), -1, 1);
    backward(loss);
    value = static_cast<double>(loss.value.item());
  }
  adam.clip_gradients(1);
  adam.step();
  return value;
}

void train(Vit& student, const Backbone& teacher, Photos& photos, Index steps, const std::string& out) {
  Adam adam(Adam::Kind::adamw, student.parameters(), kRate, {0.9, 0.99, 1e-8, 0.01});
  ProgressBar bar("distill", false);
  double recent = 0;
  for (Index step = 0; step < steps; ++step) {
    adam.lr = kRate * warmup_cosine(step, steps / 50 + 1, steps);
    const double value = train_step(student, teacher, adam, photos.batch(step));
    recent = step == 0 ? value : 0.98 * recent + 0.02 * value;
    char text[64];
    std::snprintf(text, sizeof text, "step %ld, loss %.4f", static_cast<long>(step + 1), recent);
    bar.update(static_cast<double>(step + 1) / static_cast<double>(steps), text);
    if ((step + 1) % 200 != 0 && step + 1 != steps) continue;
    std::map<std::string, Tensor> tensors;
    student.save(tensors);
    write_safetensors(out, tensors,
                      {{"format", "pt"}, {"made_by", "distill_backbone"}, {"steps", std::to_string(step + 1)}},
                      DType::f16);
    std::printf("step %ld: loss %.4f, cosine of tokens on photos it never saw %.4f\n", static_cast<long>(step + 1),
                recent, agreement(student, teacher, photos));
    std::fflush(stdout);
  }
}

int distill(const std::string& teacher_path, const std::string& out, Index depth, Index steps,
            const std::vector<std::string>& paths) {
  const Weights weights(teacher_path);
  std::string prefix;
  require<FileError>(find_prefix(weights, "patch_embed.proj.weight", prefix), teacher_path, ": holds no transformer.");
  VitConfig config =
      read_vit_sizes(NamedTensors(weights, prefix, joined({original_names(), original_ignored()})), false);
  config.heads = usual_heads(config.dim, false);
  require<UsageError>(depth >= 1 && depth <= config.depth && steps >= 1, "DEPTH is from 1 to the teacher's ",
                      config.depth, ", STEPS from 1 up.");
  const auto opened = open_backbone(teacher_path);
  const Backbone& teacher = *opened;
  const std::map<std::string, Tensor> start = start_of(weights, prefix, config, depth);
  config.depth = depth;
  Vit student(config, nullptr);
  write_safetensors(out, start, {});
  student.load(Weights(out));
  student.set_trainable(true);
  Photos photos(paths);
  std::printf("%ld parameters, %zu photos to learn from, %zu to judge by; cosine of tokens at the start %.4f\n",
              static_cast<long>(student.parameter_count()), photos.training.size(), photos.validation.size(),
              agreement(student, teacher, photos));
  train(student, teacher, photos, steps, out);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: distill_backbone TEACHER OUT.safetensors DEPTH STEPS FOLDER...\n");
    return 2;
  }
  try {
    return distill(argv[1], argv[2], std::atol(argv[3]), std::atol(argv[4]), {argv + 5, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "distill_backbone: error: %s\n", error.what());
    return 1;
  }
}
