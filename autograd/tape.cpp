#include "autograd/tape.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>

#include "autograd/hooks.h"
#include "autograd/trace.h"
#include "core/ops.h"
#include "core/trim.h"

namespace fu {

namespace {

// The newest living tape of this thread. NoRecording pauses all tapes with numbers up to `paused`.
thread_local Tape* newest = nullptr;
thread_local std::uint64_t paused = 0;
std::atomic<std::uint64_t> tapes_made{0};  // by any thread: a number is never given twice
constexpr std::size_t kArenaBlock = std::size_t{1} << 16;
constexpr std::size_t kSpare = 16;
std::atomic_flag spare_in_use = ATOMIC_FLAG_INIT;

}  // namespace

Var::Var(const Parameter& parameter) {
  Tape* tape = Tape::current();
  if (tape && parameter.trainable)
    *this = tape->leaf(parameter.value, &parameter);
  else
    value = parameter.value;
}

/// For the destructor of a parameter: the tape that recorded it must not use it any more.
void Tape::forget(const Parameter& parameter) {
  Tape* tape = find(parameter.tape_);
  if (!tape) return;
  Node& node = tape->storage_->nodes[usize(parameter.node_)];
  if (node.parameter == &parameter) node.parameter = nullptr;
}

// ---- the tape's life

Tape::Storage::~Storage() {
  for (char* b : blocks) std::free(b);
}

/// Storages of finished tapes, for the next ones. Of all threads: the system ends the process when it finds no memory
/// to note that a thread's own have a destructor. Only for whoever has set spare_in_use; nobody waits for that, because
/// in a child process after fork() it may stay set. There is room for all: putting one back takes no memory.
PoolVector<Tape::Storage*>& Tape::spare() {
  struct Keeper {
    PoolVector<Storage*> storages;
    Keeper() { storages.reserve(kSpare); }
    ~Keeper() {
      if (spare_in_use.test_and_set(std::memory_order_acquire)) return;  // and it stays set: nobody looks here again
      for (Storage* s : storages) delete s;
    }
  };
  static Keeper keeper;
  [[maybe_unused]] static const bool given_back_at_trim = [] {
    at_trim([]() noexcept {
      if (spare_in_use.test_and_set(std::memory_order_acquire)) return;
      for (Storage* s : keeper.storages) delete s;
      keeper.storages.clear();
      spare_in_use.clear(std::memory_order_release);
    });
    return true;
  }();
  return keeper.storages;
}

Tape::Tape() : storage_(nullptr), number_(++tapes_made), older_(newest) {
  PoolVector<Storage*>& storages = spare();
  if (!spare_in_use.test_and_set(std::memory_order_acquire)) {
    if (!storages.empty()) {
      storage_ = storages.back();
      storages.pop_back();
    }
    spare_in_use.clear(std::memory_order_release);
  }
  if (!storage_) storage_ = new Storage;
  if (older_) older_->newer_ = this;
  newest = this;
  follow_newest();
}

Tape::~Tape() {
  if (older_) older_->newer_ = newer_;
  (newer_ ? newer_->older_ : newest) = older_;
  follow_newest();
  // A tape around this one knows its parameters again.
  for (const Recorded& r : storage_->parameters) {
    const Parameter* p = older_ ? storage_->nodes[usize(r.node)].parameter : nullptr;
    if (p && p->tape_ == number_) p->tape_ = r.before_tape, p->node_ = r.before_node;
  }
  // From the end, because a closure may hold the result of an earlier node. A loop, so a long chain needs no stack.
  for (std::size_t i = storage_->nodes.size(); i-- > 0;) {
    Node& node = storage_->nodes[i];
    if (node.closure) node.closure->destroy(node.closure);
  }
  storage_->nodes.clear();
  storage_->inputs.clear();
  storage_->parameters.clear();
  storage_->block = storage_->used = 0;
  bool kept = false;
  PoolVector<Storage*>& storages = spare();
  if (!spare_in_use.test_and_set(std::memory_order_acquire)) {
    kept = storages.size() < kSpare;
    if (kept) storages.push_back(storage_);
    spare_in_use.clear(std::memory_order_release);
  }
  if (!kept) delete storage_;
}

Tape* Tape::current() { return newest && newest->number_ > paused ? newest : nullptr; }

Tape* Tape::find(std::uint64_t number) {
  for (Tape* t = newest; t; t = t->older_)
    if (t->number_ == number) return t;
  return nullptr;
}

/// Tells this thread's layers whether a tape records, and whether it is traced.
void Tape::follow_newest() {
  static const ScopeFunctions functions{&Tape::enter_scope, &Tape::leave_scope};
  const Tape* tape = current();
  tape_records = tape != nullptr;
  scope_functions = tape && tape->trace_ ? &functions : nullptr;
}

NoRecording::NoRecording() : before_(std::exchange(paused, tapes_made.load())) { Tape::follow_newest(); }
NoRecording::~NoRecording() {
  paused = before_;
  Tape::follow_newest();
}

// ---- recording

void* Tape::allocate(std::size_t bytes) {
  Storage& s = *storage_;
  bytes = (bytes + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
  require<UsageError>(bytes <= kArenaBlock, "[record] a backward function saves ", bytes,
                      " bytes by value; keep tensors, not arrays.");
  if (s.block < s.blocks.size() && s.used + bytes > kArenaBlock) ++s.block, s.used = 0;
  if (s.block == s.blocks.size()) {
    s.blocks.reserve(s.blocks.size() + 1);  // first: what is thrown must not lose the block
    auto* block = static_cast<char*>(std::malloc(kArenaBlock));
    if (!block) throw std::bad_alloc();
    s.blocks.push_back(block);
  }
  void* place = s.blocks[s.block] + s.used;
  s.used += bytes;
  return place;
}

int Tape::add_node(const char* op, const Tensor& result, const Var* inputs, std::size_t count, Closure* closure) {
  Storage& s = *storage_;
  const int first = static_cast<int>(s.inputs.size());
  for (std::size_t i = 0; i < count; ++i) s.inputs.push_back(inputs[i].id);
  s.nodes.push_back({op, result.shape(), closure, nullptr, 0, first, static_cast<int>(count), false, Tensor()});
  if (trace_) note_node(result, inputs, count);
  return static_cast<int>(s.nodes.size()) - 1;
}

Var Tape::leaf(const Tensor& value, const Parameter* parameter) {
  require<UsageError>(!ran_,
                      "[record] this tape has run backward already. End its scope first: make a new Tape for every "
                      "step, and compute what is "
                      "not to be learned without one, or under NoRecording.");
  Var var(value);
  var.tape = number_;
  if (parameter && parameter->tape_ == number_) {
    const Node& node = storage_->nodes[usize(parameter->node_)];
    if (node.parameter == parameter && node.version == parameter->version) {
      var.id = parameter->node_;
      return var;
    }
  }
  var.id = add_node(parameter ? "parameter" : "input", value, nullptr, 0, nullptr);
  if (parameter) {
    Node& node = storage_->nodes.back();
    node.parameter = parameter;
    node.version = parameter->version;
    storage_->parameters.push_back({var.id, parameter->node_, parameter->tape_});
    parameter->tape_ = number_;
    parameter->node_ = var.id;
    parameter->forget_ = &Tape::forget;
  }
  return var;
}

Var Tape::watch(const Tensor& value) { return leaf(value, nullptr); }

Tape* tape_of(const char* op, const Var* inputs, std::size_t count) {
  Tape* tape = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    if (!inputs[i].tape || (tape && inputs[i].tape == tape->number())) continue;
    Tape* found = Tape::find(inputs[i].tape);
    require<UsageError>(found, "[", op,
                        "] an input was recorded on a tape that has ended, or on another thread. detach() what is kept "
                        "for the next step.");
    require<UsageError>(
        !tape, "[", op,
        "] inputs are recorded on two tapes. Record a computation on one, or detach() what comes from the other.");
    tape = found;
  }
  require<UsageError>(!tape || !tape->ran(), "[", op,
                      "] an input was recorded on a tape that has run backward. Make a new Tape for every step.");
  return tape;
}

const Tensor& untracked(const char* op, const Var& x) {
  require<UsageError>(!x.tracked(), "[", op, "] input ", x.shape(),
                      " is tracked, but this fused kernel has no backward: its gradient would be lost. ",
                      "Use the layers for training, or detach() the input.");
  return x.value;
}

// ---- backward

bool Gradient::wants(int i) const {
  const Tape::Node& node = tape_.storage_->nodes[usize(node_)];
  return tape_.storage_->inputs[usize(node.first_input + i)] >= 0;
}

void Gradient::add(int i, Tensor dx) const {
  const Tape::Node& node = tape_.storage_->nodes[usize(node_)];
  const int input = tape_.storage_->inputs[usize(node.first_input + i)];
  if (input >= 0) tape_.accumulate(input, std::move(dx));
}

Tensor& Tape::slot(int id) {
  Node& node = storage_->nodes[usize(id)];
  return node.parameter ? node.parameter->grad : node.grad;
}

Tensor Gradient::target(int i, bool& fresh) const {
  const Tape::Node& node = tape_.storage_->nodes[usize(node_)];
  const int input = tape_.storage_->inputs[usize(node.first_input + i)];
  const Tape::Node& target = tape_.storage_->nodes[usize(input)];
  fresh = !(target.parameter ? target.parameter->has_grad() : target.has_grad);
  if (fresh) return Tensor(target.shape);
  const Tensor& grad = tape_.slot(input);
  // Another tensor may share this storage, and must keep its values.
  return grad.unique() ? grad : grad.clone();
}

void Gradient::set(int i, Tensor gradient) const {
  const Tape::Node& node = tape_.storage_->nodes[usize(node_)];
  const int input = tape_.storage_->inputs[usize(node.first_input + i)];
  tape_.slot(input) = std::move(gradient);
  tape_.storage_->nodes[usize(input)].has_grad = true;
}

void Tape::accumulate(int id, Tensor dx) {
  Node& node = storage_->nodes[usize(id)];
  // The input was repeated by broadcasting: sum over those axes. Done here, so that no op has to.
  if (dx.shape() != node.shape) dx = sum_to(dx, node.shape);
  Tensor& grad = slot(id);
  if (!(node.parameter ? node.parameter->has_grad() : node.has_grad))
    grad = std::move(dx);
  else if (grad.unique())
    add_to(grad, dx);
  else
    grad = grad + dx;
  node.has_grad = true;
}

void Tape::backward(const Var& y, const Tensor& dy) {
  require<UsageError>(!ran_,
                      "[backward] this tape has run backward already and freed what it had saved. Record the step "
                      "again on a new Tape.");
  require<UsageError>(y.tape == number_, "[backward] the value was not recorded on this tape.");
  require<ShapeError>(dy.shape() == y.shape(), "[backward] gradient ", dy.shape(), " for a value of shape ", y.shape(),
                      ".");
  Storage& s = *storage_;
  for (const Recorded& r : s.parameters) {
    const Node& node = s.nodes[usize(r.node)];
    require<UsageError>(node.parameter, "[backward] a parameter ", node.shape,
                        " was destroyed after it was recorded. Parameters must outlive the tape.");
    require<UsageError>(node.parameter->version == node.version, "[backward] parameter '", node.parameter->name, "' ",
                        node.shape,
                        " was changed after it was recorded, so its gradient would be wrong. Run backward before the "
                        "optimizer's step.");
  }
  ran_ = true;
  if (hooks_) begin_hooks();
  accumulate(y.id, dy);
  for (int id = y.id; id >= 0; --id) {
    Node& node = s.nodes[usize(id)];
    if (hooks_) run_hooks(id);
    if (trace_) note_gradient(id);
    if (!node.closure) continue;
    if (node.has_grad) {
      const Tensor gradient = std::move(node.grad);
      node.closure->run(node.closure, Gradient(gradient, *this, id));
    }
    free_closure(id);
  }
  if (hooks_) end_hooks();
}

/// What this op saved is not needed any more.
void Tape::free_closure(int id) {
  Node& node = storage_->nodes[usize(id)];
  const std::size_t before = trace_ ? pool_stats().live : 0;
  node.closure->destroy(node.closure);
  node.closure = nullptr;
  if (trace_) note_saved(id, before);
}

Tensor Tape::gradient(const Var& watched) const {
  require<UsageError>(watched.tape == number_ && watched.id >= 0 && !storage_->nodes[usize(watched.id)].parameter &&
                          storage_->nodes[usize(watched.id)].inputs == 0,
                      "[gradient] only inputs made by watch() on this tape keep their gradients.");
  require<UsageError>(ran_, "[gradient] there is none before backward().");
  const Node& node = storage_->nodes[usize(watched.id)];
  return node.has_grad ? node.grad : Tensor::zeros(node.shape);
}

void backward(const Var& loss) {
  require<ShapeError>(loss.size() == 1, "[backward] a loss is one number, not ", loss.shape(),
                      ". Take its mean, or give its gradient.");
  backward(loss, Tensor::full(loss.shape(), 1));
}

void backward(const Var& y, const Tensor& dy) {
  require<UsageError>(
      y.tracked(), "[backward] the value depends on no parameter that was recorded. Make a Tape before computing it.");
  Tape* tape = Tape::find(y.tape);
  require<UsageError>(tape,
                      "[backward] the value was recorded on a tape that has ended, or on another thread. Run backward "
                      "in the tape's scope.");
  tape->backward(y, dy);
}

}  // namespace fu
