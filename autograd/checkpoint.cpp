#include "autograd/checkpoint.h"

#include <cstring>
#include <optional>

namespace fu {

namespace {

/// A number that changes with any bit of a tensor.
std::uint64_t sum_of_bits(const Tensor& t) {
  static_assert(sizeof(real) == 4 || sizeof(real) == 8, "elements are whole words");
  std::uint64_t sum = 0x9E3779B97F4A7C15;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(t.data());
  const std::size_t count = usize(t.size()) * sizeof(real);
  for (std::size_t at = 0; at < count; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<std::size_t>(8, count - at));
    sum = (sum ^ word) * 0x100000001B3;
  }
  return sum;
}

}  // namespace

/// One computation of the function on a tape of its own.
class Checkpoint::Replay {
 public:
  Replay(const Function& f, const Var* inputs, std::size_t count, const State& state) {
    if (!state.parameters) constants_.emplace();
    for (std::size_t i = 0; i < count; ++i) {
      Var mine(inputs[i].value);
      // An input that is given twice is one value, so that its gradients add up in the usual order.
      for (std::size_t j = 0; inputs[i].tracked() && j < i; ++j)
        if (inputs[j].tape == inputs[i].tape && inputs[j].id == inputs[i].id) mine = watched_[j];
      if (inputs[i].tracked() && !mine.tracked()) mine = tape_.watch(inputs[i].value);
      watched_.push_back(mine);
    }
    result_ = f(watched_.data(), count);
    require<UsageError>(!result_.tracked() || result_.tape == tape_.number(), "[checkpoint] the result ",
                        result_.shape(),
                        " depends on a tracked value that is not among the inputs. Give all of them as inputs.");
  }

  const Var& result() const { return result_; }

  /// Of every parameter that was recorded.
  template <class G>
  void each_parameter(const G& g) const {
    for (const Tape::Recorded& r : tape_.storage_->parameters)
      if (const Parameter* p = tape_.storage_->nodes[usize(r.node)].parameter) g(*p);
  }

  /// Runs backward. Gradients that the inputs have already are taken over, and go on from there: so each is the sum of
  /// the same terms in the same order as without a checkpoint.
  void backward(const Var* inputs, const Gradient& gradient) {
    for (std::size_t i = 0; i < watched_.size(); ++i)
      if (owns(inputs, i)) give(gradient.tape_, inputs[i].id, tape_, watched_[i].id);
    tape_.backward(result_, gradient.dy);
    for (std::size_t i = 0; i < watched_.size(); ++i)
      if (owns(inputs, i)) give(tape_, watched_[i].id, gradient.tape_, inputs[i].id);
  }

 private:
  bool owns(const Var* inputs, std::size_t i) const {
    for (std::size_t j = 0; j < i; ++j)
      if (watched_[j].id == watched_[i].id) return false;
    return inputs[i].tracked();
  }
  /// Moves the gradient of a node to a node of another tape.
  static void give(Tape& from, int node, Tape& to, int target) {
    Tape::Node& given = from.storage_->nodes[usize(node)];
    if (!(given.parameter ? given.parameter->has_grad() : given.has_grad)) return;
    to.accumulate(target, std::exchange(from.slot(node), Tensor()));
    given.has_grad = false;
  }

  Tape tape_;
  std::optional<NoRecording> constants_;
  PoolVector<Var> watched_;
  Var result_;
};

Tensor Checkpoint::forward(const Function& f, PoolVector<Var>& inputs, State& state, bool& depends) {
  state.parameters = Tape::current() != nullptr;
  if (state.random) state.position = state.random->position();
  const bool tracked = std::any_of(inputs.begin(), inputs.end(), [](const Var& x) { return x.tracked(); });
  if (!state.parameters && !tracked) return f(inputs.data(), inputs.size()).value;
  // It is recorded here too, though all is dropped: this tells which parameters it reads.
  PoolVector<const Parameter*> parameters;
  Tensor y;
  {
    const Replay first(f, inputs.data(), inputs.size(), state);
    y = first.result().value;
    depends = first.result().tracked();
    if (!depends) return y;
    first.each_parameter([&](const Parameter& p) { parameters.push_back(&p); });
  }
  state.sum = sum_of_bits(y);
  // As inputs they are known to the outer tape, which refuses to run if one has been changed or is gone.
  for (const Parameter* p : parameters) inputs.push_back(Var(*p));
  return y;
}

void Checkpoint::backward(const Function& f, const Var* inputs, std::size_t count, const State& state,
                          const Gradient& gradient) {
  const std::uint64_t after = state.random ? state.random->position() : 0;
  if (state.random) state.random->seek(state.position);
  Replay again(f, inputs, count, state);
  if (state.random) state.random->seek(after);
  require<UsageError>(again.result().tracked() && sum_of_bits(again.result().value) == state.sum,
                      "[checkpoint] the function gave another result when it was computed again, so its gradients "
                      "would be wrong. Give it the Random that it draws from, and change nothing that it reads.");
  again.backward(inputs, gradient);
}

}  // namespace fu
