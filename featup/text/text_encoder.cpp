#include "featup/text/text_encoder.h"

#include <algorithm>
#include <cmath>

#include "featup/backbones/activations.h"
#include "featup/text/text_family.h"

namespace fu {

namespace {

/// Sizes, from shapes. throws FileError.
TextConfig read_sizes(const NamedTensors& t, const TextFamily& family) {
  TextConfig c;
  const Shape tokens = t.shape("token_embedding.weight"), positions = t.shape("positional_embedding");
  const auto bad = [&](const std::string& name, const std::string& expected) {
    return FileError(
        cat(t.path(), ": tensor '", t.name_in_file(name), "' has shape ", t.shape(name), ", expected ", expected, "."));
  };
  if (tokens.rank() != 2 || tokens.elements() == 0) throw bad("token_embedding.weight", "(vocabulary,dim)");
  c.vocabulary = tokens[0], c.dim = tokens[1];
  if (positions.rank() != 2 || positions[1] != c.dim || positions[0] < 1)
    throw bad("positional_embedding", cat("(length,", c.dim, ")"));
  c.length = positions[0];
  c.depth = t.count("blocks.");
  require<FileError>(c.depth > 0, t.path(), ": has a text encoder without blocks.");
  for (Index i = 0; i < c.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    const Shape qkv = t.shape(block + "attn.qkv.weight"), fc1 = t.shape(block + "mlp.fc1.weight");
    if (qkv != Shape{3 * c.dim, c.dim}) throw bad(block + "attn.qkv.weight", cat("(", 3 * c.dim, ",", c.dim, ")"));
    if (i == 0) c.mlp_hidden = fc1.rank() == 2 ? fc1[0] : 0;
    if (fc1 != Shape{c.mlp_hidden, c.dim} || c.mlp_hidden < 1)
      throw bad(block + "mlp.fc1.weight", cat("(hidden,", c.dim, ")"));
  }
  const Shape out = t.shape("projection.weight");
  if (out.rank() != 2 || out[1] != c.dim) throw bad("projection.weight", cat("(channels,", c.dim, ")"));
  c.out = out[0];
  c.out_bias = t.has("projection.bias");
  c.causal = family.causal;
  c.norm_eps = static_cast<real>(family.norm_eps);
  return c;
}

void choose_heads(const NamedTensors& t, const TextFamily& family, const ModelConfig& config, TextConfig& c,
                  std::vector<BackboneSetting>& settings) {
  std::string source = "by the width";
  c.heads = family.heads_of_64 && c.dim % 64 == 0 ? c.dim / 64 : usual_heads(c.dim, false);
  if (config.text_heads) c.heads = config.text_heads->value, source = config.text_heads->source;
  require<FileError>(c.heads > 0 && c.dim % c.heads == 0, t.path(), ": its text encoder of width ", c.dim,
                     " has a number of attention heads that is not known, or does not divide the width.");
  settings.push_back({"heads", std::to_string(c.heads), source});
}

/// A number that the file holds, of shape () or (1); `usual` if it is not there.
double number_in(const Weights& w, const std::string& name, double usual) {
  if (!w.has(name)) return usual;
  require<FileError>(w.shape(name).elements() == 1, w.path(), ": tensor '", name, "' has shape ", w.shape(name),
                     ", expected one number.");
  const auto value = static_cast<double>(w.read(name).data()[0]);
  require<FileError>(std::isfinite(value) && std::abs(value) < 100, w.path(), ": tensor '", name, "' is ", value,
                     ", which is no temperature or bias.");
  return value;
}

}  // namespace

std::unique_ptr<TextEncoder> open_text_encoder(const std::string& path, const BackboneOptions& options) {
  const Weights weights(path);
  TextFamily family;
  require<FileError>(recognise_text(weights, family), "[text] ", path,
                     ": holds no text encoder of CLIP or SigLIP. Give a file of the whole model, with its text part.");
  const NamedTensors tensors(weights, family.prefix, family.rules);
  const ModelConfig config = read_model_config(weights);
  auto encoder = std::make_unique<TextEncoder>();
  TextConfig c = read_sizes(tensors, family);
  choose_heads(tensors, family, config, c, encoder->settings_);
  if (options.norm_eps > 0) c.norm_eps = static_cast<real>(options.norm_eps);
  c.activation = choose_activation(weights.path(), options.activation, config.activation, family.activation.value,
                                   family.activation.source, encoder->settings_);
  encoder->model_ = std::make_unique<TextTransformer>(c, nullptr);
  encoder->model_->load([&](const std::string& name, const Shape& shape) { return tensors.read(name, shape); });
  tensors.require_all_read();
  encoder->model_->pack();
  encoder->description_ =
      cat(family.title, " text encoder, ", c.depth, " blocks of width ", c.dim, ", ", c.length, " tokens");
  encoder->score_ = {std::exp(number_in(weights, family.prefix + "logit_scale", std::log(100.0))),
                     number_in(weights, family.prefix + "logit_bias", 0), !family.causal};
  return encoder;
}

Tensor TextEncoder::features(const TokenIds& texts) const {
  const TextConfig& c = model_->config();
  std::map<std::size_t, std::vector<std::size_t>> by_length;
  TokenIds cut = texts;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::vector<Index>& ids = cut[i];
    require<ShapeError>(!ids.empty() && static_cast<Index>(ids.size()) <= c.length, "[text] text ", i, " has ",
                        ids.size(), " tokens: give 1 to ", c.length, ".");
    if (c.causal)  // nothing behind the end token can be seen from it
      ids.resize(usize(std::max_element(ids.begin(), ids.end()) - ids.begin()) + 1);
    by_length[ids.size()].push_back(i);
  }
  Tensor all({static_cast<Index>(texts.size()), c.out});
  constexpr std::size_t kTogether = 64;  // bounds the memory of many texts
  for (const auto& [length, members] : by_length)
    for (std::size_t begin = 0; begin < members.size(); begin += kTogether) {
      const std::size_t end = std::min(members.size(), begin + kTogether);
      TokenIds batch;
      for (std::size_t k = begin; k < end; ++k) batch.push_back(cut[members[k]]);
      const Tensor vectors = model_->features<Tensor>(batch);
      for (std::size_t k = begin; k < end; ++k)
        std::copy_n(vectors.data() + static_cast<Index>(k - begin) * c.out, c.out,
                    all.data() + static_cast<Index>(members[k]) * c.out);
    }
  return all;
}

Tensor normalized_rows(const Tensor& x) {
  const Index c = x.dim(-1), rows = c > 0 ? x.size() / c : 0;
  Tensor y = x.clone();
  for (Index i = 0; i < rows; ++i) {
    real* row = y.data() + i * c;
    double square = 0;
    for (Index k = 0; k < c; ++k) square += double(row[k]) * double(row[k]);
    if (square > 0)
      for (Index k = 0; k < c; ++k) row[k] = static_cast<real>(double(row[k]) / std::sqrt(square));
  }
  return y;
}

}  // namespace fu
