// The values of a pickle: numbers, strings, tuples, lists, dictionaries and descriptions of tensors, and nothing else.
// A pickle is a program that can name any function to be called. Here only the names that PyTorch writes around tensors
// are known; each has a fixed meaning, and nothing is ever called. Any other name, and what is built with it, becomes
// an inert value that only knows the name; names that could only be meant to attack are refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/files/number_type.h"

namespace fu {

/// A value of a pickle: its position in the list of all values. Shared and cyclic structures are the same number twice.
using PickleRef = std::uint32_t;

struct PickleValue {
  enum class Kind : unsigned char {
    none,
    boolean,
    integer,
    real_number,  // its value is not kept
    text,
    sequence,
    dictionary,
    global,
    storage,
    tensor,
    opaque,  // an inert value: a name that is not known, such as a class of settings, or what is built with it
    mark     // where a list of items begins on the stack
  };
  Kind kind = Kind::none;
  bool module = false;           // dictionary: of a TorchScript module; its state is added by BUILD
  bool untyped = false;          // storage: of bytes; its tensors name their types
  bool holds_tensor = false;     // a tensor or storage, or something that such a one was put into
  std::int64_t integer = 0;      // boolean, integer; storage: elements; global: which one; opaque: index into names()
  std::string_view text;         // text: points into the pickle; storage: its key
  std::vector<PickleRef> items;  // sequence; dictionary: key, value, key, value, ...
  std::int32_t tensor = -1;      // tensor: index into tensors()
  DType type = DType::f32;       // storage, and globals that name a storage type
};

/// The arguments of torch._utils._rebuild_tensor_v2 or _v3. Sizes and strides in elements, unchecked.
struct PickleTensor {
  std::string_view storage;
  DType type = DType::f32;
  std::int64_t storage_elements = 0, offset = 0;
  std::vector<std::int64_t> sizes, strides;
};

/// How an error goes on that has named a global.
inline constexpr const char* kNotPartOfTensor =
    "which is not part of a tensor; nothing was executed. Save the state_dict alone (torch.save(model.state_dict(), "
    "path))";

class Pickle {
 public:
  /// Runs the pickle that begins at `begin` of the text; `path` is for messages. Values point into the text, which must
  /// outlive them. throws FileError for anything malformed, unknown or far larger than a state_dict.
  Pickle(std::string_view text, std::size_t begin, const std::string& path);

  /// Where the pickle ended in the text: legacy files hold several in a row.
  std::size_t end() const { return end_; }
  const PickleValue& result() const { return value(result_); }
  PickleRef result_ref() const { return result_; }
  const PickleValue& value(PickleRef r) const { return values_[r]; }
  const std::vector<PickleValue>& values() const { return values_; }
  const std::vector<PickleTensor>& tensors() const { return tensors_; }
  /// "module.name" of the global that an opaque value is or was built with.
  const std::string& name_of(const PickleValue& opaque) const {
    return names_[static_cast<std::size_t>(opaque.integer)];
  }
  /// Value of a text key in a dictionary, or null.
  const PickleValue* find(const PickleValue& dictionary, std::string_view key) const;

 private:
  std::vector<PickleValue> values_;
  std::vector<PickleTensor> tensors_;
  std::vector<std::string> names_;
  PickleRef result_ = 0;
  std::size_t end_ = 0;
};

}  // namespace fu
