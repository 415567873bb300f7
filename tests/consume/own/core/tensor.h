// A header of the user's own, with the name of one of ours.
#pragma once

struct Tensor {
  int of_the_user = 42;
};
