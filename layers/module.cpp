#include "layers/module.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fu {

void Module::add(const std::string& name, Parameter& parameter, FileLayout layout, NarrowMatrix* narrow) {
  parameter.name = name;
  own_.push_back({name, &parameter, layout, narrow});
}

void Module::add(const std::string& name, Module& child) {
  child.registered_name_ = name;
  children_.emplace_back(name, &child);
}

void Module::visit(const std::function<void(const std::string&, Parameter&, FileLayout)>& f,
                   const std::string& prefix) {
  visit_entries([&f](const std::string& name, const Entry& e) { f(name, *e.parameter, e.layout); }, prefix);
}

void Module::visit_entries(const std::function<void(const std::string&, const Entry&)>& f, const std::string& prefix) {
  for (const Entry& e : own_) f(prefix + e.name, e);
  for (const auto& [name, child] : children_) child->visit_entries(f, prefix + name + ".");
}

std::vector<Parameter*> Module::parameters() {
  std::vector<Parameter*> all;
  visit([&](const std::string& name, Parameter& p, FileLayout) {
    p.name = name;  // full names make the engine's messages clear
    if (std::find(all.begin(), all.end(), &p) == all.end()) all.push_back(&p);  // tied weights count once
  });
  return all;
}

Index Module::parameter_count() {
  Index count = 0;
  visit([&](const std::string&, Parameter& p, FileLayout) { count += p.value.size(); });
  return count;
}

namespace {

void refuse_packed(const char* what, const std::string& name, const Parameter& p) {
  require<UsageError>(!p.packed, "[", what, "] '", name,
                      "' is packed for inference; its weights are gone. Load them into a module that is not packed.");
}

Shape file_shape(const Shape& s, FileLayout layout) {
  switch (layout) {
    case FileLayout::same: return s;
    case FileLayout::matrix_as_conv: return {s[0], s[1], 1, 1};
    case FileLayout::conv: return {s[0], s[3], s[1], s[2]};
    case FileLayout::depthwise: return {s[2], 1, s[0], s[1]};
  }
  return s;
}

Tensor from_file(const Tensor& t, const Shape& own, FileLayout layout) {
  if (layout == FileLayout::conv) return t.permute({0, 2, 3, 1});
  if (layout == FileLayout::depthwise) return t.permute({2, 3, 0, 1}).reshape(own);
  return t.reshape(own);
}

Tensor to_file(const Tensor& t, FileLayout layout) {
  const Shape shape = file_shape(t.shape(), layout);
  if (layout == FileLayout::conv) return t.permute({0, 3, 1, 2});
  if (layout == FileLayout::depthwise) return t.permute({2, 0, 1}).reshape(shape);
  return t.reshape(shape);
}

}  // namespace

void Module::load(const Reader& read, const NarrowTypes& types) {
  visit_entries(
      [&](const std::string& name, const Entry& e) {
        Parameter& p = *e.parameter;
        refuse_packed("load", name, p);
        const Shape own = p.value.shape();
        const Tensor t = from_file(read(name, file_shape(own, e.layout)), own, e.layout);
        const NarrowType type = types && e.narrow ? types(name) : NarrowType::none;
        if (type == NarrowType::none) return p.set(t);
        *e.narrow = pack_narrow(t.reshape({own[0], -1}), type);
        p.set(Tensor());
        p.trainable = false, p.packed = true;
      },
      "");
}

void Module::load(const Weights& weights, const std::string& prefix) {
  load([&](const std::string& name, const Shape& shape) {
    const Shape& found = weights.shape(prefix + name);
    // Some files write a 1x1 convolution without its two ones.
    const bool flat = shape.rank() == 4 && shape[2] == 1 && shape[3] == 1 && found.rank() == 2;
    return weights.read(prefix + name, flat ? Shape{shape[0], shape[1]} : shape);
  });
}

void Module::save(std::map<std::string, Tensor>& tensors, const std::string& prefix) {
  visit(
      [&](const std::string& name, Parameter& p, FileLayout layout) {
        refuse_packed("save", name, p);
        tensors[name] = to_file(p.value, layout);
      },
      prefix);
}

void Module::train(Random& random) {
  for (const auto& [name, child] : children_) child->train(random);
}

void Module::eval() {
  for (const auto& [name, child] : children_) child->eval();
}

void Module::set_trainable(bool trainable) {
  visit([&](const std::string& name, Parameter& p, FileLayout) {
    if (trainable) refuse_packed("train", name, p);
    p.trainable = trainable && !p.buffer;
  });
}

PackedLinear pack_weight(const Tensor& weight, NarrowMatrix& narrow, const Tensor& scale, const Tensor& bias) {
  if (narrow.type != NarrowType::none) return PackedLinear(std::exchange(narrow, NarrowMatrix()), scale, bias);
  const Index out = weight.dim(0);
  const Tensor rows = weight.reshape({out, out > 0 ? weight.size() / out : 0});
  return PackedLinear(scale.size() > 0 ? rows * scale.reshape({out, 1}) : rows, bias);
}

Tensor uniform_fan_in(const Shape& shape, Index fan_in, Random* random) {
  if (!random) return Tensor(shape);
  const auto bound = static_cast<real>(fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0);
  return random->uniform(shape, -bound, bound);
}

}  // namespace fu
