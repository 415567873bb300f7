#include "core/files/pickle_machine.h"

#include "core/files/bytes.h"

namespace fu {

namespace {

// A state_dict of a large model has some tens of thousands of values; a hostile file may have one for every byte.
constexpr std::size_t kMaxValues = 400000, kMaxItems = 2000000, kMaxSteps = 8000000;

}  // namespace

void PickleMachine::fail(const std::string& what) const { throw FileError(path_ + ": its pickle " + what + "."); }

std::uint64_t PickleMachine::number(int bytes) {
  const std::string_view s = take(static_cast<std::uint64_t>(bytes));
  return read_le(reinterpret_cast<const unsigned char*>(s.data()), bytes);
}

std::string_view PickleMachine::take(std::uint64_t length) {
  if (length > text_.size() - at_) fail("is cut off");
  const std::string_view s = text_.substr(at_, length);
  at_ += length;
  return s;
}

std::string_view PickleMachine::line() {
  const std::size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) fail("is cut off");
  const std::string_view s = text_.substr(at_, end - at_);
  at_ = end + 1;
  return s;
}

PickleRef PickleMachine::push(PickleValue v) {
  if (values_.size() >= kMaxValues) fail("has more than " + std::to_string(kMaxValues) + " values; no state_dict has");
  values_.push_back(std::move(v));
  stack_.push_back(static_cast<PickleRef>(values_.size() - 1));
  return stack_.back();
}

void PickleMachine::push_integer(std::int64_t v) {
  PickleValue value;
  value.kind = Kind::integer;
  value.integer = v;
  push(std::move(value));
}

void PickleMachine::push_text(std::string_view s) {
  PickleValue value;
  value.kind = Kind::text;
  value.text = s;
  push(std::move(value));
}

void PickleMachine::push_sequence(std::vector<PickleRef> items) {
  count_items(items.size());
  PickleValue value;
  value.kind = Kind::sequence;
  for (PickleRef r : items) value.holds_tensor = value.holds_tensor || values_[r].holds_tensor;
  value.items = std::move(items);
  push(std::move(value));
}

void PickleMachine::push_again(PickleRef r) {
  stack_.push_back(r);
  if (stack_.size() > kMaxValues) fail("is absurdly deep");
}

PickleRef PickleMachine::pop() {
  const PickleRef r = top();
  stack_.pop_back();
  return r;
}

PickleRef PickleMachine::top() const {
  if (stack_.empty() || values_[stack_.back()].kind == Kind::mark) fail("takes a value where there is none");
  return stack_.back();
}

