// Text encoders: what a token sees, files of several publishers, and refusals.
#include "autograd/ops.h"
#include "core/files/weights.h"
#include "featup/text/prompts.h"
#include "featup/text/text_encoder.h"
#include "tests/support.h"

using namespace fu;
using namespace fu::test;

namespace {

TextConfig small_text(bool causal) {
  TextConfig c;
  c.vocabulary = 30, c.length = 7, c.dim = 64, c.depth = 2, c.heads = 1, c.mlp_hidden = 48, c.out = 5;
  c.causal = causal, c.out_bias = !causal;
  return c;
}

std::map<std::string, Tensor> tensors_of(TextTransformer& model) {
  std::map<std::string, Tensor> all;
  model.save(all);
  return all;
}

/// The same tensors under OpenAI's names, and under Hugging Face's.
void rename(const std::map<std::string, Tensor>& own, std::map<std::string, Tensor>& openai,
            std::map<std::string, Tensor>& hf) {
  const std::string text = "text_model.";
  for (const auto& [name, t] : own) {
    if (name.rfind("blocks.", 0) != 0) continue;
    const std::string number = name.substr(7, 1), part = name.substr(9), kind = part.substr(part.rfind('.'));
    const std::string o = "transformer.resblocks." + number + ".", h = text + "encoder.layers." + number + ".";
    if (part.rfind("attn.qkv", 0) == 0) {
      openai[o + "attn.in_proj_" + kind.substr(1)] = t;
      for (Index i = 0; i < 3; ++i)
        hf[h + "self_attn." + std::string(1, "qkv"[i]) + "_proj" + kind] = t.slice(i * 64, (i + 1) * 64).clone();
    }
    for (const auto& [from, to, theirs] : {std::tuple{"attn.proj", "attn.out_proj", "self_attn.out_proj"},
                                           {"norm1", "ln_1", "layer_norm1"},
                                           {"norm2", "ln_2", "layer_norm2"},
                                           {"mlp.fc1", "mlp.c_fc", "mlp.fc1"},
                                           {"mlp.fc2", "mlp.c_proj", "mlp.fc2"}})
      if (part == from + kind) openai[o + to + kind] = hf[h + theirs + kind] = t;
  }
  openai["token_embedding.weight"] = hf[text + "embeddings.token_embedding.weight"] = own.at("token_embedding.weight");
  openai["positional_embedding"] = hf[text + "embeddings.position_embedding.weight"] = own.at("positional_embedding");
  for (const char* kind : {"weight", "bias"})
    openai[std::string("ln_final.") + kind] = hf[text + "final_layer_norm." + kind] =
        own.at(std::string("ln_final.") + kind);
  openai["text_projection"] = own.at("projection.weight").permute({1, 0});
  hf["text_projection.weight"] = own.at("projection.weight");
  openai["logit_scale"] = hf["logit_scale"] = Tensor::full({}, real(2));
}

}  // namespace

TEST_CASE("text: a causal encoder does not see what follows, the other one sees all") {
  for (const bool causal : {true, false}) {
    Random random(3);
    TextTransformer model(small_text(causal), &random);
    const Tensor a = model.features<Tensor>({{3, 5, 29}}), b = model.features<Tensor>({{3, 5, 29, 4}, {3, 5, 29, 9}});
    CHECK(a.shape() == Shape{1, 5});
    CHECK(relative_error(b.slice(0, 1), b.slice(1, 2)) > 1e-3);
    // Other tokens in front change the last one's vector; with a mask, the vector of a longer text differs too.
    CHECK(relative_error(model.features<Tensor>({{4, 5, 29}}), a) > 1e-4);
    // Values on a tape are the same bits, and every parameter that takes part has a gradient.
    {
      Tape tape;
      const Var y = model.features<Var>({{3, 5, 29}});
      CHECK(same_bits(y.value, a));
      backward(mean(square(y)));
      for (const Parameter* p : model.parameters()) CHECK(p->has_grad());
    }
    TextTransformer packed(small_text(causal), nullptr);
    const auto tensors = tensors_of(model);
    packed.load([&](const std::string& name, const Shape&) { return tensors.at(name); });
    packed.pack();
    CHECK(relative_error(packed.features<Tensor>({{3, 5, 29}}), a) <= 1e-5);
    CHECK(contains(message_of([&] { model.features<Tensor>({{1, 2}, {1}}); }), "all must be of one length"));
    CHECK(message_of([&] {
            model.features<Tensor>(TokenIds{std::vector<Index>{1, 30}});
          }) == "[gather] row 30 of (30,64), which has 30.");
    CHECK(contains(message_of([&] { model.features<Tensor>({{1, 2, 3, 4, 5, 6, 7, 8}}); }), "1 to 7 tokens"));
  }
}

