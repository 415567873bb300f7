#include "autograd/trace.h"

#include <algorithm>
#include <cmath>

#include "core/number_text.h"
#include "core/pool.h"

namespace fu {

void Tape::trace(const TraceOptions& options) {
  if (!trace_) trace_ = std::make_unique<Trace>();
  trace_->options = options;
  trace_->notes.resize(storage_->nodes.size());
  follow_newest();
}

void Tape::enter_scope(const char* name, std::uint64_t& tape, int& scope) {
  const Tape* const recording = current();
  Trace& t = *recording->trace_;
  t.scopes.push_back({name, t.open});
  t.open = scope = static_cast<int>(t.scopes.size()) - 1;
  tape = recording->number_;
}

void Tape::leave_scope(std::uint64_t number, int scope) {
  if (const Tape* tape = find(number)) tape->trace_->open = tape->trace_->scopes[usize(scope)].parent;
}

void Tape::note_node(const Tensor& result, const Var* inputs, std::size_t count) {
  Trace::Note note;
  note.scope = trace_->open;
  const real* const memory = result.data();
  for (std::size_t i = 0; i < count; ++i) note.shares |= memory && inputs[i].value.data() == memory;
  trace_->notes.push_back(note);
}

void Tape::note_gradient(int id) {
  const Node& node = storage_->nodes[usize(id)];
  if (!trace_->options.gradient_norms || !(node.parameter ? node.parameter->has_grad() : node.has_grad)) return;
  const Tensor& gradient = node.parameter ? node.parameter->grad : node.grad;
  double total = 0;
  for (Index i = 0; i < gradient.size(); ++i) {
    const auto g = static_cast<double>(gradient.data()[i]);
    total += g * g;
  }
  trace_->notes[usize(id)].norm = std::sqrt(total);
}

void Tape::note_saved(int id, std::size_t live_before) {
  const std::size_t live = pool_stats().live;  // another thread may have taken memory meanwhile
  trace_->notes[usize(id)].saved = static_cast<double>(live_before - std::min(live, live_before));
}

std::string size_text(double bytes) {
  static const char* const units[] = {" B", " kB", " MB", " GB"};
  int unit = 0;
  while (unit < 3 && bytes >= 999.5) bytes /= 1000, ++unit;
  return number_text(bytes, 3) + units[unit];
}

}  // namespace fu
