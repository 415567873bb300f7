// The names that a pickle may use, and what stands for the result of calling them.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/files/bytes.h"
#include "core/files/pickle_machine.h"

namespace fu {

namespace {

constexpr std::size_t kMaxTensors = 50000, kMaxGlobals = 10000;

enum Global : std::int64_t {
  kDictionary,
  kModule,
  kRebuildTensor,
  kRebuildTypedTensor,
  kRebuildParameter,
  kStorage,
  kUntypedStorage,
  kSize
};

struct KnownGlobal {
  const char* module;
  const char* name;
  Global meaning;
  DType type;
};

// The names that have a meaning here.
constexpr KnownGlobal kGlobals[] = {
    {"collections", "OrderedDict", kDictionary, DType::f32},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensor, DType::f32},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor, DType::f32},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTypedTensor, DType::f32},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter, DType::f32},
    {"torch._utils", "_rebuild_parameter_with_state", kRebuildParameter, DType::f32},
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
    {"torch.storage", "UntypedStorage", kUntypedStorage, DType::u8},
    {"torch", "Size", kSize, DType::f32},
};

// What _rebuild_tensor_v3 names the type of its numbers by. PyTorch uses it for types that came after the storages
// above.
constexpr struct {
  const char* name;
  DType type;
} kTensorTypes[] = {{"torch.float8_e4m3fn", DType::f8_e4m3},
                    {"torch.float8_e5m2", DType::f8_e5m2},
                    {"torch.uint16", DType::u16},
                    {"torch.uint32", DType::u32},
                    {"torch.uint64", DType::u64},
                    {"torch.float16", DType::f16},
                    {"torch.bfloat16", DType::bf16},
                    {"torch.float32", DType::f32},
                    {"torch.float64", DType::f64},
                    {"torch.int8", DType::i8},
                    {"torch.int16", DType::i16},
                    {"torch.int32", DType::i32},
                    {"torch.int64", DType::i64},
                    {"torch.uint8", DType::u8},
                    {"torch.bool", DType::boolean}};

// Names that no file of weights has a reason to use. As nothing is called they could do no harm; but such a file was
// made to attack whoever opens it elsewhere, and its user should know. "*": every name of the module, and of modules
// inside of it.
constexpr struct {
  const char* module;
  const char* name;
} kForbidden[] = {{"os", "*"},
                  {"posix", "*"},
                  {"nt", "*"},
                  {"subprocess", "*"},
                  {"sys", "*"},
                  {"importlib", "*"},
                  {"runpy", "*"},
                  {"socket", "*"},
                  {"shutil", "*"},
                  {"webbrowser", "*"},
                  {"ctypes", "*"},
                  {"_ctypes", "*"},
                  {"pickle", "*"},
                  {"_pickle", "*"},
                  {"cPickle", "*"},
                  {"marshal", "*"},
                  {"pty", "*"},
                  {"commands", "*"},
                  {"builtins", "eval"},
                  {"builtins", "exec"},
                  {"builtins", "open"},
                  {"builtins", "getattr"},
                  {"builtins", "setattr"},
                  {"builtins", "delattr"},
                  {"builtins", "__import__"},
                  {"builtins", "compile"},
                  {"builtins", "execfile"},
                  {"builtins", "globals"},
                  {"builtins", "breakpoint"},
                  {"builtins", "input"}};

bool is_forbidden(std::string_view module, std::string_view name) {
  if (module == "__builtin__") module = "builtins";  // its name in Python 2
  for (const auto& f : kForbidden) {
    const std::string_view inside = f.module;
    const bool same =
        module.substr(0, inside.size()) == inside && (module.size() == inside.size() || module[inside.size()] == '.');
    // A dotted name ("eval.__call__") reaches into what its first part names.
    if (same && (std::strcmp(f.name, "*") == 0 || name.substr(0, name.find('.')) == f.name)) return true;
  }
  return false;
}

}  // namespace

std::int64_t PickleMachine::name_index(const std::string& name) {
  const auto [it, fresh] = name_indices_.emplace(name, static_cast<std::int64_t>(names_.size()));
  if (fresh) names_.push_back(name);
  if (names_.size() > kMaxGlobals) fail("names absurdly many globals");
  return it->second;
}

void PickleMachine::push_opaque(std::int64_t name, bool holds_tensor) {
  PickleValue value;
  value.kind = Kind::opaque;
  value.integer = name;
  value.holds_tensor = holds_tensor;
  push(std::move(value));
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  PickleValue value;
  value.kind = Kind::global;
  for (const KnownGlobal& g : kGlobals)
    if (module == g.module && name == g.name) {
      value.integer = g.meaning;
      value.type = g.type;
      push(std::move(value));
      return;
    }
  constexpr std::string_view kScript = "__torch__.";
  if (module.substr(0, kScript.size()) == kScript) {
    value.integer = kModule;
    push(std::move(value));
    return;
  }
  const std::string full = printable(module) + "." + printable(name);
  if (is_forbidden(module, name)) fail("names '" + full + "', " + kNotPartOfTensor);
  // An array of NumPy is no tensor of PyTorch, but whoever finds one among the weights must not pass over it.
  const bool array = name == "_reconstruct" && module.substr(0, 5) == "numpy";
  push_opaque(name_index(full), array);
}

