// By which names requests may call the server.
//
// A web page from anywhere may give its own name the address of this machine, after it was loaded (DNS rebinding). The
// browser then takes the server for a part of that page, and lets it read answers. Its requests still carry the page's
// name in the header Host, so a server that knows its own names refuses them.
#pragma once

#include <string>
#include <vector>

namespace fu {

struct ServerNames {
  std::string host = "127.0.0.1";   // that it was started with: an address or a name
  bool loopback = true;             // nobody but this machine reaches it
  std::vector<std::string> others;  // that it is also called by

  /// Whether a header Host names this server: by its host, by another of its names, as localhost, or by an address,
  /// which no page can have as its name. On loopback only addresses of loopback.
  bool allow(const std::string& host_header) const;
};

/// "name:80", "[::1]:80" -> "name", "::1", in lower case; empty for anything else.
std::string host_name(const std::string& host_header);

/// Whether a header Origin is the server itself, as the header Host of the same request calls it.
bool is_own_origin(const std::string& origin, const std::string& host_header);

/// Whether a text is an address of loopback: 127.0.0.0/8 or ::1.
bool is_loopback_address(const std::string& text);

}  // namespace fu