TEST_CASE("text: OpenAI's and Hugging Face's names, texts of any lengths, and what stands behind the end token") {
  const TempFolder folder;
  Random random(4);
  TextTransformer model(small_text(true), &random);
  std::map<std::string, Tensor> openai, hf;
  rename(tensors_of(model), openai, hf);
  openai["visual.proj"] = Tensor::zeros({3, 3});
  hf["vision_model.anything.weight"] = Tensor::zeros({3, 3});
  write_safetensors(folder / "openai", openai);
  write_safetensors(folder / "hf", hf);
  BackboneOptions options;
  options.activation = "quick";
  const auto a = open_text_encoder(folder / "openai", options), b = open_text_encoder(folder / "hf", options);
  CHECK(a->describe() == "CLIP text encoder, 2 blocks of width 64, 7 tokens");
  CHECK(settings_text(a->settings()) == "heads 1 (by the width), activation quick (option)");
  CHECK(a->score().scale == doctest::Approx(std::exp(2.0)));
  CHECK(!a->wants_padding());
  const TokenIds texts = {{28, 5, 29}, {28, 1, 2, 3, 29}, {28, 29}, {28, 7, 29}};
  const Tensor expected = a->features(texts);
  CHECK(relative_error(b->features(texts), expected) <= 1e-6);
  for (std::size_t i = 0; i < texts.size(); ++i)
    CHECK(relative_error(model.features<Tensor>({texts[i]}), expected.slice(Index(i), Index(i) + 1)) <= 1e-5);
  CHECK(same_bits(a->features({{28, 5, 29, 0, 0, 0}, {28, 5, 29, 29, 4}}).slice(0, 1), expected.slice(0, 1)));
  CHECK(same_bits(a->features({{28, 5, 29, 0, 0, 0}, {28, 5, 29, 29, 4}}).slice(1, 2), expected.slice(0, 1)));
  CHECK(relative_error(open_text_encoder(folder / "openai")->features(texts), expected) > 1e-6);  // erf by default

  const auto refusal = [&](std::map<std::string, Tensor> tensors, const std::string& name, const Shape& shape) {
    tensors[name] = Tensor::zeros(shape);
    write_safetensors(folder / "broken", tensors);
    return message_of([&] { open_text_encoder(folder / "broken"); });
  };
  CHECK(contains(refusal(openai, "text_extra.weight", {3}), "has the tensor 'text_extra.weight'"));
  CHECK(contains(refusal(hf, "text_model.encoder.layers.0.self_attn.q_norm.weight", {64}), "q_norm"));
  CHECK(contains(refusal(openai, "positional_embedding", {7, 63}), "expected (length,64)"));
  CHECK(contains(refusal(openai, "logit_scale", {2}), "expected one number"));
  CHECK(contains(refusal({}, "a", {1}), "holds no text encoder of CLIP or SigLIP"));
  CHECK(contains(message_of([&] { a->features({{}}); }), "text 0 has 0 tokens"));
}

TEST_CASE("text: prompts and words") {
  CHECK(prompt_templates("one").size() == 1);
  CHECK(prompt_templates("seven").size() == 7);
  CHECK(prompt_templates("all").size() == 85);
  CHECK(contains(message_of([] { prompt_templates("two"); }), "choices are one, seven, all"));
  for (const std::string& t : prompt_templates("all")) CHECK(contains(t, "{}"));
  CHECK(split_words(" cat, sofa ,,anything else ") == std::vector<std::string>{"cat", "sofa", "anything else"});
  CHECK(split_words("a b\r\n\nc", '\n') == std::vector<std::string>{"a b", "c"});
  CHECK(split_words("").empty());
}
