// What the server answers, without a socket.
#include "tools/serve/service.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/pool.h"
#include "featup/upsamplers/registry.h"
#include "tests/tools/program.h"
#include "tools/serve/job_queue.h"

using namespace fu;
using namespace fu::test;

namespace {

/// The built-in model, small.
ServedModel small_model() {
  ServedModel model;
  model.source.size = "32";
  model.backbone = model.source.backbone.open();
  model.upsampler = open_upsampler("builtin");
  return model;
}

struct Small {
  Load load;
  Metrics metrics;
  Service service;

  explicit Small(ServiceLimits limits = {}) : service(small_model(), limits, ServerNames(), load, metrics) {}
};

std::string photo_bytes(std::uint64_t seed) {
  const TempFolder folder;
  write_png(folder / "a.png", render_scene(seed, 32, 48).image);
  return slurp(folder / "a.png");
}

HttpRequest request(const std::string& body, HttpFields query = {}) {
  return {"POST", "/v1/upsample", std::move(query), "localhost", "", "image/png", "", body};
}

std::string error_of(const HttpAnswer& answer) { return nlohmann::json::parse(answer.body).at("error"); }

}  // namespace

TEST_CASE("service: one model in many threads gives the same bytes") {
  const Small small;
  constexpr int kThreads = 4, kRounds = 6;
  std::vector<std::string> photos, expected;
  for (int i = 0; i < kThreads; ++i) {
    photos.push_back(photo_bytes(static_cast<std::uint64_t>(i)));
    expected.push_back(small.service.answer(request(photos.back())).body);
    CHECK(expected.back().rfind("\x93NUMPY", 0) == 0);
  }
  CHECK(expected[0] != expected[1]);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round)
        if (small.service.answer(request(photos[i])).body != expected[i]) ++wrong;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("service: what the model or the machine cannot do is an answer") {
  const std::string photo = photo_bytes(1);
  Small small;
  const HttpAnswer good = small.service.answer(request(photo));
  CHECK(good.status == 200);
  set_memory_limit(pool_stats().live + 4000000);
  const HttpAnswer full = small.service.answer(request(photo, {{"out-size", "512x512"}}));
  set_memory_limit(0);
  CHECK(full.status == 503);
  CHECK(full.headers == HttpFields{{"Retry-After", "1"}});
  CHECK(contains(error_of(full), "would exceed the limit"));
  CHECK(small.service.answer(request(photo)).body == good.body);

  ServiceLimits short_time;
  short_time.seconds = 1e-9;
  const HttpAnswer late = Small(short_time).service.answer(request(photo));
  CHECK(late.status == 503);
  CHECK(contains(error_of(late), "takes longer than"));

  small.load.stopping = true;
  CHECK(small.service.answer(request(photo)).status == 503);
  HttpRequest health{"GET", "/health", {}, "localhost", "", "", "", ""};
  CHECK(small.service.answer(health).status == 503);
  CHECK(contains(small.service.answer(health).body, "stopping"));
}

TEST_CASE("service: what is wrong with the model is told at the start") {
  ServedModel model = small_model();
  model.matrix = Tensor::full({20, 3}, real(1));
  model.projection.project = "p.npy";
  const Load load;
  const Metrics metrics;
  const Service service(model, {}, {}, load, metrics);
  CHECK(contains(message_of([&] { service.warm_up(); }), "p.npy: is (20,3), but the features have 192 channels"));
}

TEST_CASE("service: the page that computes in the browser is given as it is, and nothing beside it") {
  const TempFolder folder;
  for (const char* name : {"index.html", "page.css", "page.js", "library.js", "worker.js", "offline.js", "featup.js"})
    std::ofstream(folder / name) << "text of " << name;
  std::ofstream(folder / "secret.txt") << "secret";
  CHECK(contains(message_of([&] { read_page_files(folder.path()); }), "featup.wasm: cannot be opened"));
  std::ofstream(folder / "featup.wasm") << std::string("\0asm", 4);
  const Load load;
  const Metrics metrics;
  const Service service(small_model(), {}, ServerNames(), load, metrics, read_page_files(folder.path()));
  const auto get = [&](const std::string& path, const std::string& method = "GET") {
    return service.answer({method, path, {}, "localhost", "", "", "", ""});
  };
  CHECK(get("/page/").body == "text of index.html");
  CHECK(get("/page/").type == "text/html; charset=utf-8");
  CHECK(get("/page/featup.wasm").body == std::string("\0asm", 4));
  CHECK(get("/page/featup.wasm").type == "application/wasm");
  CHECK(get("/page").status == 301);
  CHECK(contains(get("/page/worker.js").policy, "'wasm-unsafe-eval'"));
  CHECK(get("/").policy == HttpAnswer().policy);
  CHECK(contains(get("/").body, "href=\"/page/\""));
  CHECK(get("/page/page.js", "POST").status == 405);
  for (const char* wrong : {"/page/secret.txt", "/page/../secret.txt", "/page/page.js/", "/page.js"})
    CHECK(get(wrong).status == 404);
  CHECK(std::string(Service::counted_path("/page/page.js")) == "/page/");
  const Small without;
  CHECK(without.service.answer({"GET", "/page/", {}, "localhost", "", "", "", ""}).status == 404);
}

