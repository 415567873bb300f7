#include "core/files/pickle.h"

#include "core/files/pickle_machine.h"

namespace fu {

Pickle::Pickle(std::string_view text, std::size_t begin, const std::string& path) {
  PickleMachine machine(text, begin, path);
  result_ = machine.run();
  end_ = machine.at();
  values_ = machine.take_values();
  tensors_ = machine.take_tensors();
  names_ = machine.take_names();
}

const PickleValue* Pickle::find(const PickleValue& dictionary, std::string_view key) const {
  if (dictionary.kind != PickleValue::Kind::dictionary) return nullptr;
  for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
    const PickleValue& k = value(dictionary.items[i]);
    if (k.kind == PickleValue::Kind::text && k.text == key) return &value(dictionary.items[i + 1]);
  }
  return nullptr;
}

}  // namespace fu
