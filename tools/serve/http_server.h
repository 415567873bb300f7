// HTTP on a socket, by GNU libmicrohttpd: one thread of its own reads requests and writes answers; the work is done by
// the threads of a JobQueue meanwhile.
#pragma once

#include <functional>
#include <memory>

#include "tools/serve/job_queue.h"
#include "tools/serve/listener.h"
#include "tools/serve/service.h"

namespace fu {

/// Limits of a connection.
struct HttpLimits {
  std::size_t body = 32000000;  // bytes of a request's body
  int connections = 64;         // beside those that have a place in the queue
  int idle_seconds = 10;        // without a byte
  double upload_seconds = 60;   // for a whole body
};

class HttpServer {
 public:
  using Log = std::function<void(const std::string& line)>;

  /// Answers requests from now on. The listener's socket is closed at the end. All that is referred to must outlive the
  /// server. log: receives a line about each answer, from any thread; may be empty. throws UsageError.
  HttpServer(const Listener& listener, const HttpLimits& limits, const Service& service, JobQueue& queue,
             Metrics& metrics, Log log);
  /// Returns when every request that has a place is answered. load.stopping, set before, refuses new ones.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Of one request; behind the interface because it speaks the library's types.
  struct Exchange;
  class Daemon;

 private:
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace fu
