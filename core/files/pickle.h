// A small pickle machine: it builds numbers, strings, tuples, lists, dictionaries and descriptions of tensors, and
// nothing else. A pickle is a program that can name any function to be called; this machine knows the handful of names
// that PyTorch writes around tensors, gives them a fixed meaning of its own, and refuses every other one. It never
// calls anything.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/files/bytes.h"

namespace fu {

/// A value on the machine's stack: an index into its arena, so that shared and cyclic structures cost nothing.
using PickleRef = std::uint32_t;

struct PickleValue {
  enum class Kind : unsigned char {
    none,
    boolean,
    integer,
    real_number,
    text,
    sequence,
    dictionary,
    global,
    storage,
    tensor,
    opaque,
    mark
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;      // boolean, integer; storage: elements; global: which one
  std::string_view text;         // text; points into the pickle. storage: its key
  std::vector<PickleRef> items;  // sequence; dictionary: key, value, key, value, ...
  std::int32_t tensor = -1;      // tensor: index into tensors()
  DType type = DType::f32;       // storage, and globals that name a storage type
};

/// What torch._utils._rebuild_tensor_v2 was given. Sizes and strides in elements, unchecked.
struct PickleTensor {
  std::string_view storage;
  DType type = DType::f32;
  std::int64_t storage_elements = 0, offset = 0;
  std::vector<std::int64_t> sizes, strides;
};

class Pickle {
 public:
  /// Runs the pickle that begins at `begin` of the text; `path` is for messages. Throws FileError for anything
  /// malformed, unknown or absurd. Values point into the text, which must outlive them.
  Pickle(std::string_view text, std::size_t begin, const std::string& path);

  /// Where the pickle ended: legacy files hold several in a row.
  std::size_t end() const { return at_; }
  const PickleValue& result() const { return value(result_); }
  const PickleValue& value(PickleRef r) const { return arena_[r]; }
  const std::vector<PickleTensor>& tensors() const { return tensors_; }
  /// Value of a text key in a dictionary, or null.
  const PickleValue* find(const PickleValue& dictionary, std::string_view key) const;

 private:
  using Kind = PickleValue::Kind;

  void run();
  bool step(unsigned char op);  // false at the end
  [[noreturn]] void fail(const std::string& what) const;
  std::uint64_t bytes(int count);
  std::string_view take(std::uint64_t length);
  std::string_view line();
  PickleRef push(PickleValue v);
  PickleRef pop();
  PickleRef top() const;
  std::vector<PickleRef> pop_to_mark();
  void push_int(std::int64_t v);
  void push_text(std::string_view s);
  void push_items(std::vector<PickleRef> items);
  void push_global(std::string_view module, std::string_view name);
  void append(PickleRef list, const std::vector<PickleRef>& items, bool pairs);
  void reduce();
  void persistent(PickleRef id);
  PickleRef rebuild_tensor(const std::vector<PickleRef>& arguments);
  std::vector<std::int64_t> integers(PickleRef sequence) const;

  std::string_view text_;
  const std::string& path_;
  std::size_t at_;
  std::vector<PickleValue> arena_;
  std::vector<PickleRef> stack_;
  std::unordered_map<std::uint64_t, PickleRef> memo_;
  std::vector<PickleTensor> tensors_;
  PickleRef result_ = 0;
  std::size_t items_ = 0;
};

}  // namespace fu
