// The socket that a server listens on.
#pragma once

#include <string>

namespace fu {

struct Listener {
  int descriptor = -1;
  int port = 0;           // that it got, where any was asked for
  bool loopback = false;  // the address is reached from this machine alone
  std::string url;        // "http://127.0.0.1:8080"
};

/// host: an address or a name, of which the first address is taken; port 0: any that is free. throws UsageError.
Listener open_listener(const std::string& host, int port);

}  // namespace fu
