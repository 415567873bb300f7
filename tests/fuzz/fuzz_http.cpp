// Requests to `featup serve`, without a socket. Four lines: method and path with a query, Host, Content-Type, Accept;
// the rest is the body.
#include <nlohmann/json.hpp>

#include "featup/upsamplers/registry.h"
#include "tests/fuzz/fuzz.h"
#include "tools/serve/service.h"

namespace fu::fuzz {

namespace {

const Service& service() {
  static Load load;
  static Metrics metrics;
  static const Service one = [] {
    ServedModel model;
    model.source.size = "32";
    model.backbone = model.source.backbone.open();
    model.upsampler = open_upsampler("bilinear");
    ServiceLimits limits;
    limits.result = 4e6;
    limits.pixels = 64 * 64;
    return Service(model, limits, ServerNames(), load, metrics);
  }();
  return one;
}

/// The text up to the next line break, which is passed over.
std::string next_line(std::string& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string line = rest.substr(0, end);
  rest.erase(0, end + 1);
  return line;
}

HttpFields parameters(const std::string& query) {
  HttpFields fields;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string field = query.substr(begin, end - begin);
    const std::size_t equal = std::min(field.find('='), field.size());
    fields.emplace_back(field.substr(0, equal), equal < field.size() ? field.substr(equal + 1) : "");
    begin = end + 1;
  }
  return fields;
}

[[noreturn]] void found(const char* what, const HttpAnswer& answer) {
  std::fprintf(stderr, "%s: %d %s %s\n", what, answer.status, answer.type.c_str(), answer.body.substr(0, 200).c_str());
  std::abort();
}

void check(const HttpAnswer& answer) {
  if (answer.status == 200) {
    if (answer.type == "application/octet-stream" && answer.body.rfind("\x93NUMPY", 0) != 0) found("no array", answer);
    if (answer.type == "application/json" && !nlohmann::json::accept(answer.body)) found("no JSON", answer);
    return;
  }
  if (answer.status != 503 && (answer.status < 400 || answer.status >= 500)) found("a wrong status", answer);
  const nlohmann::json json = nlohmann::json::parse(answer.body, nullptr, false);
  if (answer.type != "application/json" || !json.is_object() || !json.contains("error")) found("no error", answer);
  const std::string text = json["error"];
  if (text.empty() || text.find('\n') != text.npos) found("an error that is no line", answer);
}

}  // namespace

void fuzz_http(const unsigned char* data, std::size_t size) {
  HttpRequest request;
  request.body.assign(reinterpret_cast<const char*>(data), size);
  const std::string line = next_line(request.body);
  request.host = next_line(request.body);
  request.content_type = next_line(request.body);
  request.accept = next_line(request.body);
  const std::size_t blank = std::min(line.find(' '), line.size());
  request.method = line.substr(0, blank);
  const std::string target = blank < line.size() ? line.substr(blank + 1) : "";
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  request.query = parameters(mark < target.size() ? target.substr(mark + 1) : "");
  check(service().answer(request));
}

}  // namespace fu::fuzz
