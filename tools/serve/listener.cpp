#include "tools/serve/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "tools/serve/server_names.h"

namespace fu {

namespace {

/// The address of a socket as text, and its port.
std::string address_of(int descriptor, int& port) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  char address[NI_MAXHOST] = "", number[NI_MAXSERV] = "";
  const auto* const any = reinterpret_cast<const sockaddr*>(&bound);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      getnameinfo(any, size, address, sizeof address, number, sizeof number, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "";
  port = std::stoi(number);
  return address;
}

}  // namespace

Listener open_listener(const std::string& host, int port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const int unknown = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  require<UsageError>(unknown == 0, "--host ", host, ": ", gai_strerror(unknown),
                      ". Give an address or a name of this machine.");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> keeper(found, freeaddrinfo);
  Listener listener;
  listener.descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  bool open = listener.descriptor >= 0;
  // A port that a server has just left can be taken again at once.
  if (open) setsockopt(listener.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  open = open && bind(listener.descriptor, found->ai_addr, found->ai_addrlen) == 0 &&
         listen(listener.descriptor, SOMAXCONN) == 0;
  const int error = errno;
  if (!open && listener.descriptor >= 0) close(listener.descriptor);
  require<UsageError>(open, "--host ", host, " --port ", port, ": cannot listen there: ", std::strerror(error),
                      ". Choose another port; 0 is any that is free.");
  const std::string address = address_of(listener.descriptor, listener.port);
  listener.loopback = is_loopback_address(address);
  const bool brackets = host.find(':') != std::string::npos;
  listener.url = cat("http://", brackets ? "[" : "", host, brackets ? "]:" : ":", listener.port);
  return listener;
}

}  // namespace fu
