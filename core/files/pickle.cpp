#include "core/files/pickle.h"

#include <cstring>

namespace fu {

namespace {

// A state_dict of a large model has some tens of thousands of values; a hostile file may have one for every byte.
constexpr std::size_t kMaxValues = 400000, kMaxItems = 2000000, kMaxTensors = 50000, kMaxSteps = 8000000;

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

Pickle::Pickle(std::string_view text, std::size_t begin, const std::string& path)
    : text_(text), path_(path), at_(begin) {
  run();
}

void Pickle::fail(const std::string& what) const { throw FileError(path_ + ": its pickle " + what + "."); }

std::uint64_t Pickle::bytes(int count) {
  const std::string_view s = take(static_cast<std::uint64_t>(count));
  return read_le(reinterpret_cast<const unsigned char*>(s.data()), count);
}

std::string_view Pickle::take(std::uint64_t length) {
  if (length > text_.size() - at_) fail("is cut off");
  const std::string_view s = text_.substr(at_, length);
  at_ += length;
  return s;
}

std::string_view Pickle::line() {
  const std::size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) fail("is cut off");
  const std::string_view s = text_.substr(at_, end - at_);
  at_ = end + 1;
  return s;
}

PickleRef Pickle::push(PickleValue v) {
  if (arena_.size() >= kMaxValues) fail("has more than " + std::to_string(kMaxValues) + " values; no state_dict has");
  arena_.push_back(std::move(v));
  stack_.push_back(static_cast<PickleRef>(arena_.size() - 1));
  return stack_.back();
}

PickleRef Pickle::pop() {
  const PickleRef r = top();
  stack_.pop_back();
  return r;
}

PickleRef Pickle::top() const {
  if (stack_.empty() || arena_[stack_.back()].kind == Kind::mark) fail("takes a value where there is none");
  return stack_.back();
}

std::vector<PickleRef> Pickle::pop_to_mark() {
  std::size_t i = stack_.size();
  while (i > 0 && arena_[stack_[i - 1]].kind != Kind::mark) --i;
  if (i == 0) fail("lacks a mark");
  std::vector<PickleRef> items(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
  stack_.resize(i - 1);
  return items;
}

void Pickle::push_int(std::int64_t v) {
  PickleValue value;
  value.kind = Kind::integer;
  value.integer = v;
  push(std::move(value));
}

void Pickle::push_text(std::string_view s) {
  PickleValue value;
  value.kind = Kind::text;
  value.text = s;
  push(std::move(value));
}

void Pickle::push_items(std::vector<PickleRef> items) {
  items_ += items.size();
  if (items_ > kMaxItems) fail("has absurdly many items");
  PickleValue value;
  value.kind = Kind::sequence;
  value.items = std::move(items);
  push(std::move(value));
}

void Pickle::push_global(std::string_view module, std::string_view name) {
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

void Pickle::append(PickleRef target, const std::vector<PickleRef>& items, bool pairs) {
  PickleValue& v = arena_[target];
  if (v.kind == Kind::opaque) return;
  if (v.kind != (pairs ? Kind::dictionary : Kind::sequence))
    fail("adds items to what is no " + std::string(pairs ? "dictionary" : "list"));
  if (pairs && items.size() % 2 != 0) fail("has a key without a value");
  items_ += items.size();
  if (items_ > kMaxItems) fail("has absurdly many items");
  v.items.insert(v.items.end(), items.begin(), items.end());
}

std::vector<std::int64_t> Pickle::integers(PickleRef sequence) const {
  const PickleValue& v = arena_[sequence];
  if (v.kind != Kind::sequence || v.items.size() > 8) fail("has sizes that are no tuple of at most 8");
  std::vector<std::int64_t> out;
  for (PickleRef r : v.items) {
    if (arena_[r].kind != Kind::integer) fail("has a size that is no integer");
    out.push_back(arena_[r].integer);
  }
  return out;
}

PickleRef Pickle::rebuild_tensor(const std::vector<PickleRef>& a) {
  // (storage, offset, sizes, strides, ...)
  if (a.size() < 4 || arena_[a[0]].kind != Kind::storage || arena_[a[1]].kind != Kind::integer)
    fail("builds a tensor from the wrong arguments");
  PickleTensor t;
  const PickleValue& storage = arena_[a[0]];
  t.storage = storage.text;
  t.type = storage.type;
  t.storage_elements = storage.integer;
  t.offset = arena_[a[1]].integer;
  t.sizes = integers(a[2]);
  t.strides = integers(a[3]);
  if (tensors_.size() >= kMaxTensors) fail("has more than " + std::to_string(kMaxTensors) + " tensors");
  tensors_.push_back(std::move(t));
  PickleValue value;
  value.kind = Kind::tensor;
  value.tensor = static_cast<std::int32_t>(tensors_.size() - 1);
  return push(std::move(value));
}

void Pickle::reduce() {
  const PickleRef arguments = pop(), callable = pop();
  if (arena_[callable].kind == Kind::opaque) {
    PickleValue value;
    value.kind = Kind::opaque;
    push(std::move(value));
    return;
  }
  if (arena_[callable].kind != Kind::global || arena_[arguments].kind != Kind::sequence)
    fail("calls what is no function");
  const std::vector<PickleRef>& args = arena_[arguments].items;  // nothing is pushed before its last use
  PickleValue value;
  switch (arena_[callable].integer) {
    case kDictionary:
      value.kind = Kind::dictionary;
      if (!args.empty() && arena_[args[0]].kind == Kind::sequence) {  // OrderedDict([(key, value), ...])
        for (PickleRef pair : arena_[args[0]].items) {
          const PickleValue& p = arena_[pair];
          if (p.kind != Kind::sequence || p.items.size() != 2) fail("builds a dictionary from what are no pairs");
          value.items.insert(value.items.end(), p.items.begin(), p.items.end());
        }
        items_ += value.items.size();
        if (items_ > kMaxItems) fail("has absurdly many items");
      }
      break;
    case kRebuildTensor: rebuild_tensor(args); return;
    case kRebuildParameter:
      if (args.empty() || arena_[args[0]].kind != Kind::tensor) fail("builds a parameter from no tensor");
      stack_.push_back(args[0]);
      return;
    case kSize:
      if (args.empty() || arena_[args[0]].kind != Kind::sequence) fail("builds a size from no tuple");
      stack_.push_back(args[0]);
      return;
    case kInert: value.kind = Kind::opaque; break;
    default: fail("calls a storage type");
  }
  push(std::move(value));
}

void Pickle::persistent(PickleRef id) {
  // ('storage', type, key, device, elements[, view])
  const PickleValue& v = arena_[id];
  const auto kind = [&](std::size_t i) { return i < v.items.size() ? arena_[v.items[i]].kind : Kind::none; };
  if (v.kind != Kind::sequence || v.items.size() < 5 || kind(0) != Kind::text || arena_[v.items[0]].text != "storage" ||
      kind(1) != Kind::global || arena_[v.items[1]].integer != kStorage || kind(2) != Kind::text ||
      kind(4) != Kind::integer)
    fail("refers to something that is no storage");
  if (v.items.size() > 5 && kind(5) != Kind::none)
    fail("has a storage that is a view of another, which is not supported. Save it again with a current PyTorch");
  PickleValue storage;
  storage.kind = Kind::storage;
  storage.type = arena_[v.items[1]].type;
  storage.text = arena_[v.items[2]].text;
  storage.integer = arena_[v.items[4]].integer;
  push(std::move(storage));
}

const PickleValue* Pickle::find(const PickleValue& dictionary, std::string_view key) const {
  if (dictionary.kind != Kind::dictionary) return nullptr;
  for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
    const PickleValue& k = arena_[dictionary.items[i]];
    if (k.kind == Kind::text && k.text == key) return &arena_[dictionary.items[i + 1]];
  }
  return nullptr;
}

void Pickle::run() {
  std::size_t steps = 0;
  while (step(static_cast<unsigned char>(take(1)[0])))
    if (++steps > kMaxSteps || memo_.size() > kMaxValues) fail("is absurdly long");
}

bool Pickle::step(unsigned char op) {
  PickleValue value;
  switch (op) {
    case 0x80:  // PROTO
      if (bytes(1) > 5) fail("is of a protocol beyond 5");
      return true;
    case 0x95: take(8); return true;  // FRAME: a hint for buffering
    case '.': result_ = pop(); return false;
    case '(':
      value.kind = Kind::mark;
      push(std::move(value));
      return true;
    case '0': stack_.empty() ? fail("takes a value where there is none") : stack_.pop_back(); return true;
    case '1': pop_to_mark(); return true;
    case '2':
      stack_.push_back(top());
      if (stack_.size() > kMaxValues) fail("is absurdly deep");
      return true;

    case 'N': push(std::move(value)); return true;
    case 0x88:
    case 0x89:  // True, False
      value.kind = Kind::boolean;
      value.integer = op == 0x88;
      push(std::move(value));
      return true;
    case 'J': push_int(static_cast<std::int32_t>(bytes(4))); return true;
    case 'K': push_int(static_cast<std::int64_t>(bytes(1))); return true;
    case 'M': push_int(static_cast<std::int64_t>(bytes(2))); return true;
    case 0x8a: {  // LONG1
      const auto length = static_cast<int>(bytes(1));
      const std::string_view digits = take(static_cast<std::uint64_t>(length));
      if (length > 8) {  // the legacy file's magic number has 10 bytes; nothing else is that long
        value.kind = Kind::text;
        value.text = digits;
        push(std::move(value));
        return true;
      }
      std::uint64_t v = read_le(reinterpret_cast<const unsigned char*>(digits.data()), length);
      if (length > 0 && length < 8 && (v >> (8 * length - 1) & 1)) v |= ~std::uint64_t{0} << (8 * length);
      push_int(static_cast<std::int64_t>(v));
      return true;
    }
    case 'G':
      take(8);
      value.kind = Kind::real_number;
      push(std::move(value));
      return true;

    case 'X': push_text(take(bytes(4))); return true;
    case 0x8c: push_text(take(bytes(1))); return true;
    case 0x8d: push_text(take(bytes(8))); return true;
    case 'U':
    case 'C': push_text(take(bytes(1))); return true;
    case 'T':
    case 'B': push_text(take(bytes(4))); return true;

    case ')':
    case ']':
      value.kind = Kind::sequence;
      push(std::move(value));
      return true;
    case '}':
      value.kind = Kind::dictionary;
      push(std::move(value));
      return true;
    case 't':
    case 'l': push_items(pop_to_mark()); return true;
    case 0x85: push_items({pop()}); return true;
    case 0x86: {
      const PickleRef b = pop(), a = pop();
      push_items({a, b});
      return true;
    }
    case 0x87: {
      const PickleRef c = pop(), b = pop(), a = pop();
      push_items({a, b, c});
      return true;
    }
    case 'd': {
      const auto items = pop_to_mark();
      value.kind = Kind::dictionary;
      const PickleRef target = push(std::move(value));
      append(target, items, true);
      return true;
    }
    case 'a': {
      const PickleRef item = pop();
      append(top(), {item}, false);
      return true;
    }
    case 'e': {
      const auto items = pop_to_mark();
      append(top(), items, false);
      return true;
    }
    case 's': {
      const PickleRef v = pop(), k = pop();
      append(top(), {k, v}, true);
      return true;
    }
    case 'u': {
      const auto items = pop_to_mark();
      append(top(), items, true);
      return true;
    }

    case 'q': memo_[bytes(1)] = top(); return true;
    case 'r': memo_[bytes(4)] = top(); return true;
    case 0x94: memo_[memo_.size()] = top(); return true;  // MEMOIZE
    case 'h':
    case 'j': {
      const auto it = memo_.find(bytes(op == 'h' ? 1 : 4));
      if (it == memo_.end()) fail("recalls what it never stored");
      stack_.push_back(it->second);
      if (stack_.size() > kMaxValues) fail("is absurdly deep");
      return true;
    }

    case 'c': {
      const std::string_view module = line();
      push_global(module, line());
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleRef name = pop(), module = pop();
      if (arena_[name].kind != Kind::text || arena_[module].kind != Kind::text) fail("names a global that is no text");
      push_global(arena_[module].text, arena_[name].text);
      return true;
    }
    case 'R':
    case 0x81: reduce(); return true;  // REDUCE, NEWOBJ
    case 'b': {                        // BUILD: state of an object; dictionaries and tensors need none of it
      pop();
      const Kind kind = arena_[top()].kind;
      if (kind != Kind::dictionary && kind != Kind::opaque && kind != Kind::tensor)
        fail("sets the state of what has none");
      return true;
    }
    case 'Q': persistent(pop()); return true;
    default:
      fail("has the unknown instruction " + std::to_string(static_cast<int>(op)) +
           ": it is damaged, or written by something else than torch.save");
  }
}

}  // namespace fu
