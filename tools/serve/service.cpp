#include "tools/serve/service.h"

#include <new>

#include "featup/version.h"
#include "tools/serve/overtime.h"
#include "tools/serve/start_page.h"

namespace fu {

namespace {

/// Whether a header Content-Type is that of a picture; one that says nothing is taken as one.
bool is_picture(const std::string& type) {
  const std::string kind = type.substr(0, type.find(';'));
  return kind.empty() || kind.rfind("image/", 0) == 0 || kind == "application/octet-stream";
}

}  // namespace

const Service::Route Service::kRoutes[] = {
    {"/", false, "this page", &Service::page},
    {"/health", false, "whether the server takes requests, and how many it has", &Service::health},
    {"/metrics", false, "counters for Prometheus", &Service::metrics},
    {"/v1/upsample", true, "high-resolution features of the photo in the body", &Service::upsample},
    {"/v1/features", true, "the backbone's low-resolution features of the photo in the body", &Service::features},
};

const Service::Route* Service::find_route(const std::string& path) {
  for (const Route& route : kRoutes)
    if (path == route.path) return &route;
  return nullptr;
}

const char* Service::counted_path(const std::string& path) {
  if (path.rfind("/page/", 0) == 0) return "/page/";
  const Route* const route = find_route(path);
  return route ? route->path : "other";
}

Service::Service(ServedModel model, ServiceLimits limits, ServerNames names, const Load& load, const Metrics& metrics,
                 PageFiles page)
    : model_(std::move(model)),
      limits_(limits),
      names_(std::move(names)),
      page_(std::move(page)),
      load_(load),
      counted_(metrics) {}

std::optional<HttpAnswer> Service::answer_at_once(const HttpRequest& r) const {
  if (!names_.allow(r.host))
    return error_answer(403, "the request is for the host '" + r.host +
                                 "', which is no name of this server. Start it with --name, if it is.");
  if (!r.origin.empty() && !is_own_origin(r.origin, r.host))
    return error_answer(403, "the request is from a web page of " + r.origin + "; only this server's own may ask it.");
  const auto file = page_.find(r.path);
  const Route* const route = find_route(r.path);
  if (!route && file == page_.end()) return error_answer(404, "there is no such path; GET / lists what there is.");
  const bool computes = route && route->computes;
  if (computes ? r.method != "POST" : r.method != "GET" && r.method != "HEAD") {
    HttpAnswer answer = error_answer(405, std::string("use ") + (computes ? "POST" : "GET") + " for this path.");
    answer.headers.push_back({"Allow", computes ? "POST" : "GET, HEAD"});
    return answer;
  }
  if (!route) return file->second;
  if (!computes) return (this->*route->answer)(r);
  if (load_.stopping) return error_answer(503, "the server is about to end.");
  if (!is_picture(r.content_type))
    return error_answer(415, "the body's type is '" + r.content_type +
                                 "'. Send the picture's bytes alone, with a Content-Type like image/jpeg.");
  const std::string wrong = wrong_query(r);
  if (!wrong.empty()) return error_answer(400, wrong);
  return {};
}

HttpAnswer Service::answer(const HttpRequest& request) const {
  std::optional<HttpAnswer> known = answer_at_once(request);
  return known ? std::move(*known) : compute(request);
}

namespace {

/// The answer that tells of the exception that is being handled.
HttpAnswer answer_to_exception() {
  try {
    throw;
  } catch (const Overtime& late) {
    return error_answer(503, late.what());
  } catch (const MemoryError& error) {
    return error_answer(503, without_dashes(error.what()));
  } catch (const std::bad_alloc&) {
    return error_answer(503, "out of memory. Ask for a smaller result, or come again.");
  } catch (const FileError& error) {
    return error_answer(400, without_dashes(error.what()));
  } catch (const UsageError& error) {
    return error_answer(400, without_dashes(error.what()));
  } catch (const ShapeError& error) {
    return error_answer(400, error.what());
  } catch (const std::exception& error) {
    return error_answer(500, error.what());
  }
}

}  // namespace

HttpAnswer Service::compute(const HttpRequest& request) const noexcept {
  const Route* const route = find_route(request.path);
  try {
    return (this->*route->answer)(request);
  } catch (...) {
    return answer_to_exception();
  }
}

HttpAnswer Service::health(const HttpRequest&) const {
  const bool stopping = load_.stopping;
  return json_answer(stopping ? 503 : 200, {{"status", stopping ? "stopping" : "ok"},
                                            {"version", FEATUP_VERSION},
                                            {"running", load_.running.load()},
                                            {"waiting", load_.waiting.load()},
                                            {"taken", load_.taken.load()},
                                            {"places", load_.places}});
}

HttpAnswer Service::metrics(const HttpRequest&) const {
  return {200, "text/plain; version=0.0.4; charset=utf-8", counted_.text(load_), {}};
}

HttpAnswer Service::page(const HttpRequest&) const {
  std::string rows;
  for (const Route& route : kRoutes)
    rows += cat("<tr><td><code>", route.computes ? "POST" : "GET", " ", route.path, "</code></td><td>", route.summary,
                "</td></tr>\n");
  if (!page_.empty())
    rows +=
        "<tr><td><code>GET <a href=\"/page/\">/page/</a></code></td><td>a page that computes in the "
        "browser</td></tr>\n";
  return {200, "text/html; charset=utf-8", start_page(rows), {}};
}

}  // namespace fu
