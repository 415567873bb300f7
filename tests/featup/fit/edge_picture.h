// The picture that tests of fits look at.
#pragma once

#include "core/random.h"
#include "featup/photo/preprocess.h"

namespace fu::test {

/// Two colours with a slanted edge between them, and some noise.
inline Image picture(Index h, Index w) {
  Image p{h, w, {}};
  Random random(8);
  for (Index i = 0; i < h * w; ++i)
    for (int c = 0; c < 3; ++c)
      p.rgb.push_back(static_cast<unsigned char>((i % w > w / 2 + i / w / 4 ? 180 : 40) + 20 * c +
                                                 static_cast<int>(random.below(20))));
  return p;
}

}  // namespace fu::test
