#include "featup/backbones/vit_backbone.h"

#include "core/number_text.h"
#include "featup/backbones/activations.h"

namespace fu {

namespace {

/// All that is decided before a tensor is read.
struct VitPlan {
  NamedTensors tensors;
  VitConfig config = {};
  VitFeature feature = VitFeature::token;
  std::string feature_name = {};
  Index layer = 0;
  Normalization normalization = kImageNet;
  BackboneSummary summary = {};
};

const std::vector<std::pair<std::string, VitFeature>>& feature_names() {
  static const std::vector<std::pair<std::string, VitFeature>> names = {
      {"token", VitFeature::token},           {"key", VitFeature::key},   {"query", VitFeature::query},
      {"value", VitFeature::value},           {"cls", VitFeature::cls},   {"attention", VitFeature::attention},
      {"maskclip", VitFeature::maskclip},     {"clip", VitFeature::clip}, {"image", VitFeature::image},
      {"value-path", VitFeature::value_path},
  };
  return names;
}

/// The usual letter of a transformer's size, or an empty text.
std::string size_letter(const VitConfig& c) {
  struct Size {
    Index dim, depth;
    const char* letter;
  };
  for (const Size& s :
       {Size{192, 12, "Ti"}, Size{384, 12, "S"}, Size{768, 12, "B"}, Size{1024, 24, "L"}, Size{1152, 27, "so400m"},
        Size{1280, 32, "H"}, Size{1408, 40, "g"}, Size{1536, 40, "g"}, Size{1664, 48, "bigG"}, Size{4096, 40, "7B"}})
    if (s.dim == c.dim && s.depth == c.depth) return s.letter;
  return {};
}

void choose_heads(VitPlan& plan, const BackboneFile& file, const VitFamily& family, const BackboneOptions& options) {
  VitConfig& c = plan.config;
  std::string source;
  if (options.heads > 0) {
    c.heads = options.heads, source = "option";
  } else if (file.config.heads) {
    c.heads = file.config.heads->value, source = file.config.heads->source;
  } else if (family.heads > 0) {
    c.heads = family.heads, source = "usual for " + family.title;
  } else {
    c.heads = usual_heads(c.dim, c.rotary), source = "by the width";
  }
  require<UsageError>(
      c.heads > 0, "[backbone] ", file.weights.path(), ": is a transformer of width ", c.dim,
      ", of which the number of attention heads is not known. Give heads, or the config.json beside it.");
  require<UsageError>(c.dim % c.heads == 0 && (!c.rotary || c.dim / c.heads % 4 == 0), "[backbone] ",
                      file.weights.path(), ": ", c.heads, " heads (", source, ") do not divide the width ", c.dim,
                      c.rotary ? " into multiples of 4." : ".");
  plan.summary.settings.push_back({"heads", std::to_string(c.heads), source});
}

void choose_eps(VitPlan& plan, const BackboneFile& file, const VitFamily& family, const BackboneOptions& options) {
  double eps = family.norm_eps.value;
  std::string source = family.norm_eps.source;
  if (options.norm_eps > 0)
    eps = options.norm_eps, source = "option";
  else if (file.config.norm_eps)
    eps = file.config.norm_eps->value, source = file.config.norm_eps->source;
  plan.config.norm_eps = static_cast<real>(eps);
  plan.summary.settings.push_back({"eps", number_text(eps, 6), source});
}

void choose_positions(VitPlan& plan, const BackboneFile& file, const VitFamily& family,
                      const BackboneOptions& options) {
  if (plan.config.rotary) {
    require<UsageError>(options.positions == "auto", "[backbone] positions ", options.positions, ": ", family.title,
                        " has no position embeddings; it rotates queries and keys.");
    return;
  }
  const std::vector<std::pair<std::string, PositionRule>> names = {
      {"dino", PositionRule::dino}, {"size", PositionRule::size}, {"aa", PositionRule::aa}};
  std::string wanted = options.positions, source = "option";
  if (wanted == "auto" && file.config.positions)
    wanted = file.config.positions->value, source = file.config.positions->source;
  plan.config.positions = family.positions.value;
  bool known = wanted == "auto";
  for (const auto& [name, rule] : names)
    if (name == wanted) plan.config.positions = rule, known = true;
  require<FileError>(known, file.weights.path(), ": ", source, " wants positions resized by '", printable(wanted),
                     "', which this program does not have.");
  for (const auto& [name, rule] : names)
    if (rule == plan.config.positions)
      plan.summary.settings.push_back({"positions", name, wanted == "auto" ? family.positions.source : source});
}

void choose_output(VitPlan& plan, const BackboneFile& file, const BackboneOptions& options) {
  const VitConfig& c = plan.config;
  plan.feature_name = options.feature != "auto" ? options.feature : c.projection > 0 ? "maskclip" : "token";
  for (const auto& [name, feature] : feature_names())
    if (name == plan.feature_name) plan.feature = feature;
  const bool pools = plan.feature == VitFeature::maskclip || plan.feature == VitFeature::image;
  const bool projected = pools || plan.feature == VitFeature::clip;
  const bool of_class = plan.feature == VitFeature::cls || plan.feature == VitFeature::attention;
  if (pools && plan.tensors.has("pool.mlp.fc1.weight"))
    plan.config.pool_hidden = plan.tensors.shape("pool.mlp.fc1.weight")[0];
  require<UsageError>(!projected || c.projection > 0 || c.pool_hidden > 0, "[backbone] ", file.weights.path(),
                      ": has no feature '", plan.feature_name, "': the file has no projection to the space of texts.");
  require<UsageError>(!of_class || c.prefix > 0, "[backbone] ", file.weights.path(), ": has no feature '",
                      plan.feature_name, "': it has no class token.");
  require<UsageError>(options.layer >= 0 && options.layer <= c.depth, "[backbone] ", file.weights.path(), ": layer ",
                      options.layer, ": there are ", c.depth, " blocks; they count from 1.");
  plan.layer = options.layer;
  plan.summary.settings.push_back({"feature", plan.feature_name, options.feature == "auto" ? "usual" : "option"});
  if (options.layer > 0) plan.summary.settings.push_back({"layer", std::to_string(options.layer), "option"});
}

VitPlan plan_vit(const BackboneFile& given, const VitFamily& family, const BackboneOptions& options) {
  BackboneFile file = given;
  VitPlan plan{NamedTensors(given.weights, given.prefix, family.rules, wanted_precision(options))};
  plan.config = read_vit_sizes(plan.tensors, family.rotary);
  VitConfig& c = plan.config;
  check_width(file, c.dim);
  choose_heads(plan, file, family, options);
  if (!c.gated_mlp)  // those have SiLU, always
    c.activation = choose_activation(file.weights.path(), options.activation, file.config.activation,
                                     family.activation.value, family.activation.source, plan.summary.settings);
  choose_eps(plan, file, family, options);
  choose_positions(plan, file, family, options);
  plan.normalization = choose_normalization(file, options, family.normalization.value, family.normalization.source,
                                            plan.summary.settings);
  choose_output(plan, file, options);
  say_precision(plan.tensors, options, plan.summary);
  const std::string letter = size_letter(c), patch = std::to_string(c.patch);
  std::string& text = plan.summary.text;
  text = family.title;
  if (!letter.empty())
    text += " ViT-" + letter + "/" + patch;
  else if (text.find("transformer") == std::string::npos)
    text += " transformer";
  if (c.registers > 0) text += " with " + std::to_string(c.registers) + " registers";
  text += ", " + std::to_string(c.depth) + " blocks of width " + std::to_string(c.dim) + ", patch " + patch;
  if (plan.feature_name != "token") text += ", feature " + plan.feature_name;
  return plan;
}

/// Reads all parameters of a network, and makes sure that none is left over. narrow: for inference, where weights may
/// stay in narrow types.
void load_parameters(Vit& vit, const VitPlan& plan, const BackboneFile& file, const VitFamily& family, bool narrow) {
  const NamedTensors& tensors = plan.tensors;
  const auto read = [&](const std::string& name, const Shape& shape) {
    if (name == "rope_embed.periods" && !tensors.has(name))
      return rope_periods(plan.config.dim / plan.config.heads,
                          file.config.rope_theta ? file.config.rope_theta->value : 100);
    const std::string ending = "attn.qkv.bias";
    const bool gaps = family.missing_key_bias && name.size() > ending.size() &&
                      name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
    return tensors.read(name, shape, gaps ? NamedTensors::Gaps::zeros : NamedTensors::Gaps::refused);
  };
  const auto type = [&](const std::string& name) { return tensors.narrow_type(name); };
  vit.load(read, narrow ? Module::NarrowTypes(type) : Module::NarrowTypes());
  if (plan.config.rotary && tensors.has("rope_embed.periods")) {
    const Tensor periods = tensors.read("rope_embed.periods", {plan.config.dim / plan.config.heads / 4});
    for (Index i = 0; i < periods.size(); ++i)
      require<FileError>(periods.data()[i] > 0, tensors.path(), ": tensor '",
                         tensors.name_in_file("rope_embed.periods"), "' has a period of ", periods.data()[i],
                         ", expected numbers above 0.");
  }
  tensors.require_all_read(plan.config.pool_hidden > 0 ? "" : "pool.");
}

class VitBackbone : public Backbone {
 public:
  VitBackbone(const VitPlan& plan, const BackboneFile& file, const VitFamily& family)
      : vit_(plan.config, nullptr),
        feature_(plan.feature),
        feature_name_(plan.feature_name),
        layer_(plan.layer),
        normalization_(plan.normalization),
        summary_(plan.summary) {
    load_parameters(vit_, plan, file, family, true);
    vit_.pack();
  }
  std::string describe() const override { return summary_.text; }
  std::vector<BackboneSetting> settings() const override { return summary_.settings; }
  std::string feature() const override { return feature_name_; }
  Index patch() const override { return vit_.config().patch; }
  Index channels() const override {
    const VitConfig& c = vit_.config();
    if (feature_ == VitFeature::attention) return c.heads;
    const bool projected =
        feature_ == VitFeature::clip || feature_ == VitFeature::maskclip || feature_ == VitFeature::image;
    return projected && c.pool_hidden == 0 ? c.projection : c.dim;
  }
  bool whole_image() const override { return feature_ == VitFeature::cls || feature_ == VitFeature::image; }
  Tensor features(const Tensor& image, const Progress& progress) const override {
    return vit_.features(renormalized(image, normalization_), feature_, layer_, progress);
  }
  Tensor hidden_state(const Tensor& image, Index layer) const override {
    return vit_.tokens(renormalized(image, normalization_), layer);
  }
  Tensor last_hidden_state(const Tensor& image) const override {
    const Tensor all = hidden_state(image, vit_.config().depth);
    return vit_.config().pre_norm ? all : vit_.final_norm(all);  // transformers normalises CLIP's class token alone
  }

 private:
  Vit vit_;
  VitFeature feature_;
  std::string feature_name_;
  Index layer_;
  Normalization normalization_;
  BackboneSummary summary_;
};

}  // namespace

std::vector<std::string> vit_features() { return {"token", "key", "query", "value", "value-path", "cls", "attention"}; }

std::vector<std::string> clip_features() {
  std::vector<std::string> all{"maskclip", "clip", "image"};
  for (const std::string& feature : vit_features()) all.push_back(feature);
  return all;
}

BackboneSummary describe_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options) {
  return plan_vit(file, family, options).summary;
}

std::unique_ptr<Backbone> open_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options) {
  return std::make_unique<VitBackbone>(plan_vit(file, family, options), file, family);
}

std::unique_ptr<Vit> load_vit(const BackboneFile& file, const VitFamily& family, const BackboneOptions& options) {
  const VitPlan plan = plan_vit(file, family, options);
  auto vit = std::make_unique<Vit>(plan.config, nullptr);
  load_parameters(*vit, plan, file, family, false);
  return vit;
}

}  // namespace fu
