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

void kernel_cases_place_rotation(KernelCases& cases) {
  for (Index c : {0, 2, 6, 16, 34, 128})
    for (Index n : {0, 1, 5}) {
      const Tensor x = cases.random.normal({n, c}), row_cos = cases.random.normal({c}),
                   row_sin = cases.random.normal({c}), col_cos = cases.random.normal({n, c}),
                   col_sin = cases.random.normal({n, c});
      const auto run = [=](const Kernels& k) {
        PlaceRotationArgs a;
        a.n = n, a.c = c;
        a.row_cos = row_cos.data(), a.row_sin = row_sin.data();
        a.col_cos = col_cos.data(), a.col_sin = col_sin.data();
        Tensor y = outputs(n * c), in_place = outputs_like(x);
        a.x = x.data(), a.y = y.data();
        k.place_rotation(a);
        a.x = a.y = in_place.data();
        k.place_rotation(a);
        return joined({y, in_place});
      };
      cases.add(label({{"n", n}, {"c", c}}), run);
    }
}

}  // namespace fu::test