void PickleMachine::reduce() {
  const PickleRef arguments = pop(), callable = pop();
  if (values_[callable].kind == Kind::opaque)
    return push_opaque(values_[callable].integer, values_[callable].holds_tensor || values_[arguments].holds_tensor);
  if (values_[callable].kind != Kind::global || values_[arguments].kind != Kind::sequence)
    fail("calls what is no function");
  const std::vector<PickleRef>& args = values_[arguments].items;  // valid until the next push
  switch (values_[callable].integer) {
    case kDictionary: return push_ordered_dictionary(args);
    case kModule: {
      PickleValue value;
      value.kind = Kind::dictionary;
      value.module = true;
      push(std::move(value));
      return;
    }
    case kRebuildTensor: return push_tensor(args, false);
    case kRebuildTypedTensor: return push_tensor(args, true);
    case kRebuildParameter:
      if (args.empty() || (values_[args[0]].kind != Kind::tensor && values_[args[0]].kind != Kind::opaque))
        fail("builds a parameter from no tensor");
      stack_.push_back(args[0]);
      return;
    case kSize:
      if (args.empty() || values_[args[0]].kind != Kind::sequence) fail("builds a size from no tuple");
      stack_.push_back(args[0]);
      return;
    default: fail("calls a storage type");
  }
}

/// BUILD: the state of an object. That of a TorchScript module is what it holds; dictionaries and tensors need none.
void PickleMachine::build() {
  const PickleRef state = pop(), object = top();
  PickleValue& v = values_[object];
  if (v.kind == Kind::dictionary && v.module) {
    // A class with a state of its own making, which is no module.
    if (values_[state].kind != Kind::dictionary) return;
    const std::vector<PickleRef> items = values_[state].items;
    append(object, items, true);
  } else if (v.kind == Kind::opaque) {
    v.holds_tensor = v.holds_tensor || values_[state].holds_tensor;
  } else if (v.kind != Kind::dictionary && v.kind != Kind::tensor) {
    fail("sets the state of what has none");
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
      value.holds_tensor = value.holds_tensor || p.holds_tensor;
    }
    count_items(value.items.size());
  }
  push(std::move(value));
}

void PickleMachine::push_tensor(const std::vector<PickleRef>& a, bool typed) {
  // (storage, offset, sizes, strides, gradient wanted, hooks[, type]); the type where the storage has none
  if (!a.empty() && values_[a[0]].kind == Kind::opaque) return push_opaque(values_[a[0]].integer, true);
  if (a.size() < (typed ? 7 : 4) || values_[a[0]].kind != Kind::storage || values_[a[0]].untyped != typed ||
      values_[a[1]].kind != Kind::integer || (typed && values_[a[6]].kind != Kind::opaque))
    fail("builds a tensor from the wrong arguments");
  PickleTensor t;
  const PickleValue& storage = values_[a[0]];
  t.storage = storage.text;
  t.type = storage.type;
  t.storage_elements = storage.integer;
  if (typed) {
    const std::int64_t name = values_[a[6]].integer;
    const auto type = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                   [&](const auto& known) { return names_[usize(name)] == known.name; });
    if (type == std::end(kTensorTypes)) return push_opaque(name, true);
    t.type = type->type;
    t.storage_elements /= dtype_size(t.type);
  }
  t.offset = values_[a[1]].integer;
  t.sizes = integers(a[2]);
  t.strides = integers(a[3]);
  if (tensors_.size() >= kMaxTensors) fail("has more than " + std::to_string(kMaxTensors) + " tensors");
  tensors_.push_back(std::move(t));
  PickleValue value;
  value.kind = Kind::tensor;
  value.holds_tensor = true;
  value.tensor = static_cast<std::int32_t>(tensors_.size() - 1);
  push(std::move(value));
}

void PickleMachine::push_storage(PickleRef id) {
  // ('storage', type, key, device, elements[, view])
  const PickleValue& v = values_[id];
  const auto kind = [&](std::size_t i) { return i < v.items.size() ? values_[v.items[i]].kind : Kind::none; };
  // Numbers of a type that is not known: inert, unless somebody asks for a tensor of it.
  if (v.kind == Kind::sequence && kind(1) == Kind::opaque) return push_opaque(values_[v.items[1]].integer, true);
  if (v.kind != Kind::sequence || v.items.size() < 5 || kind(0) != Kind::text ||
      values_[v.items[0]].text != "storage" || kind(1) != Kind::global ||
      (values_[v.items[1]].integer != kStorage && values_[v.items[1]].integer != kUntypedStorage) ||
      kind(2) != Kind::text || kind(4) != Kind::integer)
    fail("refers to something that is no storage");
  if (v.items.size() > 5 && kind(5) != Kind::none)
    fail("has a storage that is a view of another, which is not supported. Save it again with a current PyTorch");
  PickleValue storage;
  storage.kind = Kind::storage;
  storage.holds_tensor = true;
  storage.type = values_[v.items[1]].type;
  storage.untyped = values_[v.items[1]].integer == kUntypedStorage;
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
