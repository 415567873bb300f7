#include "autograd/tape.h"

#include <cstddef>
#include <cstdlib>

#include "core/ops.h"

namespace fu {

namespace {

thread_local Tape* recording = nullptr;
thread_local std::uint64_t tapes_made = 0;
constexpr std::size_t kArenaBlock = std::size_t{1} << 16;

}  // namespace

Var::Var(const Parameter& parameter) {
  if (recording && parameter.trainable)
    *this = recording->leaf(parameter.value, &parameter);
  else
    value = parameter.value;
}

// ---- the tape's life

Tape::Storage::~Storage() {
  for (char* b : blocks) std::free(b);
}

/// One storage of a finished tape is kept for each thread.
Tape::Storage*& Tape::spare() {
  struct Keeper {
    Storage* storage = nullptr;
    ~Keeper() { delete storage; }
  };
  thread_local Keeper keeper;
  return keeper.storage;
}

Tape::Tape() : storage_(std::exchange(spare(), nullptr)), outer_(recording), serial_(++tapes_made) {
  if (!storage_) storage_ = new Storage;
  recording = this;
}

Tape::~Tape() {
  recording = outer_;
  // From the end: a closure may hold what an earlier node made. No recursion, however long the chain.
  for (std::size_t i = storage_->nodes.size(); i-- > 0;) {
    Node& node = storage_->nodes[i];
    if (node.closure) node.closure->destroy(node.closure);
  }
  storage_->nodes.clear();
  storage_->inputs.clear();
  storage_->parameters.clear();
  storage_->block = storage_->used = 0;
  if (spare())
    delete storage_;
  else
    spare() = storage_;
}

Tape* Tape::current() { return recording; }

NoRecording::NoRecording() : outer_(std::exchange(recording, nullptr)) {}
NoRecording::~NoRecording() { recording = outer_; }

// ---- recording

void* Tape::allocate(std::size_t bytes) {
  Storage& s = *storage_;
  bytes = (bytes + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);
  require<UsageError>(bytes <= kArenaBlock, "[record] a backward function saves ", bytes, " bytes by value; keep tensors, not arrays.");
  if (s.block < s.blocks.size() && s.used + bytes > kArenaBlock) ++s.block, s.used = 0;
  if (s.block == s.blocks.size()) {
    auto* block = static_cast<char*>(std::malloc(kArenaBlock));
    if (!block) throw std::bad_alloc();
    s.blocks.push_back(block);
  }
  void* place = s.blocks[s.block] + s.used;
  s.used += bytes;
  return place;
}

int Tape::add_node(const char* op, const Shape& shape, const Var* inputs, std::size_t count, Closure* closure) {
  Storage& s = *storage_;
  const int first = static_cast<int>(s.inputs.size());
  for (std::size_t i = 0; i < count; ++i) s.inputs.push_back(inputs[i].id);
  s.nodes.push_back({op, shape, closure, nullptr, 0, first, static_cast<int>(count), false, Tensor()});
  return static_cast<int>(s.nodes.size()) - 1;
}

Var Tape::leaf(const Tensor& value, const Parameter* parameter) {
  require<UsageError>(!ran_, "[record] this tape has run backward already. Make a new Tape for every step.");
  Var var(value);
  var.tape = this;
  if (parameter && parameter->tape_ == serial_) {
    const Node& node = storage_->nodes[static_cast<std::size_t>(parameter->node_)];
    if (node.parameter == parameter && node.version == parameter->version) {
      var.id = parameter->node_;
      return var;
    }
  }
  var.id = add_node(parameter ? "parameter" : "input", value.shape(), nullptr, 0, nullptr);
  if (parameter) {
    Node& node = storage_->nodes.back();
    node.parameter = parameter;
    node.version = parameter->version;
    parameter->tape_ = serial_;
    parameter->node_ = var.id;
    storage_->parameters.push_back(var.id);
  }
  return var;
}

Var Tape::watch(const Tensor& value) { return leaf(value, nullptr); }

Tape* tape_of(const char* op, const Var* inputs, std::size_t count) {
  Tape* tape = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    if (!inputs[i].tape || inputs[i].tape == tape) continue;
    require<UsageError>(!tape, "[", op, "] inputs are recorded on two tapes. Record a computation on one, or detach() what comes from the other.");
    tape = inputs[i].tape;
  }
  require<UsageError>(!tape || !tape->ran(), "[", op, "] an input was recorded on a tape that has run backward. Make a new Tape for every step.");
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
  const Tape::Node& node = tape_.storage_->nodes[static_cast<std::size_t>(node_)];
  return tape_.storage_->inputs[static_cast<std::size_t>(node.first_input + i)] >= 0;
}

