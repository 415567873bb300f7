#include "featup/attention/naf.h"

#include <algorithm>
#include <cmath>

#include "featup/attention/attention_file.h"

namespace fu {

namespace {

EncoderOptions options(Index width, Index kernel) {
  EncoderOptions o;
  o.width = width;
  o.kernel = o.block_kernel = kernel;
  o.bias = true, o.residual = false;
  o.names = kNamedParts;
  return o;
}

}  // namespace

Naf::Naf(Random* random, Index width)
    : encoder(options(width, 1), random), sem_encoder(options(width, 3), random), periods(Tensor({width / 8})) {
  // From 0.5 to 100 in coordinates that go from -1 to 1, each longer than the one before by the same factor.
  const Index n = width / 8;
  for (Index i = 0; i < n; ++i)
    periods.value.data()[i] =
        static_cast<real>(0.5 * std::pow(200.0, n > 1 ? static_cast<double>(i) / static_cast<double>(n - 1) : 0));
  periods.trainable = false;
  add("image_encoder.encoder", encoder);
  add("image_encoder.sem_encoder", sem_encoder);
  add("image_encoder.rope.periods", periods);
}

Naf::Naf(const Weights& file) : Naf(static_cast<Random*>(nullptr)) { read(file); }

void Naf::read(const Weights& file) {
  load_attention_file(*this, file, {});
  for (Index i = 0; i < periods.value.size(); ++i)
    require<FileError>(periods.value.data()[i] > 0, file.path(), ": tensor 'image_encoder.rope.periods' has ",
                       periods.value.data()[i], " at ", i, ": periods must be positive.");
}

bool Naf::reads(const Weights& file) {
  return has_tensors(file, {"image_encoder.sem_encoder.0.weight", "image_encoder.rope.periods"});
}

Extent Naf::image_size(Extent image, Extent size) {
  const Index most_rows = 4 * size.height, most_cols = 4 * size.width;
  if (image.height <= most_rows && image.width <= most_cols) return image;
  return {std::min({image.height, most_rows, most_cols}), std::min({image.width, most_cols, most_rows})};
}

RotaryAngles Naf::angles(Index height, Index width) const {
  const Index count = periods.value.size(), half = 2 * count;
  RotaryAngles a{Tensor({height * width, half}), Tensor({height * width, half})};
  // Angles of an axis of n pixels; each is that of `others` pixels of the map, pixel(i, j) for j in [0, others).
  const auto along = [&](Index n, Index first, Index others, const auto& pixel) {
    for (Index i = 0; i < n; ++i)
      for (Index k = 0; k < count; ++k) {
        const double place = (2 * static_cast<double>(i) + 1) / static_cast<double>(n) - 1,
                     angle = 2 * 3.14159265358979323846 * place / static_cast<double>(periods.value.data()[k]);
        const real cosine = static_cast<real>(std::cos(angle)), sine = static_cast<real>(std::sin(angle));
        for (Index j = 0; j < others; ++j) {
          const Index at = pixel(i, j) * half + first + k;
          a.cosines.data()[at] = cosine, a.sines.data()[at] = sine;
        }
      }
  };
  along(height, 0, width, [&](Index row, Index j) { return row * width + j; });
  along(width, count, height, [&](Index col, Index j) { return j * width + col; });
  return a;
}

NafRun::NafRun(std::shared_ptr<const Naf> network) : network_(std::move(network)), pixels_(network_->encoder) {
  const Encoder& sem = network_->sem_encoder;
  const auto packed = [](const Conv2d& conv) { return Conv3x3Layer(conv.weight.value, conv.bias.value, true); };
  first_ = packed(sem.first);
  for (Index i = 0; i < 4; ++i) {
    const ConvBlock& block = i < 2 ? sem.block1 : sem.block2;
    convs_[i] = packed(i % 2 == 0 ? block.conv1 : block.conv2);
  }
}

Tensor NafRun::encoded(const Tensor& image) const {
  const Encoder& sem = network_->sem_encoder;
  const GroupNorm* const norms[] = {&sem.block1.norm1, &sem.block1.norm2, &sem.block2.norm1, &sem.block2.norm2};
  BandMoments moments(image.dim(1), sem.options.width);
  Tensor x = first_(image, nullptr, Activation::none, &moments);
  for (Index i = 0; i < 4; ++i) {
    const GroupNorm& norm = *norms[i];
    const ChannelAffine affine = moments.group_affine(norm.groups(), norm.weight.value, norm.bias.value, norm.eps());
    x = convs_[i](x, &affine, Activation::silu, &moments);
  }
  return x;
}

QueriesAndKeys NafRun::operator()(const Tensor& image, const Tensor& features, Extent size) const {
  const Tensor resized = Naf::resized(image, size);
  require<ShapeError>(resized.rank() == 4 && resized.dim(0) == 1 && resized.dim(3) == 3, "[naf] image ", image.shape(),
                      ": must be (1,H,W,3).");
  const auto pooled = [&](Tensor x) {
    return x.dim(1) == size.height && x.dim(2) == size.width ? x : adaptive_avg_pool(x, size.height, size.width);
  };
  Tensor e;
  {
    const Tensor first = pooled(encode_pixels(pixels_, resized)), second = pooled(encoded(resized));
    e = concat({first, second}, 3);
  }
  QueriesAndKeys result;
  result.use = Naf::use(features.dim(3));
  result.queries = network_->turned(e);
  result.keys = adaptive_avg_pool(result.queries, features.dim(1), features.dim(2));
  return result;
}

}  // namespace fu
