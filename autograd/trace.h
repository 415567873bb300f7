// What a traced tape keeps beside its nodes: scopes, sizes and norms. dot.cpp and summary.cpp write it as text.
#pragma once

#include <string>
#include <vector>

#include "autograd/tape.h"

namespace fu {

struct Tape::Trace {
  struct Scope {
    std::string name;
    int parent;  // -1: none
  };
  struct Note {
    int scope = -1;
    bool shares = false;  // its result lies in the memory of an input, as reshape's does
    double saved = -1;    // bytes that were freed with what it had saved; -1: it has not run backward
    double norm = -1;     // of its gradient; -1: not known
  };

  TraceOptions options;
  std::vector<Scope> scopes;  // in the order in which they were opened: a scope stands behind its parent
  std::vector<Note> notes;    // of each node
  int open = -1;              // the innermost scope
};

/// Bytes as text: "48 B", "1.54 kB", "12.6 MB"; a kB is 1000 B.
std::string size_text(double bytes);

}  // namespace fu
