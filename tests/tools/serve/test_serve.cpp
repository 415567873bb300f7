// `featup serve` as its clients meet it: on a socket, with the bytes of the program's files, and with all that may go
// wrong between them.
#ifdef FU_HAVE_SERVE

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tests/tools/serve/http_client.h"

using namespace fu;
using namespace fu::test;

namespace {

std::string error_of(const Reply& reply) {
  const nlohmann::json json = nlohmann::json::parse(reply.body, nullptr, false);
  return json.is_object() ? json.value("error", "") : "";
}

/// A photo in the folder, as a.png; its bytes.
std::string write_photo(const TempFolder& folder, Index height = 64, Index width = 96) {
  write_png(folder / "a.png", render_scene(1, height, width).image);
  return slurp(folder / "a.png");
}

}  // namespace

TEST_CASE("serve: answers have the bytes of the program's files") {
  const TempFolder folder;
  const std::string photo = write_photo(folder);
  const ServerProcess server(folder, "--size 64");
  CHECK(contains(server.line(), "answers with features of"));
  const std::string whole = "upsample a.png --size 64 --quiet -o ";
  REQUIRE(run(folder, whole + "plain").code == 0);
  REQUIRE(run(folder, whole + "changed --out-size 50x70 --pca 3 --dtype f16 --layout chw").code == 0);
  REQUIRE(run(folder, "upsample a.png --size own --quiet -o own").code == 0);
  REQUIRE(run(folder, "features a.png --size 64 --pca 2 --quiet -o low").code == 0);
  const std::pair<const char*, const char*> cases[] = {
      {"/v1/upsample", "plain/a.npy"},
      {"/v1/upsample?out-size=50x70&pca=3&dtype=f16&layout=chw", "changed/a.npy"},
      {"/v1/upsample?size=own", "own/a.npy"},
      {"/v1/features?pca=2", "low/a.lr.npy"}};
  for (const auto& one : cases) {
    const std::string target = one.first, file = one.second;
    CAPTURE(target);
    const Reply reply = server.ask("POST", target, photo, "Content-Type: image/png\r\n");
    CHECK(reply.status == 200);
    CHECK(contains(reply.head, "Content-Type: application/octet-stream\r\n"));
    CHECK(reply.body == slurp(folder / file));
  }
  const Reply reply = server.ask("POST", "/v1/upsample?out-size=30x40&pca=3", photo, "Accept: application/json\r\n");
  const nlohmann::json json = nlohmann::json::parse(reply.body);
  CHECK(json.at("shape") == nlohmann::json({30, 40, 3}));
  CHECK(json.at("in_size") == nlohmann::json({64, 96}));
  CHECK(json.at("min").get<double>() < json.at("mean").get<double>());
  CHECK(json.at("mean").get<double>() < json.at("max").get<double>());
}

TEST_CASE("serve: health, counters, and a page that says what there is") {
  const TempFolder folder;
  const std::string photo = write_photo(folder);
  ServerProcess server(folder, "--size 64 --parallel 1 --queue 3");
  const Reply health = server.ask("GET", "/health");
  CHECK(health.status == 200);
  CHECK(nlohmann::json::parse(health.body).at("status") == "ok");
  CHECK(nlohmann::json::parse(health.body).at("places") == 4);
  CHECK(server.ask("POST", "/v1/upsample", photo).status == 200);
  CHECK(server.ask("POST", "/v1/upsample", "no picture").status == 400);
  CHECK(server.metric("featup_requests_total{path=\"/v1/upsample\",status=\"200\"}") == 1);
  CHECK(server.metric("featup_errors_total") == 1);
  CHECK(server.metric("featup_compute_seconds_count{path=\"/v1/upsample\"}") == 2);
  CHECK(server.metric("featup_compute_seconds_bucket{path=\"/v1/upsample\",le=\"+Inf\"}") == 2);
  CHECK(server.metric("featup_places_taken") == 0);
  CHECK(server.metric("process_resident_memory_bytes") > 1e6);
  const Reply page = server.ask("GET", "/");
  CHECK(contains(page.head, "Content-Security-Policy: default-src 'none'"));
  CHECK(contains(page.head, "X-Content-Type-Options: nosniff"));
  for (const char* path : {"/health", "/metrics", "/v1/upsample", "/v1/features"}) CHECK(contains(page.body, path));
  const Reply head = server.ask("HEAD", "/");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(server.end(SIGINT) == 0);
  CHECK(contains(server.errors(), "POST /v1/upsample: 400"));
}

