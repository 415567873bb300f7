// The tensors of a file under the names that a network gives its parameters. Every publisher names the same network's
// tensors in another way; a family's file holds a table of rules, and no tensor of the file is left out silently.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/files/weights.h"
#include "core/ops/narrow.h"

namespace fu {

/// One rule: how tensors of the file are called here.
///
///     {"encoder.layer.#.layernorm_before.*", "blocks.#.norm1.*"}
///
/// In the name in the file, '#' stands for a whole number and '*' for any text; the name here takes them over, in their
/// order. '~' stands for a whole number that is left out. An empty name here: the tensor is known, and not used (a
/// classifier behind the features).
///   "a + 0", "a + 1", ...   rows of a are put together from several tensors of the file, in this order
///   "a | b"                 rows of one tensor of the file are split into equal halves, one for each name
///   "a ^T"                  a is the transpose of the file's matrix
///   "a - k"                 of the file's rows, for queries, keys and values, those for the keys count as missing
struct NameRule {
  std::string file, name;
};
using NameRules = std::vector<NameRule>;

/// The rules for each beginning of the file's names: {"blocks.#.", "blocks.~.#."} with {"norm1.*", "blocks.#.norm1.*"}
/// gives two rules.
NameRules with_beginnings(const std::vector<std::string>& beginnings, const NameRules& rules);
/// All rules of several tables, in their order.
NameRules joined(std::initializer_list<NameRules> tables);

class NamedTensors {
 public:
  /// Gives every tensor of the file whose name begins with `prefix` the name of the first rule that fits. Reads no
  /// tensor. precision: the type that layers keep their weights in; none: that of the file if it was converted, else
  /// f32. throws FileError naming a tensor that no rule knows, or one that is there twice.
  NamedTensors(const Weights& weights, const std::string& prefix, const NameRules& rules,
               std::optional<NarrowType> precision = {});

  const Weights& weights() const { return *weights_; }
  const std::string& path() const { return weights_->path(); }
  bool has(const std::string& name) const { return found_.count(name) > 0; }
  /// throws FileError if there is no such tensor, or its parts do not fit together.
  Shape shape(const std::string& name) const;
  /// The tensor's name in the file, for messages; the name itself where there is none.
  std::string name_in_file(const std::string& name) const;
  /// How many blocks there are: the numbers n for which a tensor begins with stem + n + ".". throws FileError if one is
  /// left out, or if there are more than 200.
  Index count(const std::string& stem) const;
  /// Values of a parameter, after checking its shape and that all of them are finite. throws FileError.
  Tensor read(const std::string& name, const Shape& expected) const { return read(name, expected, Gaps::refused); }
  /// The same for a tensor of several parts, where rows of zeros may stand for those that the file lacks.
  enum class Gaps { refused, zeros };
  Tensor read(const std::string& name, const Shape& expected, Gaps gaps) const;
  /// The type in which the layer may keep that parameter: what is wanted, or the file's. It is the same for a file and
  /// for the converted one.
  NarrowType narrow_type(const std::string& name) const;
  /// Names in the file of the tensors that may be kept in a narrow type: matrices, and kernels of convolutions over all
  /// channels. Not those that are transposed: the rows of int8 are outputs.
  std::set<std::string> narrow_tensors() const;
  /// throws FileError naming a tensor that has a name here and was never read: the network has no place for it. Names
  /// that begin with `unless` may stay: of a part that is not wanted.
  void require_all_read(const std::string& unless = "") const;

 private:
  struct Part {
    std::string file;
    int index = 0, count = 1;  // of `count` equal parts of the file's rows
    bool transposed = false;
  };
  const std::vector<Part>& parts(const std::string& name) const;
  void add(const std::string& name, const Part& part, std::size_t place);
  Shape part_shape(const Part& part) const;
  Tensor read_part(const Part& part, const Shape& expected, NarrowType type) const;
  bool may_be_narrow(const std::string& name, const Part& part) const;
  NarrowType part_type(const std::string& name, const Part& part) const;

  const Weights* weights_;
  std::optional<NarrowType> precision_;
  std::map<std::string, std::vector<Part>> found_;  // parts in the order of their rows
  mutable std::set<std::string> read_;
};

/// Whether the name fits the pattern; `captured` receives what stands for each '#' and '*'.
bool fits_pattern(std::string_view pattern, std::string_view name, std::vector<std::string>& captured);

/// The prefix P of the shortest name P + ending that the file has; false if there is none. Of two networks in one file,
/// a student's and a momentum encoder's come last: published features are those of the other one.
bool find_prefix(const Weights& weights, const std::string& ending, std::string& prefix);

}  // namespace fu
