#include "featup/attention/anyup.h"

#include "featup/attention/attention_file.h"

namespace fu {

namespace {

EncoderOptions anyup_encoder(Index in, Index width, Index kernel = 1) {
  EncoderOptions o;
  o.in = in, o.width = width, o.kernel = kernel;
  return o;
}

}  // namespace

BasisEncoder::BasisEncoder(const EncoderOptions& o, Random* random)
    : basis(uniform_fan_in({o.width, 5, 5, 1}, 25, random)), block1(o, random), block2(o, random) {
  add("0.basis", basis, FileLayout::conv);
  add("1", block1);
  add("2", block2);
}

AnyUp::AnyUp(Random* random, Index width)
    : image_encoder(anyup_encoder(3, width), random),
      key_encoder(anyup_encoder(width, width), random),
      query_encoder(anyup_encoder(width, width), random),
      key_features_encoder(anyup_encoder(width, width), random),
      aggregation(anyup_encoder(2 * width, width, 3), random),
      cross(width, ProjectionNames::thirds, random),
      rope(width, random) {
  add("image_encoder", image_encoder);
  add("key_encoder", key_encoder);
  add("query_encoder", query_encoder);
  add("key_features_encoder", key_features_encoder);
  add("aggregation", aggregation);
  add("cross_decode", cross);
  add("rope", rope);
}

AnyUp::AnyUp(const Weights& file) : AnyUp(static_cast<Random*>(nullptr)) { read(file); }

void AnyUp::read(const Weights& file) {
  load_attention_file(*this, file, {"cross_decode.cross_attn.attention.out_proj.*"});
}

bool AnyUp::reads(const Weights& file) { return has_tensors(file, {"key_features_encoder.0.basis", "rope.freqs"}); }

AnyUpRun::AnyUpRun(const Weights& file) : AnyUpRun(std::make_shared<AnyUp>(file)) {}

AnyUpRun::AnyUpRun(std::shared_ptr<const AnyUp> network)
    : network_(std::move(network)),
      image_(network_->image_encoder, network_->key_encoder, network_->query_encoder, network_->rope),
      queries_(network_->cross) {}

QueriesAndKeys AnyUpRun::operator()(const Tensor& image, const Tensor& features, Extent size) const {
  require<ShapeError>(features.dim(1) > 1 && features.dim(2) > 1, "[anyup] features ", features.shape(),
                      ": must have at least 2x2 cells, because a convolution mirrors them at their border.");
  EncodedImage encoded = image_(image, size.height, size.width, features.dim(1), features.dim(2));
  QueriesAndKeys result;
  result.keys = network_->keys(encoded.keys, features);
  result.queries = queries_(std::move(encoded.queries), nullptr);
  return result;
}

}  // namespace fu
