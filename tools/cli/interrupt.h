// Signals: Ctrl-C as a wish, at which long work ends at the next good place and keeps what it has; and what every
// command does when it is ended, so that nothing half-written stays.
#pragma once

#include <csignal>

namespace fu {

/// For the start of the program, before a file is opened.
///   Descriptors 0, 1 and 2 that are closed are opened on /dev/null: the next file would get their number, and what is
///   printed would land in it.
///   SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGXCPU remove files under construction, and then end the program as always.
///   One that the parent told us to ignore (nohup does) stays ignored.
///   SIGBUS in a file that another process cut while it was read: one line, and exit code 1.
///   SIGILL: the same, with the kernels to choose.
///   No memory at all, or none in a destructor: the same line as elsewhere, and exit code 1, without unwinding.
///   SIGPIPE and SIGXFSZ become errors of the write that caused them.
void prepare_process();

/// Whether standard output was closed when the program began.
bool standard_output_was_closed();

/// While it lives, the first of these signals only sets interrupted(). The second ends the program as always; of
/// SIGXCPU, which the system repeats every second, all are the first.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  bool interrupted() const;
};

/// While it lives, the same signals wait, and only wait_for() receives them. Threads that are started meanwhile never
/// do: for a command whose work is done by threads of its own. One of them could else receive the signal, and the
/// thread that waits for it would sleep on.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  /// Sleeps until one has come.
  void wait_for(const Interruptible& interruptible) const;

 private:
  sigset_t before_;
};

}  // namespace fu
