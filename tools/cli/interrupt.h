// Ctrl-C as a wish: long work ends at the next good place, and keeps what it has.
#pragma once

namespace fu {

/// While it lives, the first SIGINT only sets interrupted(); the second ends the program as always.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  bool interrupted() const;
};

}  // namespace fu
