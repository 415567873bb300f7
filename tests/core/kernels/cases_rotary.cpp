#include "tests/core/kernels/kernel_cases.h"

namespace fu::test {

void kernel_cases_rotary_embedding(KernelCases& cases) {
  struct Size {
    Index batch, tokens, heads, head_dim, rest;  // rest: channels behind the rotated ones
  };
  for (const Size& s : {Size{1, 0, 1, 4, 0}, Size{1, 1, 1, 2, 1}, Size{2, 5, 3, 6, 7}, Size{1, 3, 2, 32, 0},
                        Size{1, 9, 2, 34, 17}, Size{1, 400, 6, 64, 96}}) {
    RotaryArgs a;
    a.batch = s.batch, a.tokens = s.tokens, a.heads = s.heads, a.head_dim = s.head_dim;
    a.channels = s.heads * s.head_dim + s.rest;
    const Tensor x = cases.random.normal({s.batch * s.tokens, a.channels});
    const Tensor cosines = cases.random.normal({s.tokens, s.head_dim / 2}),
                 sines = cases.random.normal({s.tokens, s.head_dim / 2});
    const auto run = [=](const Kernels& k) {
      RotaryArgs args = a;
      Tensor y = outputs(x.size()), in_place = outputs_like(x);
      args.cosines = cosines.data(), args.sines = sines.data();
      args.x = x.data(), args.y = y.data();
      k.rotary_embedding(args);
      args.direction = -1;
      args.x = args.y = in_place.data();
      k.rotary_embedding(args);
      return joined({y, in_place});
    };
    cases.add(label({{"tokens", s.tokens}, {"heads", s.heads}, {"head_dim", s.head_dim}, {"rest", s.rest}}), run);
  }
}

}  // namespace fu::test
