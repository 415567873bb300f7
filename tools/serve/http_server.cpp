#include "tools/serve/http_server.h"

#include <microhttpd.h>

#include <chrono>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

namespace fu {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Of a refused request that much is read and thrown away, so that a client who sends all before it reads finds the
// answer, and not a connection that was cut.
constexpr std::uint64_t kReadAnyway = 64000000;

// Memory of a connection, for the request's line and headers; more of them is refused by the library.
constexpr std::size_t kHeadBytes = 65536;

std::string header(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value ? value : "";
}

MHD_Result add_parameter(void* fields, MHD_ValueKind, const char* name, const char* value) {
  try {
    static_cast<HttpFields*>(fields)->emplace_back(name ? name : "", value ? value : "");
    return MHD_YES;
  } catch (const std::bad_alloc&) {
    return MHD_NO;
  }
}

/// The answer as the library sends it; it takes the body with it. Null without memory.
MHD_Response* response_of(HttpAnswer& answer) {
  auto* const body = new std::string(std::move(answer.body));
  MHD_Response* const response = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* text) { delete static_cast<std::string*>(text); }, body);
  if (!response) {
    delete body;
    return nullptr;
  }
  MHD_add_response_header(response, "Content-Type", answer.type.c_str());
  for (const auto& [name, value] : answer.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  // A browser shows the answer as what it is, lets it do what its policy says, and gives it to no other page.
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(response, "Content-Security-Policy", answer.policy.c_str());
  MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
  MHD_add_response_header(response, "Cache-Control", "no-store");
  return response;
}

}  // namespace

/// A request, from its head to the end of its answer.
struct HttpServer::Exchange {
  HttpRequest request;
  std::optional<HttpAnswer> answer;  // written by a worker while the connection is suspended
  bool has_place = false;
  std::uint64_t received = 0;  // bytes of the body
  Clock::time_point begin = Clock::now();
};

class HttpServer::Daemon {
 public:
  Daemon(const Listener& listener, const HttpLimits& limits, const Service& service, JobQueue& queue, Metrics& metrics,
         Log log);
  ~Daemon() {
    queue_.close();  // the library must not be stopped while a connection is suspended
    MHD_stop_daemon(daemon_);
  }

 private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                               const char* data, std::size_t* size, void** state);
  static void on_end(void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode);

  MHD_Result begin(MHD_Connection* connection, Exchange& exchange);
  bool receive(Exchange& exchange, const char* data, std::size_t size);
  MHD_Result finish(MHD_Connection* connection, Exchange& exchange);
  void compute(MHD_Connection* connection, Exchange& exchange);
  MHD_Result send(MHD_Connection* connection, Exchange& exchange);

  HttpLimits limits_;
  const Service& service_;
  JobQueue& queue_;
  Metrics& metrics_;
  Log log_;
  MHD_Daemon* daemon_ = nullptr;
};

HttpServer::Daemon::Daemon(const Listener& listener, const HttpLimits& limits, const Service& service, JobQueue& queue,
                           Metrics& metrics, Log log)
    : limits_(limits), service_(service), queue_(queue), metrics_(metrics), log_(std::move(log)) {
  daemon_ =
      MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, on_request, this,
                       MHD_OPTION_LISTEN_SOCKET, listener.descriptor, MHD_OPTION_NOTIFY_COMPLETED, on_end, this,
                       MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits.connections),
                       MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(limits.idle_seconds),
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, kHeadBytes, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  require<UsageError>(daemon_ != nullptr, "the server could not be started. Is there memory for another thread?");
}

/// Called by the library for the head of a request, for each part of its body, and at its end; and once more when a
/// suspended connection goes on.
MHD_Result HttpServer::Daemon::on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                                          const char*, const char* data, std::size_t* size, void** state) {
  Daemon& daemon = *static_cast<Daemon*>(self);
  try {
    if (!*state) {
      auto* const exchange = new Exchange;
      *state = exchange;
      exchange->request.method = method;
      exchange->request.path = url;
      return daemon.begin(connection, *exchange);
    }
    Exchange& exchange = *static_cast<Exchange*>(*state);
    if (*size == 0) return daemon.finish(connection, exchange);
    const bool goes_on = daemon.receive(exchange, data, *size);
    *size = 0;
    return goes_on ? MHD_YES : MHD_NO;
  } catch (const std::exception&) {
    return MHD_NO;  // no memory for the request itself: the connection is closed
  }
}