TEST_CASE("serve: what is wrong is an error in JSON, and no file of the server is given") {
  const TempFolder folder;
  const std::string photo = write_photo(folder);
  const ServerProcess server(folder, "--size 64 --max-body 100K --max-result 6M --max-pixels 20000");
  struct Wrong {
    const char *method, *target;
    std::string body, headers;
    int status;
    const char* part;
  };
  const std::string large(100001, 'x'), chunks = "186a1\r\n" + large + "\r\n0\r\n\r\n";
  const Wrong all[] = {
      {"GET", "/nothing", "", "", 404, "no such path"},
      {"GET", "/../../../etc/passwd", "", "", 404, "no such path"},
      {"GET", "/a.png", "", "", 404, "no such path"},
      {"GET", "/%2e%2e/%2e%2e/etc/passwd", "", "", 404, "no such path"},
      {"GET", "/v1/upsample", "", "", 405, "use POST"},
      {"POST", "/health", photo, "", 405, "use GET"},
      {"POST", "/v1/upsample", photo, "Content-Type: multipart/form-data; boundary=x\r\n", 415, "bytes alone"},
      {"POST", "/v1/upsample", "no picture", "", 400, "the photo: "},
      {"POST", "/v1/upsample", photo.substr(0, photo.size() / 2), "", 400, "the photo: "},
      {"POST", "/v1/upsample", "", "", 400, "the body is empty"},
      {"POST", "/v1/upsample", large, "", 413, "the body has 100001 bytes"},
      {"POST", "/v1/upsample", "", "Content-Length: 99999999999\r\n", 413, "more than the 100000"},
      {"POST", "/v1/upsample", chunks, "Transfer-Encoding: chunked\r\n", 413, "more than"},
      {"POST", "/v1/upsample?pca=0", photo, "", 400, "pca '0'"},
      {"POST", "/v1/upsample?pca=193", photo, "", 400, "pca 193: the features have 192 channels"},
      {"POST", "/v1/upsample?out-size=12", photo, "", 400, "out-size '12'"},
      {"POST", "/v1/upsample?size=12x", photo, "", 400, "size '12x'"},
      {"POST", "/v1/upsample?dtype=f64", photo, "", 400, "give f32 or f16"},
      {"POST", "/v1/upsample?pca=1&pca=2", photo, "", 400, "given twice"},
      {"POST", "/v1/upsample?project=/etc/passwd", photo, "", 400, "no parameter 'project'"},
      {"POST", "/v1/features?out-size=9x9", photo, "", 400, "no parameter 'out-size'"},
      {"POST", "/v1/upsample?out-size=100x100", photo, "", 400, "the result would be 100x100x192"},
      {"POST", "/v1/upsample?size=224", photo, "", 400, "more than the 20000 that the server allows"},
      {"GET", "/health", "", "Host: example.org\r\n", 403, "no name of this server"},
      {"GET", "/health", "", "Host: 10.0.0.1\r\n", 403, "no name of this server"},
      {"POST", "/v1/upsample", photo, "Origin: http://example.org\r\n", 403, "web page"}};
  for (const Wrong& w : all) {
    CAPTURE(std::string(w.method) + " " + w.target + " " + w.headers);
    // A body in chunks has no length.
    std::string text = request_text(w.method, w.target, w.body, w.headers);
    if (contains(w.headers, "chunked")) text = request_text(w.method, w.target, "", w.headers) + w.body;
    Connection connection(server.port());
    connection.send(text);
    const Reply reply = connection.receive();
    CAPTURE(reply.body);
    CHECK(reply.status == w.status);
    CHECK(contains(reply.head, "Content-Type: application/json\r\n"));
    CHECK(contains(error_of(reply), w.part));
  }
  CHECK(contains(server.ask("GET", "/v1/upsample").head, "Allow: POST\r\n"));
  for (const char* host : {"Host: localhost\r\n", "Host: LocalHost:80\r\n", "Host: 127.1.2.3:1\r\n", "Host: [::1]\r\n"})
    CHECK(server.ask("GET", "/health", "", host).status == 200);
  const std::string own = "Host: localhost:8080\r\nOrigin: http://localhost:8080\r\n";
  CHECK(server.ask("POST", "/v1/upsample?size=32&out-size=32x32", photo, own).status == 200);
  // More headers than a connection has memory for.
  CHECK(server.ask("GET", "/health", "", "X: " + std::string(200000, 'x') + "\r\n").status != 200);
  CHECK(server.ask("GET", "/health").status == 200);
}

TEST_CASE("serve: where all places are taken others are told to come again") {
  const TempFolder folder;
  const std::string photo = write_photo(folder);
  const ServerProcess server(folder, "--size 64 --parallel 1 --queue 1");
  const std::string text = request_text("POST", "/v1/upsample", photo);
  Connection one(server.port()), two(server.port());
  one.send(text.substr(0, text.size() - 9));
  two.send(text.substr(0, text.size() - 9));
  REQUIRE(server.wait_for("featup_places_taken", 2));
  const Reply busy = server.ask("POST", "/v1/upsample", photo);
  CHECK(busy.status == 503);
  CHECK(contains(busy.head, "Retry-After: 1\r\n"));
  CHECK(contains(error_of(busy), "busy"));
  CHECK(server.ask("GET", "/health").status == 200);
  for (Connection* c : {&one, &two}) {
    c->send(text.substr(text.size() - 9));
    CHECK(c->receive().status == 200);
  }
  REQUIRE(server.wait_for("featup_places_taken", 0));
  CHECK(server.ask("POST", "/v1/upsample", photo).status == 200);
  {
    Connection gone(server.port());  // a client that leaves in the middle gives its place back
    gone.send(text.substr(0, text.size() - 9));
    REQUIRE(server.wait_for("featup_places_taken", 1));
  }
  CHECK(server.wait_for("featup_places_taken", 0));
}