TEST_CASE("service: options in errors are parameters") {
  CHECK(without_dashes("--size 0 or --max-pixels: a -- b --") == "size 0 or max-pixels: a -- b --");
}

TEST_CASE("service: names of the server") {
  CHECK(host_name("Example.ORG:80") == "example.org");
  CHECK(host_name("[::1]:80") == "::1");
  CHECK(host_name("[::1]") == "::1");
  for (const char* wrong : {"", "[::1", "a:b", "::1", "a:80:80", "[::1]x"}) {
    CAPTURE(std::string(wrong));
    CHECK(host_name(wrong).empty());
  }
  const ServerNames local{"127.0.0.1", true, {"proxy.example"}};
  for (const char* right : {"127.0.0.1", "127.9.9.9:5", "localhost:1", "[::1]:8", "Proxy.example:443"})
    CHECK(local.allow(right));
  for (const char* wrong : {"", "example.org", "10.0.0.1", "127.0.0.1.example.org", "localhost.example.org", "[::2]"})
    CHECK(!local.allow(wrong));
  const ServerNames open{"0.0.0.0", false, {}};
  for (const char* right : {"10.0.0.1:80", "[fe80::1]", "localhost"}) CHECK(open.allow(right));
  CHECK(!open.allow("example.org"));
  CHECK(is_own_origin("http://Localhost:80", "localhost:80"));
  CHECK(!is_own_origin("https://localhost:80", "localhost:80"));
  CHECK(!is_own_origin("null", "localhost:80"));
}

TEST_CASE("service: a queue runs jobs in their order and has a bounded number of places") {
  Load load;
  load.places = 3;
  std::vector<int> order;
  {
    JobQueue queue(load, 1);
    for (int i = 0; i < 3; ++i) REQUIRE(queue.take_place());
    CHECK(!queue.take_place());
    for (int i = 0; i < 3; ++i)
      queue.run([&, i] {
        order.push_back(i);
        queue.give_place();
      });
    queue.close();
    CHECK(!queue.take_place());
  }
  CHECK(order == std::vector<int>{0, 1, 2});
  CHECK(load.running == 0);
  CHECK(load.waiting == 0);
}

TEST_CASE("service: counters in Prometheus' format") {
  Load load;
  load.places = 5;
  Metrics metrics;
  metrics.answered("/v1/upsample", 200);
  metrics.answered("/v1/upsample", 200);
  metrics.answered("other", 404);
  metrics.computed("/v1/upsample", 0.03);
  metrics.computed("/v1/upsample", 20);
  const std::string text = "\n" + metrics.text(load);
  for (const char* line :
       {"featup_requests_total{path=\"/v1/upsample\",status=\"200\"} 2", "featup_errors_total 1",
        "featup_compute_seconds_bucket{path=\"/v1/upsample\",le=\"0.025\"} 0",
        "featup_compute_seconds_bucket{path=\"/v1/upsample\",le=\"0.05\"} 1",
        "featup_compute_seconds_bucket{path=\"/v1/upsample\",le=\"10\"} 1",
        "featup_compute_seconds_bucket{path=\"/v1/upsample\",le=\"+Inf\"} 2",
        "featup_compute_seconds_sum{path=\"/v1/upsample\"} 20.03", "featup_places 5", "# TYPE featup_places gauge"})
    CHECK(contains(text, std::string("\n") + line + "\n"));
  CHECK(metrics.sums().answers == 3);
}