std::vector<PickleRef> PickleMachine::pop_to_mark() {
  std::size_t i = stack_.size();
  while (i > 0 && values_[stack_[i - 1]].kind != Kind::mark) --i;
  if (i == 0) fail("lacks a mark");
  std::vector<PickleRef> items(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
  stack_.resize(i - 1);
  return items;
}

void PickleMachine::append(PickleRef target, const std::vector<PickleRef>& items, bool pairs) {
  PickleValue& v = values_[target];
  for (PickleRef r : items) v.holds_tensor = v.holds_tensor || values_[r].holds_tensor;
  if (v.kind == Kind::opaque) return;
  if (v.kind != (pairs ? Kind::dictionary : Kind::sequence))
    fail("adds items to what is no " + std::string(pairs ? "dictionary" : "list"));
  if (pairs && items.size() % 2 != 0) fail("has a key without a value");
  count_items(items.size());
  v.items.insert(v.items.end(), items.begin(), items.end());
}

void PickleMachine::count_items(std::size_t more) {
  items_ += more;
  if (items_ > kMaxItems) fail("has absurdly many items");
}

PickleRef PickleMachine::run() {
  for (std::size_t steps = 1;; ++steps) {
    const auto op = static_cast<unsigned char>(take(1)[0]);
    if (op == '.') return pop();
    if (!constant(op) && !container(op) && !memory(op) && !stack(op) && !call(op) && !rare(op))
      fail("has the unknown instruction " + std::to_string(static_cast<int>(op)) +
           ": it is damaged, or written by something else than torch.save");
    if (steps > kMaxSteps || memo_.size() > kMaxValues) fail("is absurdly long");
  }
}

bool PickleMachine::constant(unsigned char op) {
  switch (op) {
    case 'N': push(Kind::none); return true;
    case 0x88:
    case 0x89: {  // True, False
      PickleValue value;
      value.kind = Kind::boolean;
      value.integer = op == 0x88;
      push(std::move(value));
      return true;
    }
    case 'J': push_integer(static_cast<std::int32_t>(number(4))); return true;
    case 'K': push_integer(static_cast<std::int64_t>(number(1))); return true;
    case 'M': push_integer(static_cast<std::int64_t>(number(2))); return true;
    case 0x8a: long_integer(number(1)); return true;
    case 0x8b: long_integer(number(4)); return true;
    case 'G':
      take(8);
      push(Kind::real_number);
      return true;
    case 'X': push_text(take(number(4))); return true;
    case 0x8c: push_text(take(number(1))); return true;
    case 0x8d:
    case 0x8e:
    case 0x96: push_text(take(number(8))); return true;  // long texts, bytes and arrays of bytes
    case 'U':
    case 'C': push_text(take(number(1))); return true;
    case 'T':
    case 'B': push_text(take(number(4))); return true;
    default: return false;
  }
}

void PickleMachine::long_integer(std::uint64_t bytes) {
  const std::string_view digits = take(bytes);
  // The legacy file's magic number has 10 bytes, and is kept as text; no other number is longer than 8.
  if (bytes > 8) return push_text(digits);
  const auto length = static_cast<int>(bytes);
  std::uint64_t v = read_le(reinterpret_cast<const unsigned char*>(digits.data()), length);
  if (length > 0 && length < 8 && (v >> (8 * length - 1) & 1)) v |= ~std::uint64_t{0} << (8 * length);
  push_integer(static_cast<std::int64_t>(v));
}

bool PickleMachine::container(unsigned char op) {
  switch (op) {
    case ')':
    case ']': push(Kind::sequence); return true;
    case '}': push(Kind::dictionary); return true;
    case 't':
    case 'l': push_sequence(pop_to_mark()); return true;
    case 0x85: push_sequence({pop()}); return true;  // TUPLE1, TUPLE2, TUPLE3
    case 0x86: {
      const PickleRef b = pop(), a = pop();
      push_sequence({a, b});
      return true;
    }
    case 0x87: {
      const PickleRef c = pop(), b = pop(), a = pop();
      push_sequence({a, b, c});
      return true;
    }
    case 'd': {
      const auto items = pop_to_mark();
      append(push(Kind::dictionary), items, true);
      return true;
    }
    case 'a': {
      const PickleRef item = pop();
      append(top(), {item}, false);
      return true;
    }
    case 's': {
      const PickleRef v = pop(), k = pop();
      append(top(), {k, v}, true);
      return true;
    }
    case 'e':
    case 'u': {  // APPENDS, SETITEMS
      const auto items = pop_to_mark();
      append(top(), items, op == 'u');
      return true;
    }
    default: return false;
  }
}

bool PickleMachine::memory(unsigned char op) {
  switch (op) {
    case 'q': memo_[number(1)] = top(); return true;
    case 'r': memo_[number(4)] = top(); return true;
    case 0x94: memo_[memo_.size()] = top(); return true;  // MEMOIZE
    case 'h':
    case 'j': {
      const auto it = memo_.find(number(op == 'h' ? 1 : 4));
      if (it == memo_.end()) fail("recalls what it never stored");
      push_again(it->second);
      return true;
    }
    default: return false;
  }
}

bool PickleMachine::stack(unsigned char op) {
  switch (op) {
    case 0x80:  // PROTO
      if (number(1) > 5) fail("is of a protocol beyond 5");
      return true;
    case 0x95: take(8); return true;  // FRAME: a hint for buffering
    case '(': push(Kind::mark); return true;
    case '0':
      if (stack_.empty()) fail("takes a value where there is none");
      stack_.pop_back();
      return true;
    case '1': pop_to_mark(); return true;
    case '2': push_again(top()); return true;
    default: return false;
  }
}

bool PickleMachine::call(unsigned char op) {
  switch (op) {
    case 'c': {
      const std::string_view module = line();
      push_global(module, line());
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleRef name = pop(), module = pop();
      if (values_[name].kind != Kind::text || values_[module].kind != Kind::text)
        fail("names a global that is no text");
      push_global(values_[module].text, values_[name].text);
      return true;
    }
    case 'R':
    case 0x81: reduce(); return true;  // REDUCE, NEWOBJ
    case 0x92: {                       // NEWOBJ_EX: with arguments that have names
      const PickleRef named = pop(), positional = pop();
      if (values_[top()].kind != Kind::opaque) fail("calls what is no function");
      push_sequence({positional, named});
      reduce();
      return true;
    }
    case 'b': build(); return true;
    case 'Q': push_storage(pop()); return true;
    default: return false;
  }
}

bool PickleMachine::rare(unsigned char op) {
  switch (op) {
    case 0x8f: push_opaque(name_index("set"), false); return true;  // EMPTY_SET
    case 0x90: {                                                    // ADDITEMS
      const auto items = pop_to_mark();
      append(top(), items, false);
      return true;
    }
    case 0x91: {  // FROZENSET
      push_sequence(pop_to_mark());
      const bool holds_tensor = values_[pop()].holds_tensor;
      push_opaque(name_index("frozenset"), holds_tensor);
      return true;
    }
    default: return false;
  }
}

}  // namespace fu
