// Functions of the caller that see gradients during backward.
#include <algorithm>

#include "autograd/hooks.h"

namespace fu {

void Tape::on_gradient(const Var& x, std::function<void(Tensor& gradient)> f) {
  require<UsageError>(x.tape == number_, "[on_gradient] the value ", x.shape(),
                      " is not recorded on this tape, so it gets no gradient here.");
  require<UsageError>(!ran_, "[on_gradient] this tape has run backward already.");
  if (!hooks_) hooks_ = std::make_unique<Hooks>();
  hooks_->list.push_back({x.id, std::move(f), Tensor()});
}

/// Parameters keep what earlier tapes added to their gradients aside, so that a hook sees what this one adds.
void Tape::begin_hooks() {
  std::stable_sort(hooks_->list.begin(), hooks_->list.end(),
                   [](const Hooks::Hook& a, const Hooks::Hook& b) { return a.node > b.node; });
  for (Hooks::Hook& hook : hooks_->list) {
    const Parameter* p = storage_->nodes[usize(hook.node)].parameter;
    if (p && p->has_grad()) hook.before = std::exchange(p->grad, Tensor());
  }
}

void Tape::run_hooks(int id) {
  std::size_t& next = hooks_->next;
  const Node& node = storage_->nodes[usize(id)];
  for (; next < hooks_->list.size() && hooks_->list[next].node >= id; ++next) {
    Hooks::Hook& hook = hooks_->list[next];
    if (hook.node > id) continue;  // recorded after the value that backward began from: it has no gradient
    if (!(node.parameter ? node.parameter->has_grad() : node.has_grad)) continue;
    Tensor gradient = slot(id);
    hook.f(gradient);
    require<ShapeError>(gradient.shape() == node.shape, "[on_gradient] the function made a gradient ", gradient.shape(),
                        " for a value ", node.shape, ": must keep the shape.");
    slot(id) = std::move(gradient);
  }
}

void Tape::end_hooks() {
  for (Hooks::Hook& hook : hooks_->list) {
    const Parameter* p = storage_->nodes[usize(hook.node)].parameter;
    if (!p || hook.before.size() == 0) continue;
    p->grad = p->has_grad() ? hook.before + p->grad : std::move(hook.before);
  }
}

}  // namespace fu
