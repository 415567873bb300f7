// Gradient checkpointing: a part of a computation keeps its inputs alone, and is computed again during backward.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "core/random.h"

namespace fu {

/// What checkpoint() does beside calling the caller's function.
class Checkpoint {
 public:
  /// The caller's function, on a list of `count` values.
  struct Function {
    const void* f;                                                     // of the caller's type
    Var (*call)(const void* f, const Var* inputs, std::size_t count);  // knows that type
    Var operator()(const Var* inputs, std::size_t count) const { return call(f, inputs, count); }
  };
  /// What the second computation needs to be the first again.
  struct State {
    Random* random = nullptr;    // what f draws from
    std::uint64_t position = 0;  // of random
    std::uint64_t sum = 0;       // of the result's bits
    bool parameters = false;     // whether they were recorded
  };

  /// The result; `inputs` gets the parameters that it depends on appended. `depends`: whether on anything tracked.
  static Tensor forward(const Function& f, PoolVector<Var>& inputs, State& state, bool& depends);
  /// Computes f again, and adds `gradient` through it to the gradients of its inputs.
  static void backward(const Function& f, const Var* inputs, std::size_t count, const State& state,
                       const Gradient& gradient);

 private:
  class Replay;
};

/// What both forms of checkpoint() below do with their list of inputs.
template <class F, class List>
Var checkpoint_list(F f, List inputs, Random* random) {
  const auto call = [](const void* function, const Var* values, std::size_t count) -> Var {
    if constexpr (std::is_same_v<List, std::vector<Var>>) {
      return (*static_cast<const F*>(function))(List(values, values + count));
    } else {
      List list;
      std::copy_n(values, count, list.begin());
      return (*static_cast<const F*>(function))(list);
    }
  };
  PoolVector<Var> all(inputs.begin(), inputs.end());
  Checkpoint::State state;
  state.random = random;
  bool depends = false;
  Tensor y = Checkpoint::forward({&f, call}, all, state, depends);
  if (!depends) return Var(std::move(y));
  return record("checkpoint", all.data(), all.size(), std::move(y),
                [f = std::move(f), inputs = std::move(inputs), state, call](const Gradient& g) {
                  Checkpoint::backward({&f, call}, inputs.data(), inputs.size(), state, g);
                });
}

/// f(inputs), of which only the inputs and the result stay in memory. During backward it is computed again, with all
/// that its ops save, so peak memory falls from that of all segments to that of the largest one, for one more forward
/// pass of time.
/// @code
/// Parameter w(Tensor::full({4}, 2));
/// Tape tape;
/// Var x = tape.watch(Tensor::full({4}, 1));
/// x = checkpoint([&](const auto& in) { return tanh(in[0] * Var(w)); }, {x});
/// backward(sum(x));  // computes the product and its tanh again
/// assert(w.has_grad());
/// @endcode
///   f        a function of the list of inputs, std::array<Var, N>; it may read parameters, which get their gradients,
///            and may call checkpoint() itself. It is copied, and what it refers to must live until backward
///   random   what f draws from, for dropout; null if it draws nothing. It draws the same numbers the second time
/// Gradients have the same bits as without it, for any number of uses of an input or a parameter. Tracked values must
/// come in by the inputs. throws UsageError if f reads others; during backward, if f gives another result than before.
/// source: arXiv 1604.06174
template <class F, std::size_t N>
Var checkpoint(F f, const Var (&inputs)[N], Random* random = nullptr) {
  std::array<Var, N> list;
  std::copy_n(inputs, N, list.begin());
  return checkpoint_list(std::move(f), std::move(list), random);
}
/// The same for a list whose length is not known before; f takes a std::vector<Var>.
template <class F>
Var checkpoint(F f, std::vector<Var> inputs, Random* random = nullptr) {
  return checkpoint_list(std::move(f), std::move(inputs), random);
}

}  // namespace fu
