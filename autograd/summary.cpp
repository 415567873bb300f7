// The ops of a tape as a table.
#include <algorithm>
#include <cmath>
#include <map>

#include "autograd/trace.h"
#include "core/number_text.h"

namespace fu {

namespace {

/// Lines of cells as text: the first two columns begin, the others end, at the same place in each line.
std::string table(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths;
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], line[i].size());
    }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - line[i].size(), ' ');
      const bool last = i + 1 == line.size();
      text += i < 2 ? line[i] + (last ? "" : gap) : gap + line[i];
      if (!last) text += "  ";
    }
    text += "\n";
  }
  return text;
}

struct Row {
  std::string scope, op;
  Index count = 0;
  double results = 0, saved = 0, norm = -1;
};

}  // namespace

std::string Tape::summary() const {
  Trace plain;
  if (!trace_) plain.notes.resize(storage_->nodes.size());
  const Trace& trace = trace_ ? *trace_ : plain;
  const bool norms = trace.options.gradient_norms;

  std::vector<std::string> paths;
  for (const Trace::Scope& scope : trace.scopes)
    paths.push_back(scope.parent < 0 ? scope.name : paths[usize(scope.parent)] + "/" + scope.name);

  std::vector<Row> rows;
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  Row all;
  all.scope = "all";
  bool ran = false;
  for (std::size_t id = 0; id < storage_->nodes.size(); ++id) {
    const Node& node = storage_->nodes[id];
    const Trace::Note& note = trace.notes[id];
    const std::string scope = note.scope < 0 ? "" : paths[usize(note.scope)];
    const auto [place, added] = places.emplace(std::pair{scope, std::string(node.op)}, rows.size());
    if (added) rows.push_back({scope, node.op});
    ran |= note.saved >= 0;
    for (Row* row : {&rows[place->second], &all}) {
      ++row->count;
      row->results += note.shares ? 0 : static_cast<double>(node.shape.elements()) * sizeof(real);
      row->saved += std::max(0.0, note.saved);
      if (!(note.norm <= row->norm) && !std::isnan(row->norm)) row->norm = note.norm;  // NaN counts as the largest
    }
  }
  rows.push_back(all);

  std::vector<std::vector<std::string>> lines{{"scope", "op", "count", "results", "saved"}};
  if (norms) lines.front().emplace_back("|gradient|");
  for (const Row& row : rows) {
    lines.push_back({row.scope, row.op, std::to_string(row.count), size_text(row.results)});
    lines.back().push_back(ran ? size_text(row.saved) : "-");
    if (norms) lines.back().push_back(row.norm == -1 ? "-" : number_text(row.norm, 3));
  }
  return table(lines);
}

}  // namespace fu