TEST_CASE("serve: a signal lets what runs be finished, and a second one ends the server") {
  const TempFolder folder;
  const std::string photo = write_photo(folder, 224, 224);
  REQUIRE(run(folder, "upsample a.png --upsampler views:60 --out-size 20x20 --quiet").code == 0);
  const std::string text = request_text("POST", "/v1/upsample?out-size=20x20", photo);
  {
    ServerProcess server(folder, "--upsampler views:60 --json");
    Connection running(server.port());
    running.send(text);
    REQUIRE(server.wait_for("featup_requests_running", 1));
    server.signal(SIGTERM);
    Reply late;
    do late = server.ask("POST", "/v1/upsample", photo);
    while (late.status == 200);
    // Told so, or not let in any more.
    CHECK((late.status == 503 || late.status == 0));
    const Reply reply = running.receive();
    CHECK(reply.status == 200);
    CHECK(reply.body == slurp(folder / "featup-out/a.npy"));
    CHECK(server.end(0) == 0);
    CHECK(!Connection(server.port()).open());
  }
  ServerProcess server(folder, "--upsampler views:3000");
  Connection running(server.port());
  running.send(text);
  REQUIRE(server.wait_for("featup_requests_running", 1));
  server.signal(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(server.end(SIGTERM) == -SIGTERM);
}

TEST_CASE("serve: an answer that takes too long is given up") {
  const TempFolder folder;
  const std::string photo = write_photo(folder, 224, 224);
  const ServerProcess server(folder, "--upsampler views:3000 --timeout 1");
  const Reply reply = server.ask("POST", "/v1/upsample?out-size=20x20", photo);
  CHECK(reply.status == 503);
  CHECK(contains(error_of(reply), "longer than the 1 s"));
}

TEST_CASE("serve: eight clients with fifty requests each") {
  const TempFolder folder;
  const std::string photo = write_photo(folder, 64, 64);
  REQUIRE(run(folder, "upsample a.png --size 64 --quiet").code == 0);
  const std::string expected = slurp(folder / "featup-out/a.npy");
  const ServerProcess server(folder, "--size 64 --parallel 2 --queue 4 --quiet --json");
  std::atomic<int> right{0}, busy{0}, wrong{0};
  const auto load = [&](int requests) {
    std::vector<std::thread> clients;
    for (int c = 0; c < 8; ++c)
      clients.emplace_back([&] {
        for (int i = 0; i < requests;) {
          const Reply reply = server.ask("POST", "/v1/upsample", photo);
          if (reply.status == 503) {
            ++busy;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            continue;
          }
          ++i;
          ++(reply.status == 200 && reply.body == expected ? right : wrong);
        }
      });
    for (std::thread& client : clients) client.join();
  };
  load(5);
  const double before = server.metric("process_resident_memory_bytes");
  const auto begin = std::chrono::steady_clock::now();
  load(50);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double grown = server.metric("process_resident_memory_bytes") - before;
  CHECK(right == 8 * 55);
  CHECK(wrong == 0);
#ifndef FU_ADDRESS_SANITIZER
  CHECK(grown < 20e6);
#endif
  MESSAGE("serve: " << 400 / seconds << " requests a second at 64x64, " << busy.load()
                    << " told to come again, memory grew by " << grown / 1e6 << " MB");
}

TEST_CASE("serve: where it cannot listen it says why") {
  const TempFolder folder;
  const ServerProcess server(folder, "");
  const std::string taken = "serve --port " + std::to_string(server.port());
  check_refused(folder, taken, "cannot listen there: Address already in use");
  check_refused(folder, "serve --host no.such.host.invalid", "Give an address or a name of this machine");
  check_refused(folder, "serve --port 70000", "--port", 2);
  check_refused(folder, "serve --max-body many", "--max-body 'many': give a number of bytes", 2);
  write_npy(folder / "p.npy", Random(1).normal({20, 3}));
  check_refused(folder, "serve --port 0 --project p.npy", "the features have 192 channels");
}

TEST_CASE("serve: README.md's request") {
  std::string line;
  std::ifstream readme(FU_SOURCE_DIR "/README.md");
  while (std::getline(readme, line) && line.rfind("    curl ", 0) != 0) {
  }
  REQUIRE(contains(line, "127.0.0.1:8080/"));
  if (std::system("curl --version >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: curl is not there");
    return;
  }
  const TempFolder folder;
  write_png(folder / "photo.jpg", render_scene(1, 64, 64).image);
  const ServerProcess server(folder, "");
  line.replace(line.find(":8080"), 5, ":" + std::to_string(server.port()));
  CHECK(run_shell(folder, line + " --noproxy '*'").code == 0);
  CHECK(Weights(folder / "photo.npy").read_single().rank() == 3);
}

#else

#include "tests/support.h"

TEST_CASE("serve: on a socket") { MESSAGE("skipped: this build has no libmicrohttpd"); }

#endif