void Gradient::add(int i, Tensor dx) const {
  const Tape::Node& node = tape_.storage_->nodes[static_cast<std::size_t>(node_)];
  const int input = tape_.storage_->inputs[static_cast<std::size_t>(node.first_input + i)];
  if (input >= 0) tape_.accumulate(input, std::move(dx));
}

Tensor& Tape::slot(int id) {
  Node& node = storage_->nodes[static_cast<std::size_t>(id)];
  return node.parameter ? node.parameter->grad : node.grad;
}

Tensor& Gradient::target(int i, bool& fresh) const {
  Tape::Node& node = tape_.storage_->nodes[static_cast<std::size_t>(node_)];
  const int input = tape_.storage_->inputs[static_cast<std::size_t>(node.first_input + i)];
  Tape::Node& target = tape_.storage_->nodes[static_cast<std::size_t>(input)];
  Tensor& grad = tape_.slot(input);
  fresh = !(target.parameter ? target.parameter->has_grad() : target.has_grad);
  if (fresh) grad = Tensor(target.shape);
  // Somebody else may hold the same storage: it must not change under them.
  if (!fresh && !grad.unique()) grad = grad.clone();
  target.has_grad = true;
  return grad;
}

void Tape::accumulate(int id, Tensor dx) {
  Node& node = storage_->nodes[static_cast<std::size_t>(id)];
  // Un-broadcasting, once for all ops.
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
  require<UsageError>(!ran_, "[backward] this tape has run backward already and freed what it had saved. Record the step again on a new Tape.");
  require<UsageError>(y.tape == this, "[backward] the value was not recorded on this tape.");
  require<ShapeError>(dy.shape() == y.shape(), "[backward] gradient ", dy.shape(), " for a value of shape ", y.shape(), ".");
  Storage& s = *storage_;
  for (int id : s.parameters) {
    const Node& node = s.nodes[static_cast<std::size_t>(id)];
    require<UsageError>(node.parameter->version == node.version, "[backward] parameter '", node.parameter->name, "' ", node.shape,
                        " was changed after it was recorded, so its gradient would be wrong. Run backward before the optimizer's step.");
  }
  ran_ = true;
  accumulate(y.id, dy);
  for (int id = y.id; id >= 0; --id) {
    Node& node = s.nodes[static_cast<std::size_t>(id)];
    if (!node.closure) continue;
    if (node.has_grad) {
      const Tensor gradient = std::move(node.grad);
      node.closure->run(node.closure, Gradient(gradient, *this, id));
    }
    // What this op saved is not needed any more.
    node.closure->destroy(node.closure);
    node.closure = nullptr;
  }
}

Tensor Tape::gradient(const Var& watched) const {
  require<UsageError>(watched.tape == this && watched.id >= 0 && !storage_->nodes[static_cast<std::size_t>(watched.id)].parameter &&
                          storage_->nodes[static_cast<std::size_t>(watched.id)].inputs == 0,
                      "[gradient] only inputs made by watch() on this tape keep their gradients.");
  const Node& node = storage_->nodes[static_cast<std::size_t>(watched.id)];
  return node.has_grad ? node.grad : Tensor::zeros(node.shape);
}

void backward(const Var& loss) {
  require<ShapeError>(loss.size() == 1, "[backward] a loss is one number, not ", loss.shape(), ". Take its mean, or give its gradient.");
  backward(loss, Tensor::full(loss.shape(), 1));
}

void backward(const Var& y, const Tensor& dy) {
  require<UsageError>(y.tracked(), "[backward] the value depends on no parameter that was recorded. Make a Tape before computing it.");
  y.tape->backward(y, dy);
}

}  // namespace fu
