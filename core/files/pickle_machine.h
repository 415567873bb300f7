// The machine that runs a pickle: a reader of opcodes, a stack, and a memory of values that are used again. source:
// Python's pickletools, protocols 0 to 5 as far as PyTorch writes them
#pragma once

#include <map>
#include <unordered_map>
#include <utility>

#include "core/files/pickle.h"

namespace fu {

class PickleMachine {
 public:
  PickleMachine(std::string_view text, std::size_t begin, const std::string& path)
      : text_(text), path_(path), at_(begin) {}

  /// Runs until the opcode that ends the pickle, and gives the value on top of the stack.
  PickleRef run();
  std::size_t at() const { return at_; }
  std::vector<PickleValue> take_values() { return std::move(values_); }
  std::vector<PickleTensor> take_tensors() { return std::move(tensors_); }
  std::vector<std::string> take_names() { return std::move(names_); }

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void fail(const std::string& what) const;

  // The text. Each throws where it ends too early.
  std::uint64_t number(int bytes);
  std::string_view take(std::uint64_t length);
  std::string_view line();

  // The stack.
  PickleRef push(PickleValue v);
  PickleRef push(Kind kind) {
    PickleValue v;
    v.kind = kind;
    return push(std::move(v));
  }
  void push_integer(std::int64_t v);
  void push_text(std::string_view s);
  void push_sequence(std::vector<PickleRef> items);
  void push_again(PickleRef r);
  PickleRef pop();
  PickleRef top() const;
  std::vector<PickleRef> pop_to_mark();
  void append(PickleRef list, const std::vector<PickleRef>& items, bool pairs);
  void count_items(std::size_t more);

  // One opcode; false if it is of another group.
  bool constant(unsigned char op);
  bool container(unsigned char op);
  bool memory(unsigned char op);
  bool stack(unsigned char op);
  bool call(unsigned char op);
  bool rare(unsigned char op);
  void long_integer(std::uint64_t length);

  // Globals, and what is built by calling them (pickle_globals.cpp). reduce: callable and arguments from the stack.
  void push_global(std::string_view module, std::string_view name);
  void push_opaque(std::int64_t name, bool holds_tensor);
  std::int64_t name_index(const std::string& name);
  void reduce();
  void build();
  void push_ordered_dictionary(const std::vector<PickleRef>& arguments);
  void push_tensor(const std::vector<PickleRef>& arguments, bool typed);
  void push_storage(PickleRef id);
  std::vector<std::int64_t> integers(PickleRef sequence) const;

  std::string_view text_;
  const std::string& path_;
  std::size_t at_;
  std::vector<PickleValue> values_;
  std::vector<PickleRef> stack_;
  std::unordered_map<std::uint64_t, PickleRef> memo_;
  std::vector<PickleTensor> tensors_;
  std::vector<std::string> names_;
  std::map<std::string, std::int64_t> name_indices_;
  std::size_t items_ = 0;
};

}  // namespace fu
