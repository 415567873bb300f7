// What a file of one kind must hold. Its reader asks for each tensor and setting with the name, the shape and the range
// that the kind allows, and at the end refuses what nobody asked for. So all of a file is checked in one place, before
// any of it is used.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/files/weights.h"

namespace fu {

/// Numbers of a tensor or a setting, both ends allowed.
struct NumberRange {
  double low, high;
};

/// Numbers whose products with each other, a million of them summed up, stay within the range of a float.
constexpr NumberRange kOrdinary{-1e15, 1e15};

class Schema {
 public:
  /// A size of any length, at least 1.
  static constexpr Index kAny = -1;

  /// kind: what the file is, for errors, like "a fitted map".
  Schema(const Weights& file, std::string kind) : file_(file), kind_(std::move(kind)) {}

  bool has(const std::string& name) const { return file_.has(name); }
  /// The shape of a tensor of floating-point numbers, whose sizes are `sizes`. Nothing is read, so a shape that does
  /// not fit costs no memory. throws FileError that names the tensor, what was expected, and what was found.
  Shape shape(const std::string& name, const std::vector<Index>& sizes);
  /// The tensor itself. Every number must be finite and within the range.
  Tensor tensor(const std::string& name, const std::vector<Index>& sizes, NumberRange range = kOrdinary);
  /// The same for whole numbers stored in any type, such as the levels of a photo.
  Tensor whole_numbers(const std::string& name, const std::vector<Index>& sizes, NumberRange range);

  bool says(const std::string& key) const { return file_.metadata().count(key) > 0; }
  /// A setting. throws FileError if it is missing, no number as a whole, or out of its range.
  double number(const std::string& key, NumberRange range) const;
  Index whole_number(const std::string& key, NumberRange range) const;

  /// throws FileError for a tensor that was not asked for.
  void finish() const;

 private:
  Shape sized(const std::string& name, const std::vector<Index>& sizes);
  Tensor within(const std::string& name, NumberRange range) const;

  const Weights& file_;
  std::string kind_;
  std::set<std::string> asked_;
};

}  // namespace fu
