#include "featup/attention/jafar.h"

#include "featup/attention/attention_file.h"

namespace fu {

namespace {

EncoderOptions jafar_encoder(Index in, Index width) {
  EncoderOptions o;
  o.in = in, o.width = width;
  o.names = kNamedParts;
  return o;
}

/// The channels of the features, from the shape of the layer that takes them.
Index channels_of(const Weights& file) {
  const std::string name = attention_prefix(file) + "key_features_encoder.0.weight";
  const Shape shape = file.shape(name);
  require<FileError>(shape.rank() == 4 && shape[1] >= 1 && shape[1] <= 65536, file.path(), ": tensor '", name,
                     "' has shape ", shape, ", expected (128,C,1,1).");
  return shape[1];
}

}  // namespace

Jafar::Jafar(Index channels, Random* random, Index width)
    : image_encoder(jafar_encoder(3, width), random),
      key_encoder(jafar_encoder(width, width), random),
      query_encoder(jafar_encoder(width, width), random),
      key_features_encoder(jafar_encoder(channels, width), random),
      gamma(width, width, 1, random, 1, 0, 1, false),
      beta(width, width, 1, random, 1, 0, 1, false),
      cross(width, ProjectionNames::own, random),
      rope(width, random) {
  add("image_encoder", image_encoder);
  add("key_encoder", key_encoder);
  add("query_encoder", query_encoder);
  add("key_features_encoder", key_features_encoder);
  add("sft_key.gamma", gamma);
  add("sft_key.beta", beta);
  add("cross_decode", cross);
  add("rope", rope);
}

Jafar::Jafar(const Weights& file) : Jafar(channels_of(file), nullptr) { read(file); }

void Jafar::read(const Weights& file) {
  const std::string attention = "cross_decode.cross_attn.attention.";
  load_attention_file(*this, file,
                      {"cross_decode.cross_attn.norm_v.*", attention + "v_proj_weight", attention + "out_proj.*"});
}

bool Jafar::reads(const Weights& file) { return has_tensors(file, {"sft_key.gamma.weight", "rope.freqs"}); }

JafarRun::JafarRun(std::shared_ptr<const Jafar> network)
    : network_(std::move(network)),
      image_(network_->image_encoder, network_->key_encoder, network_->query_encoder, network_->rope),
      queries_(network_->cross) {}

void JafarRun::require_channels(const Tensor& features) const {
  require<ShapeError>(features.dim(3) == channels(), "[jafar] features of ", features.dim(3),
                      " channels: these weights were learned for a backbone of ", channels(),
                      ". Take that backbone, or an upsampler for any, as AnyUp.");
}

QueriesAndKeys JafarRun::operator()(const Tensor& image, const Tensor& features, Extent size) const {
  require_channels(features);
  EncodedImage encoded = image_(image, size.height, size.width, features.dim(1), features.dim(2));
  QueriesAndKeys result;
  result.keys = network_->keys(encoded.keys, features);
  const Tensor& q = encoded.queries;
  const ChannelAffine norm = group_statistics(q.data(), q.dim(1) * q.dim(2), q.dim(3), kNormGroups, {}, {}, real(1e-5));
  result.queries = queries_(std::move(encoded.queries), &norm);
  return result;
}

}  // namespace fu
