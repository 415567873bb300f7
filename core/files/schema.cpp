#include "core/files/schema.h"

#include <cmath>

#include "core/number_text.h"

namespace fu {

namespace {

std::string text_of(const std::vector<Index>& sizes) {
  std::string text;
  for (const Index n : sizes) text += (text.empty() ? "" : ",") + (n == Schema::kAny ? "any" : std::to_string(n));
  return "(" + text + ")";
}

bool floating(DType type) {
  return type == DType::f16 || type == DType::bf16 || type == DType::f32 || type == DType::f64;
}

}  // namespace

Shape Schema::sized(const std::string& name, const std::vector<Index>& sizes) {
  asked_.insert(name);
  const Shape& found = file_.shape(name);
  bool fits = found.rank() == static_cast<int>(sizes.size());
  for (int i = 0; fits && i < found.rank(); ++i)
    fits = sizes[usize(i)] == kAny ? found[i] >= 1 : found[i] == sizes[usize(i)];
  require<FileError>(fits, file_.path(), ": tensor '", printable(name), "' has the shape ", found, ", expected ",
                     text_of(sizes), " in ", kind_, ".");
  return found;
}

Shape Schema::shape(const std::string& name, const std::vector<Index>& sizes) {
  const Shape found = sized(name, sizes);
  const DType type = file_.entries().at(name).type;
  require<FileError>(floating(type), file_.path(), ": tensor '", printable(name), "' is of the type ", dtype_name(type),
                     ", expected floating-point numbers in ", kind_, ".");
  return found;
}

Tensor Schema::within(const std::string& name, NumberRange range) const {
  Tensor t = file_.read(name);
  for (Index i = 0; i < t.size(); ++i) {
    const auto x = static_cast<double>(t.data()[i]);
    require<FileError>(x >= range.low && x <= range.high, file_.path(), ": tensor '", printable(name), "' holds ", x,
                       " at element ", i, ", expected numbers from ", range.low, " to ", range.high, ".");
  }
  return t;
}

Tensor Schema::tensor(const std::string& name, const std::vector<Index>& sizes, NumberRange range) {
  shape(name, sizes);
  return within(name, range);
}

Tensor Schema::whole_numbers(const std::string& name, const std::vector<Index>& sizes, NumberRange range) {
  sized(name, sizes);
  Tensor t = within(name, range);
  for (Index i = 0; i < t.size(); ++i)
    require<FileError>(t.data()[i] == std::floor(t.data()[i]), file_.path(), ": tensor '", printable(name), "' holds ",
                       t.data()[i], " at element ", i, ", expected whole numbers.");
  return t;
}

double Schema::number(const std::string& key, NumberRange range) const {
  const auto it = file_.metadata().find(key);
  require<FileError>(it != file_.metadata().end(), file_.path(), ": its setting '", key, "' is missing; ", kind_,
                     " has it.");
  double value = 0;
  require<FileError>(read_number(it->second, value) && value >= range.low && value <= range.high, file_.path(),
                     ": its setting '", key, "' is '", printable(it->second), "', expected a number from ", range.low,
                     " to ", range.high, ".");
  return value;
}

Index Schema::whole_number(const std::string& key, NumberRange range) const {
  const double value = number(key, range);
  require<FileError>(value == std::floor(value), file_.path(), ": its setting '", key, "' is ", value,
                     ", expected a whole number.");
  return static_cast<Index>(value);
}

void Schema::finish() const {
  for (const auto& [name, entry] : file_.entries())
    require<FileError>(asked_.count(name) > 0, file_.path(), ": tensor '", printable(name), "' belongs to no part of ",
                       kind_, ".");
}

}  // namespace fu
