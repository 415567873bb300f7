// The names that a pickle may use, and what stands for the result of calling them.
#include "core/files/bytes.h"
#include "core/files/pickle_machine.h"

namespace fu {

namespace {

constexpr std::size_t kMaxTensors = 50000;

enum Global : std::int64_t { kDictionary, kRebuildTensor, kRebuildParameter, kStorage, kSize, kInert };

struct KnownGlobal {
  const char* module;
  const char* name;
  Global meaning;
  DType type;
};

// Everything a pickle may name. Inert ones stand for "some value that is not a tensor".
constexpr KnownGlobal kGlobals[] = {
    {"collections", "OrderedDict", kDictionary, DType::f32},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor, DType::f32},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor, DType::f32},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter, DType::f32},
    {"torch", "HalfStorage", kStorage, DType::f16},
    {"torch", "BFloat16Storage", kStorage, DType::bf16},
    {"torch", "FloatStorage", kStorage, DType::f32},
    {"torch", "DoubleStorage", kStorage, DType::f64},
    {"torch", "CharStorage", kStorage, DType::i8},
    {"torch", "ShortStorage", kStorage, DType::i16},
    {"torch", "IntStorage", kStorage, DType::i32},
    {"torch", "LongStorage", kStorage, DType::i64},
    {"torch", "ByteStorage", kStorage, DType::u8},
    {"torch", "BoolStorage", kStorage, DType::boolean},
    {"torch", "Size", kSize, DType::f32},
    {"torch", "device", kInert, DType::f32},
    {"torch", "float32", kInert, DType::f32},
    {"torch", "float16", kInert, DType::f32},
    {"torch", "bfloat16", kInert, DType::f32},
    {"argparse", "Namespace", kInert, DType::f32},
    {"numpy.core.multiarray", "scalar", kInert, DType::f32},
    {"numpy", "dtype", kInert, DType::f32},
    {"_codecs", "encode", kInert, DType::f32},
};

}  // namespace

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  for (const KnownGlobal& g : kGlobals)
    if (module == g.module && name == g.name) {
      PickleValue value;
      value.kind = Kind::global;
      value.integer = g.meaning;
      value.type = g.type;
      push(std::move(value));
      return;
    }
  fail("names '" + printable(module) + "." + printable(name) +
       "', which is not part of a tensor; nothing was executed. Save the state_dict alone "
       "(torch.save(model.state_dict(), path))");
}

void PickleMachine::reduce() {
  const PickleRef arguments = pop(), callable = pop();
  if (values_[callable].kind == Kind::opaque) {
    push(Kind::opaque);
    return;
  }
  if (values_[callable].kind != Kind::global || values_[arguments].kind != Kind::sequence)
    fail("calls what is no function");
  const std::vector<PickleRef>& args = values_[arguments].items;  // valid until the next push
  switch (values_[callable].integer) {
    case kDictionary: return push_ordered_dictionary(args);
    case kRebuildTensor: return push_tensor(args);
    case kRebuildParameter:
      if (args.empty() || values_[args[0]].kind != Kind::tensor) fail("builds a parameter from no tensor");
      stack_.push_back(args[0]);
      return;
    case kSize:
      if (args.empty() || values_[args[0]].kind != Kind::sequence) fail("builds a size from no tuple");
      stack_.push_back(args[0]);
      return;
    case kInert: push(Kind::opaque); return;
    default: fail("calls a storage type");
  }
}

void PickleMachine::push_ordered_dictionary(const std::vector<PickleRef>& args) {
  PickleValue value;
  value.kind = Kind::dictionary;
  if (!args.empty() && values_[args[0]].kind == Kind::sequence) {  // OrderedDict([(key, value), ...])
    for (PickleRef pair : values_[args[0]].items) {
      const PickleValue& p = values_[pair];
      if (p.kind != Kind::sequence || p.items.size() != 2) fail("builds a dictionary from what are no pairs");
      value.items.insert(value.items.end(), p.items.begin(), p.items.end());
    }
    count_items(value.items.size());
  }
  push(std::move(value));
}

void PickleMachine::push_tensor(const std::vector<PickleRef>& a) {
  // (storage, offset, sizes, strides, ...)
  if (a.size() < 4 || values_[a[0]].kind != Kind::storage || values_[a[1]].kind != Kind::integer)
    fail("builds a tensor from the wrong arguments");
  PickleTensor t;
  const PickleValue& storage = values_[a[0]];
  t.storage = storage.text;
  t.type = storage.type;
  t.storage_elements = storage.integer;
  t.offset = values_[a[1]].integer;
  t.sizes = integers(a[2]);
  t.strides = integers(a[3]);
  if (tensors_.size() >= kMaxTensors) fail("has more than " + std::to_string(kMaxTensors) + " tensors");
  tensors_.push_back(std::move(t));
  PickleValue value;
  value.kind = Kind::tensor;
  value.tensor = static_cast<std::int32_t>(tensors_.size() - 1);
  push(std::move(value));
}

void PickleMachine::push_storage(PickleRef id) {
  // ('storage', type, key, device, elements[, view])
  const PickleValue& v = values_[id];
  const auto kind = [&](std::size_t i) { return i < v.items.size() ? values_[v.items[i]].kind : Kind::none; };
  if (v.kind != Kind::sequence || v.items.size() < 5 || kind(0) != Kind::text ||
      values_[v.items[0]].text != "storage" || kind(1) != Kind::global || values_[v.items[1]].integer != kStorage ||
      kind(2) != Kind::text || kind(4) != Kind::integer)
    fail("refers to something that is no storage");
  if (v.items.size() > 5 && kind(5) != Kind::none)
    fail("has a storage that is a view of another, which is not supported. Save it again with a current PyTorch");
  PickleValue storage;
  storage.kind = Kind::storage;
  storage.type = values_[v.items[1]].type;
  storage.text = values_[v.items[2]].text;
  storage.integer = values_[v.items[4]].integer;
  push(std::move(storage));
}

std::vector<std::int64_t> PickleMachine::integers(PickleRef sequence) const {
  const PickleValue& v = values_[sequence];
  if (v.kind != Kind::sequence || v.items.size() > 8) fail("has sizes that are no tuple of at most 8");
  std::vector<std::int64_t> out;
  for (PickleRef r : v.items) {
    if (values_[r].kind != Kind::integer) fail("has a size that is no integer");
    out.push_back(values_[r].integer);
  }
  return out;
}

}  // namespace fu
