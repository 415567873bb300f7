#include "featup/backbones/named_tensors.h"

#include <algorithm>
#include <cmath>

#include "core/files/bytes.h"
#include "core/files/narrow_file.h"

namespace fu {

namespace {

bool fits_from(std::string_view pattern, std::string_view name, std::vector<std::string>& captured) {
  while (!pattern.empty() && pattern[0] != '*' && pattern[0] != '#' && pattern[0] != '~') {
    if (name.empty() || name[0] != pattern[0]) return false;
    pattern.remove_prefix(1), name.remove_prefix(1);
  }
  if (pattern.empty()) return name.empty();
  const bool number = pattern[0] != '*', kept = pattern[0] != '~';
  std::size_t most = number ? name.find_first_not_of("0123456789") : name.size();
  if (most == std::string_view::npos) most = name.size();
  for (std::size_t n = most + 1; n-- > (number ? 1u : 0u);) {
    if (kept) captured.emplace_back(name.substr(0, n));
    if (fits_from(pattern.substr(1), name.substr(n), captured)) return true;
    if (kept) captured.pop_back();
  }
  return false;
}

std::string filled_in(std::string_view pattern, const std::vector<std::string>& captured) {
  std::string text;
  std::size_t next = 0;
  for (const char c : pattern)
    if ((c == '*' || c == '#') && next < captured.size())
      text += captured[next++];
    else
      text += c;
  return text;
}

Shape transposed(const Shape& s) { return s.rank() == 2 ? Shape{s[1], s[0]} : s; }

/// The sizes that are not 1: a 1x1 convolution is a matrix, and a token (1,1,D) a vector.
Shape without_ones(const Shape& s) {
  Shape cut;
  for (int i = 0; i < s.rank(); ++i)
    if (s[i] != 1) cut.push_back(s[i]);
  return cut;
}

/// Less is better: the order in which networks of one file are preferred.
std::pair<int, std::size_t> rank_of(const std::string& prefix) {
  const auto has = [&](const char* word) { return prefix.find(word) != std::string::npos; };
  return {has("student") || has("momentum_encoder"), prefix.size()};
}

}  // namespace

NameRules with_beginnings(const std::vector<std::string>& beginnings, const NameRules& rules) {
  NameRules all;
  for (const std::string& beginning : beginnings)
    for (const NameRule& rule : rules) all.push_back({beginning + rule.file, rule.name});
  return all;
}

NameRules joined(std::initializer_list<NameRules> tables) {
  NameRules all;
  for (const NameRules& table : tables) all.insert(all.end(), table.begin(), table.end());
  return all;
}

bool fits_pattern(std::string_view pattern, std::string_view name, std::vector<std::string>& captured) {
  constexpr std::size_t kMost = 512;  // no network has longer names; bounds the search
  captured.clear();
  if (name.size() > kMost) return false;
  return fits_from(pattern, name, captured);
}

bool find_prefix(const Weights& weights, const std::string& ending, std::string& prefix) {
  bool found = false;
  for (const auto& [name, unused] : weights.entries()) {
    if (name.size() < ending.size() || name.compare(name.size() - ending.size(), ending.size(), ending) != 0) continue;
    const std::string candidate = name.substr(0, name.size() - ending.size());
    if (!candidate.empty() && candidate.back() != '.') continue;
    if (!found || rank_of(candidate) < rank_of(prefix)) prefix = candidate;
    found = true;
  }
  return found;
}

NamedTensors::NamedTensors(const Weights& weights, const std::string& prefix, const NameRules& rules,
                           std::optional<NarrowType> precision)
    : weights_(&weights), precision_(precision) {
  std::vector<std::string> captured;
  for (const auto& [full, entry] : weights.entries()) {
    if (full.compare(0, prefix.size(), prefix) != 0) continue;
    const std::string_view name = std::string_view(full).substr(prefix.size());
    const NameRule* rule = nullptr;
    for (const NameRule& candidate : rules)
      if (fits_pattern(candidate.file, name, captured)) {
        rule = &candidate;
        break;
      }
    require<FileError>(rule, weights.path(), ": has the tensor '", printable(full),
                       "', which no layer of this program uses. Its network is another one; its features would be "
                       "wrong without it.");
    std::string ours = filled_in(rule->name, captured);
    if (ours.empty()) continue;
    require<FileError>(entry.type != DType::i8 || entry.row_scales, weights.path(), ": tensor '", printable(full),
                       "' is of 8-bit numbers, without the scales that say what they stand for. Convert the original "
                       "weights with this program.");
    Part part{full};
    if (const std::size_t at = ours.find(" ^T"); at != std::string::npos) {
      part.transposed = true;
      ours.resize(at);
    }
    if (const std::size_t at = ours.find(" - k"); at != std::string::npos) {
      part.count = 3;
      add(ours.substr(0, at), part, 0);
      part.index = 2;
      add(ours.substr(0, at), part, 2);
    } else if (const std::size_t at = ours.find(" + "); at != std::string::npos) {
      add(ours.substr(0, at), part, usize(std::stol(ours.substr(at + 3))));
    } else if (const std::size_t bar = rule->name.find(" | "); bar != std::string::npos) {
      part.count = 2;
      add(filled_in(rule->name.substr(0, bar), captured), part, 0);
      part.index = 1;
      add(filled_in(rule->name.substr(bar + 3), captured), part, 0);
    } else {
      add(ours, part, 0);
    }
  }
}

void NamedTensors::add(const std::string& name, const Part& part, std::size_t place) {
  std::vector<Part>& parts = found_[name];
  if (parts.size() <= place) parts.resize(place + 1);
  require<FileError>(parts[place].file.empty(), path(), ": has both '", printable(parts[place].file), "' and '",
                     printable(part.file), "', which are the same tensor by two names.");
  parts[place] = part;
}

const std::vector<NamedTensors::Part>& NamedTensors::parts(const std::string& name) const {
  const auto it = found_.find(name);
  require<FileError>(it != found_.end(), path(), ": has no tensor '", printable(name),
                     "', nor one that stands for it by another name.");
  return it->second;
}

std::string NamedTensors::name_in_file(const std::string& name) const {
  const auto it = found_.find(name);
  if (it == found_.end()) return name;
  for (const Part& part : it->second)
    if (!part.file.empty()) return part.file;
  return name;
}

Shape NamedTensors::part_shape(const Part& part) const {
  Shape s = weights_->shape(part.file);
  if (part.transposed) s = transposed(s);
  if (part.count == 1) return s;
  require<FileError>(s.rank() >= 1 && s[0] % part.count == 0, path(), ": tensor '", printable(part.file),
                     "' has shape ", s, ", expected rows for ", part.count, " equal parts.");
  s.set(0, s[0] / part.count);
  return s;
}

Shape NamedTensors::shape(const std::string& name) const {
  Shape all;
  Index present = 0;
  const std::vector<Part>& list = parts(name);
  for (const Part& part : list) {
    if (part.file.empty()) continue;
    const Shape s = part_shape(part);
    if (present++ == 0) {
      all = s;
      continue;
    }
    require<FileError>(s == all, path(), ": tensor '", printable(part.file), "' has shape ", s, ", expected ", all,
                       ", like the others beside it.");
  }
  if (list.size() == 1) return all;
  require<FileError>(all.rank() >= 1, path(), ": tensor '", printable(name_in_file(name)),
                     "' is a single number, expected rows.");
  all.set(0, all[0] * static_cast<Index>(list.size()));
  return all;
}

Index NamedTensors::count(const std::string& stem) const {
  constexpr Index kMost = 200;
  std::set<Index> numbers;
  for (auto it = found_.lower_bound(stem); it != found_.end() && it->first.compare(0, stem.size(), stem) == 0; ++it) {
    const std::string rest = it->first.substr(stem.size(), it->first.find('.', stem.size()) - stem.size());
    if (rest.empty() || rest.size() > 6 || rest.find_first_not_of("0123456789") != std::string::npos) continue;
    numbers.insert(std::stol(rest));
  }
  const auto n = static_cast<Index>(numbers.size());
  require<FileError>(n <= kMost, path(), ": has ", n, " '", stem, "N'. More than ", kMost, " are not read.");
  require<FileError>(n == 0 || *numbers.rbegin() == n - 1, path(), ": lacks one of its '", stem, "N': the highest is ",
                     n == 0 ? 0 : *numbers.rbegin(), ", and there are ", n, ".");
  return n;
}

bool NamedTensors::may_be_narrow(const std::string& name, const Part& part) const {
  const std::string ending = ".weight";
  if (part.transposed || name.size() < ending.size() ||
      name.compare(name.size() - ending.size(), ending.size(), ending) != 0)
    return false;
  const Shape& s = weights_->shape(part.file);
  return s.rank() == 2 || (s.rank() == 4 && (s[1] > 1 || (s[2] == 1 && s[3] == 1)));  // else each channel by itself
}

NarrowType NamedTensors::part_type(const std::string& name, const Part& part) const {
  if (part.file.empty() || !may_be_narrow(name, part)) return NarrowType::none;
  if (precision_) return *precision_;
  if (!is_converted(weights_->metadata())) return NarrowType::none;  // f32 is faster
  switch (weights_->entries().at(part.file).type) {
    case DType::f16: return NarrowType::f16;
    case DType::bf16: return NarrowType::bf16;
    case DType::i8: return NarrowType::int8;
    default: return NarrowType::none;
  }
}

NarrowType NamedTensors::narrow_type(const std::string& name) const {
  const auto it = found_.find(name);
  if (it == found_.end() || it->second.empty()) return NarrowType::none;
  const NarrowType first = part_type(name, it->second.front());
  for (const Part& part : it->second)
    if (part_type(name, part) != first) return NarrowType::none;
  return first;
}

std::set<std::string> NamedTensors::narrow_tensors() const {
  std::set<std::string> names;
  for (const auto& [name, parts] : found_)
    for (const Part& part : parts)
      if (!part.file.empty() && may_be_narrow(name, part)) names.insert(part.file);
  return names;
}

Tensor NamedTensors::read_part(const Part& part, const Shape& expected, NarrowType type) const {
  const Shape found = part_shape(part);
  const bool same = found == expected || without_ones(found) == without_ones(expected);
  require<FileError>(same, path(), ": tensor '", printable(part.file), "' has shape ", found, ", expected ", expected,
                     ".");
  Tensor t = weights_->read(part.file);
  if (part.count > 1) {
    const Index rows = t.dim(0) / part.count;
    t = t.slice(part.index * rows, (part.index + 1) * rows);
  }
  for (Index i = 0; i < t.size(); ++i)
    if (!std::isfinite(t.data()[i]))
      throw FileError(cat(path(), ": tensor '", printable(part.file),
                          "' holds a number that is infinite or none, at element ", i, "."));
  require<FileError>(fits_narrow(t, type), path(), ": tensor '", printable(part.file),
                     "' holds a number that is too large for ", narrow_name(type), ". Take bf16.");
  return (part.transposed ? t.permute({1, 0}) : t).reshape(expected);
}

Tensor NamedTensors::read(const std::string& name, const Shape& expected, Gaps gaps) const {
  const std::vector<Part>& list = parts(name);
  read_.insert(name);
  if (list.size() == 1) return read_part(list[0], expected, narrow_type(name));
  const auto n = static_cast<Index>(list.size());
  require<FileError>(expected.rank() >= 1 && expected[0] % n == 0, path(), ": '", printable(name_in_file(name)),
                     "' and its like have ", n, " parts, expected rows of ", expected, ".");
  Shape each = expected;
  each.set(0, each[0] / n);
  Tensor all(expected);
  real* out = all.data();
  for (const Part& part : list) {
    if (part.file.empty() && gaps == Gaps::zeros) {
      out = std::fill_n(out, each.elements(), real(0));
      continue;
    }
    require<FileError>(!part.file.empty(), path(), ": lacks a part of '", printable(name), "': it has '",
                       printable(name_in_file(name)), "', but not those that belong to it.");
    const Tensor t = read_part(part, each, narrow_type(name));
    out = std::copy_n(t.data(), t.size(), out);
  }
  return all;
}

void NamedTensors::require_all_read(const std::string& unless) const {
  for (const auto& [name, unused] : found_)
    require<FileError>(read_.count(name) > 0 || (!unless.empty() && name.compare(0, unless.size(), unless) == 0),
                       path(), ": has the tensor '", printable(name_in_file(name)),
                       "', for which its network, as this program understands it, has no place. It is not run.");
}

}  // namespace fu