void HttpServer::Daemon::on_end(void* self, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
  auto* const exchange = static_cast<Exchange*>(*state);
  if (!exchange) return;
  const bool had_place = exchange->has_place;
  delete exchange;
  *state = nullptr;
  if (had_place) static_cast<Daemon*>(self)->queue_.give_place();
}

/// The head is there. What is refused is answered before the body, if the client waits for that or the body is long.
MHD_Result HttpServer::Daemon::begin(MHD_Connection* connection, Exchange& exchange) {
  HttpRequest& r = exchange.request;
  r.host = header(connection, "Host");
  r.origin = header(connection, "Origin");
  r.content_type = header(connection, "Content-Type");
  r.accept = header(connection, "Accept");
  MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_parameter, &r.query);
  const std::uint64_t length = std::strtoull(header(connection, "Content-Length").c_str(), nullptr, 10);
  const bool chunked = !header(connection, "Transfer-Encoding").empty();

  exchange.answer = service_.answer_at_once(r);
  if (!exchange.answer && length > limits_.body)
    exchange.answer = error_answer(413, cat("the body has ", length, " bytes, more than the ", limits_.body,
                                            " that the server takes. Send a smaller picture."));
  if (!exchange.answer) {
    exchange.has_place = queue_.take_place();
    if (!exchange.has_place) exchange.answer = error_answer(503, "the server is busy. Come again.");
  }
  if (!exchange.answer) {
    r.body.reserve(length);
    return MHD_YES;
  }
  const bool has_body = length > 0 || chunked;
  if (!has_body || length > kReadAnyway || !header(connection, "Expect").empty()) return send(connection, exchange);
  return MHD_YES;
}

/// Part of a body. Returns false for a connection that is to be cut.
bool HttpServer::Daemon::receive(Exchange& exchange, const char* data, std::size_t size) {
  exchange.received += size;
  if (exchange.received > kReadAnyway + limits_.body || seconds_since(exchange.begin) > limits_.upload_seconds)
    return false;
  if (exchange.answer) return true;
  std::string& body = exchange.request.body;
  if (exchange.received <= limits_.body) {
    body.append(data, size);
    return true;
  }
  // A body whose length was not told before.
  body = std::string();
  exchange.answer = error_answer(
      413, cat("the body has more than the ", limits_.body, " bytes that the server takes. Send a smaller picture."));
  return true;
}

/// All is there: the request, or the answer that a worker made.
MHD_Result HttpServer::Daemon::finish(MHD_Connection* connection, Exchange& exchange) {
  if (exchange.answer) return send(connection, exchange);
  MHD_suspend_connection(connection);
  queue_.run([this, connection, &exchange] { compute(connection, exchange); });
  return MHD_YES;
}

/// On a thread of the queue. Nobody else touches the exchange until the connection goes on.
void HttpServer::Daemon::compute(MHD_Connection* connection, Exchange& exchange) {
  const Clock::time_point begin = Clock::now();
  exchange.answer = service_.compute(exchange.request);
  exchange.request.body = std::string();
  metrics_.computed(Service::counted_path(exchange.request.path), seconds_since(begin));
  MHD_resume_connection(connection);
}

MHD_Result HttpServer::Daemon::send(MHD_Connection* connection, Exchange& exchange) {
  HttpAnswer& answer = *exchange.answer;
  const char* const path = Service::counted_path(exchange.request.path);
  const std::size_t bytes = answer.body.size();
  MHD_Response* const response = response_of(answer);
  if (!response) return MHD_NO;
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);  // the library still holds it
  metrics_.answered(path, answer.status);
  if (log_)
    log_(cat(exchange.request.method == "POST" ? "POST " : "GET ", path, ": ", answer.status, ", ", bytes, " bytes, ",
             static_cast<int>(1000 * seconds_since(exchange.begin)), " ms"));
  return queued;
}

HttpServer::HttpServer(const Listener& listener, const HttpLimits& limits, const Service& service, JobQueue& queue,
                       Metrics& metrics, Log log)
    : daemon_(std::make_unique<Daemon>(listener, limits, service, queue, metrics, std::move(log))) {}

HttpServer::~HttpServer() = default;

}  // namespace fu
