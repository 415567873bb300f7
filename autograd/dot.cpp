// The graph of a tape in the language of Graphviz.
#include <cmath>
#include <set>
#include <utility>

#include "autograd/trace.h"
#include "core/number_text.h"

namespace fu {

namespace {

/// A text inside of quotes; a line break is written \n there.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

}  // namespace

/// Draws one tape. Scopes that are folded are boxes as ops are.
struct Tape::Drawing {
  const Storage& tape;
  const Trace& trace;
  const DotOptions& options;

  int depth(int scope) const {
    int n = 0;
    for (int s = trace.scopes[usize(scope)].parent; s >= 0; s = trace.scopes[usize(s)].parent) ++n;
    return n;
  }
  bool folded(int scope) const { return options.depth >= 0 && depth(scope) >= options.depth; }
  /// The outermost folded scope around a node, or -1.
  int box_of(int node) const {
    int box = -1;
    for (int s = trace.notes[usize(node)].scope; s >= 0; s = trace.scopes[usize(s)].parent)
      if (folded(s)) box = s;
    return box;
  }
  bool drawn(int node) const { return options.parameters || !is_parameter(node); }
  bool is_parameter(int node) const {
    const Node& n = tape.nodes[usize(node)];
    return n.inputs == 0 && n.op != std::string("input");
  }
  std::string name_of(int node) const {
    const int box = box_of(node);
    return box >= 0 ? cat("s", box) : cat("n", node);
  }
  double bytes(int node) const {
    const bool shares = trace.notes[usize(node)].shares;
    return shares ? 0 : static_cast<double>(tape.nodes[usize(node)].shape.elements()) * sizeof(real);
  }

  std::string node_text(int id) const {
    const Node& node = tape.nodes[usize(id)];
    const bool named = node.parameter && !node.parameter->name.empty();
    std::string label = (named ? node.parameter->name : node.op) + "\n" + node.shape.str();
    label += trace.notes[usize(id)].shares ? " shared" : " " + size_text(bytes(id));
    if (trace.notes[usize(id)].norm >= 0 || std::isnan(trace.notes[usize(id)].norm))
      label += "\n|gradient| " + number_text(trace.notes[usize(id)].norm, 3);
    const char* style = node.inputs > 0    ? ""
                        : is_parameter(id) ? ", shape=ellipse, fillcolor=\"#dbe9f6\""
                                           : ", shape=house, fillcolor=\"#e8f3dc\"";
    return cat("n", id, " [label=", quoted(label), style, "];\n");
  }
  std::string box_text(int scope) const {
    Index ops = 0, parameters = 0;
    double results = 0;
    for (int id = 0; id < static_cast<int>(tape.nodes.size()); ++id) {
      if (box_of(id) != scope) continue;
      if (is_parameter(id))
        parameters += tape.nodes[usize(id)].shape.elements();
      else
        ++ops, results += bytes(id);
    }
    const std::string label = cat(trace.scopes[usize(scope)].name, "\n", ops, ops == 1 ? " op, " : " ops, ",
                                  size_text(results), "\n", parameters, " parameters");
    return cat("s", scope, " [label=", quoted(label), ", fillcolor=\"#f6ecd9\"];\n");
  }

  std::string indent(std::size_t depth) const { return std::string(2 * depth + 2, ' '); }
  std::string nodes_of(int scope, std::size_t depth) const {
    std::string text;
    for (int id = 0; id < static_cast<int>(tape.nodes.size()); ++id)
      if (trace.notes[usize(id)].scope == scope && drawn(id)) text += indent(depth) + node_text(id);
    return text;
  }
  /// Scopes stand in the order in which they were opened, so each is written behind its parent without recursion.
  std::string scopes() const {
    std::string text = nodes_of(-1, 0);
    std::vector<int> open;
    const auto close = [&] {
      open.pop_back();
      text += indent(open.size()) + "}\n";
    };
    for (int s = 0; s < static_cast<int>(trace.scopes.size()); ++s) {
      const Trace::Scope& scope = trace.scopes[usize(s)];
      if (scope.parent >= 0 && folded(scope.parent)) continue;
      while (!open.empty() && open.back() != scope.parent) close();
      if (folded(s)) {
        text += indent(open.size()) + box_text(s);
        continue;
      }
      text += indent(open.size()) + cat("subgraph cluster_", s, " {\n");
      open.push_back(s);
      text += indent(open.size()) + "label=" + quoted(scope.name) + ";\n" + nodes_of(s, open.size());
    }
    while (!open.empty()) close();
    return text;
  }
  std::string edges() const {
    std::string text;
    std::set<std::pair<std::string, std::string>> of_boxes;
    for (int id = 0; id < static_cast<int>(tape.nodes.size()); ++id) {
      const Node& node = tape.nodes[usize(id)];
      for (int i = 0; i < node.inputs; ++i) {
        const int input = tape.inputs[usize(node.first_input + i)];
        if (input < 0 || (box_of(input) < 0 && !drawn(input))) continue;
        const std::string from = name_of(input), to = name_of(id);
        const bool box = box_of(input) >= 0 || box_of(id) >= 0;
        if (from == to || (box && !of_boxes.emplace(from, to).second)) continue;
        text += "  " + from + " -> " + to + ";\n";
      }
    }
    return text;
  }
};

std::string Tape::dot(const DotOptions& options) const {
  Trace plain;
  if (!trace_) plain.notes.resize(storage_->nodes.size());
  const Drawing drawing{*storage_, trace_ ? *trace_ : plain, options};
  return "digraph tape {\n  rankdir=TB;\n"
         "  graph [fontname=\"Helvetica\", fontsize=11, style=rounded, color=\"#999999\"];\n"
         "  node [shape=box, style=filled, fillcolor=white, fontname=\"Helvetica\", fontsize=10];\n" +
         drawing.scopes() + drawing.edges() + "}\n";
}

}  // namespace fu
