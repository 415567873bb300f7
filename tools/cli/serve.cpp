// featup serve: features over HTTP.
#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "core/control_groups.h"
#include "core/pool.h"
#include "core/system.h"
#include "featup/upsamplers/registry.h"
#include "tools/cli/channel_maps.h"
#include "tools/cli/errors.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/parse.h"
#include "tools/cli/program.h"
#include "tools/cli/report.h"
#include "tools/cli/say.h"
#include "tools/serve/http_server.h"

namespace fu {

namespace {

struct ServeCommand {
  BackboneArgs backbone;
  std::string size = "224";
  UpsamplerArgs upsampler;
  ProjectionArgs projection;
  std::string host = "127.0.0.1";
  std::vector<std::string> names;
  int port = 8080, parallel = 2, queue = 16, timeout = 60;
  std::string page;  // folder, or empty
  std::string max_body = "32M", max_result = "1G";
  Index max_pixels = 2000000;
  CommonArgs common;

  void add(Command& app);
};

void ServeCommand::add(Command& app) {
  backbone.add(app);
  FeatureArgs::add_size(app, size);
  upsampler.add(app);
  projection.add(app);
  app.add_option("--host", host, "address or name to listen on; 127.0.0.1 is reached from this machine alone")
      .show_default();
  app.add_option("--port", port, "port; 0: any that is free, which is printed").between(0, 65535).show_default();
  app.add_option("--name", names,
                 "another name that requests may call the server by, such as that of a proxy; may be given often");
  app.add_option("--page", page,
                 "folder of the page that computes in the browser, as tools/test_wasm.sh leaves it; it is at /page/");
  app.add_option("--parallel", parallel, "requests that are computed at a time").between(1, 256).show_default();
  app.add_option("--queue", queue, "requests that wait at most; more get status 503").between(0, 65536).show_default();
  app.add_option("--timeout", timeout, "seconds to compute an answer at most; 0: no limit")
      .between(0, 86400)
      .show_default();
  app.add_option("--max-body", max_body, "bytes of a picture at most, like 32M").show_default();
  app.add_option("--max-result", max_result, "bytes of an answer's numbers at most, like 1G").show_default();
  app.add_option("--max-pixels", max_pixels, "pixels of a photo at the backbone at most")
      .between(Index{1}, kMaxInput)
      .show_default();
  common.add(app);
  app.footer(
      "GET / lists what is answered. Without --max-memory the limit is half of the memory of the machine, or of\n"
      "what a limit of its container leaves. Ctrl-C and SIGTERM let what was taken be finished.\n"
      "Example: featup serve --port 8080, and then\n"
      "  curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg 'http://127.0.0.1:8080/v1/upsample?pca=3' -o "
      "photo.npy");
}

/// Half of the machine's memory, or of what limits of control groups leave of it, in bytes; 0 if the system does not
/// tell.
std::size_t half_of_memory() {
  const std::uint64_t there = os::physical_memory(), left = control_group_memory();
  constexpr std::uint64_t kMost = std::numeric_limits<std::size_t>::max();
  return there == 0 ? 0 : static_cast<std::size_t>(std::min({there / 2, left / 2, kMost}));
}

ServedModel open_model(const ServeCommand& o) {
  ServedModel model;
  model.source.backbone = o.backbone;
  model.source.size = o.size;
  model.backbone = o.backbone.open();
  model.upsampler =
      open_upsampler(o.upsampler.method(), {false, feature_function(model.backbone.get()), o.common.seed});
  model.projection = o.projection;
  model.matrix = read_projection(o.projection.project);
  return model;
}

HttpLimits limits_of(const ServeCommand& o) {
  HttpLimits limits;
  limits.body = parse_bytes("--max-body", o.max_body);
  limits.connections += o.parallel + o.queue;
  return limits;
}

/// What a user, or a program that started this one, must know before the first request.
void tell_begin(const ServeCommand& o, const ServedModel& model, const Listener& listener, Report& report) {
  report_backbone(report, model.backbone.get(), model.backbone->describe(), o.backbone, o.common);
  report["upsampler"] = model.upsampler->describe();
  report["url"] = listener.url;
  report["port"] = listener.port;
  report.print();
  if (o.common.prints_text())
    say("%s answers with features of %s, upsampled by %s; Ctrl-C ends it\n", listener.url.c_str(),
        model.backbone->describe().c_str(), model.upsampler->describe().c_str());
  std::fflush(stdout);
}

int run_serve(const ServeCommand& o, const Program&) {
  Report report("serve", {}, o.common.json);
  const HttpLimits http = limits_of(o);
  const ServiceLimits limits{static_cast<double>(parse_bytes("--max-result", o.max_result)),
                             static_cast<double>(o.timeout), o.max_pixels};
  if (o.common.max_memory.empty()) set_memory_limit(half_of_memory());
  ServedModel model = open_model(o);
  const std::string note = model.upsampler->note(model.backbone->channels());
  if (!note.empty() && !o.common.quiet) report.note(note);
  report.stage("load");

  Load load;
  load.places = o.parallel + o.queue;
  Metrics metrics;
  const Listener listener = open_listener(o.host, o.port);
  if (!listener.loopback && !o.common.quiet)
    report.note("whoever reaches " + listener.url + " may ask: there is no password and no encryption.");
  const Service service(model, limits, {o.host, listener.loopback, o.names}, load, metrics,
                        o.page.empty() ? PageFiles() : read_page_files(o.page));
  service.warm_up();
  report.stage("warm up");
  {
    const Interruptible interruptible;
    std::optional<HeldSignals> held(std::in_place);
    JobQueue queue(load, o.parallel);
    HttpServer::Log log;
    if (o.common.prints_text())
      log = [](const std::string& line) { std::fprintf(stderr, "featup: %s\n", line.c_str()); };
    const HttpServer server(listener, http, service, queue, metrics, log);
    tell_begin(o, model, listener, report);
    held->wait_for(interruptible);
    held.reset();  // a second signal ends the program at once
    load.stopping = true;
  }
  const Metrics::Sums sums = metrics.sums();
  if (o.common.prints_text())
    say("%lu requests were answered, %lu of them with an error\n", static_cast<unsigned long>(sums.answers),
        static_cast<unsigned long>(sums.errors));
  return 0;
}

}  // namespace

void add_serve(Command& command, Program& program) { add_command(command, program, run_serve); }

}  // namespace fu
