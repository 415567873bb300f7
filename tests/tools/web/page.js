// node page.js WEB PICTURES WEIGHTS [PROGRAM]: the page of the WebAssembly build in a headless Chromium, used by touch.js as a person
// would. Serves the page from this computer, and stops serving it before it is loaded a second time: then it must work offline.
// With PROGRAM the files and their headers are those that `PROGRAM serve --page WEB` gives.
"use strict";
const fs = require("fs"), http = require("http"), os = require("os"), path = require("path");
const { spawn } = require("child_process");
const [web, pictures, weights, program] = process.argv.slice(2);
const kPatience = 240000;  // milliseconds
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };
const given = {
  "/test.js": [path.join(__dirname, "touch.js"), "text/javascript"],
  "/test-photo": [path.join(pictures, "rgb.png"), "image/png"],
  "/test-weights": [path.join(weights, "backbone.safetensors"), "application/octet-stream"],
};

const withTest = body => body.toString().replace("</body>", '<script src="test.js"></script></body>');

let offline = false, refused = 0, programPort = 0, served = null;
const asked = [], reports = [];
function serve(request, response, done) {
  const name = request.url === "/" ? "/index.html" : request.url.split("?")[0];
  asked.push(request.method + " " + name);
  const send = (body, type) => response.writeHead(200, { "Content-Type": type }).end(body);
  if (name === "/test-report") {
    let text = "";
    request.on("data", part => { text += part; });
    request.on("end", () => {
      send("", "text/plain");
      reports.push(JSON.parse(text));
      if (reports.length === 2 || reports[0].error) done();
    });
  } else if (name === "/test-offline") {
    offline = true;
    send("", "text/plain");
  } else if (given[name]) {
    send(fs.readFileSync(given[name][0]), given[name][1]);
  } else if (offline) {
    ++refused;
    request.socket.destroy();
  } else if (program) {
    const from = http.request({ port: programPort, path: "/page" + name, headers: request.headers }, answer => {
      const parts = [];
      answer.on("data", part => parts.push(part));
      answer.on("end", () => {
        const { "content-length": length, ...headers } = answer.headers, body = Buffer.concat(parts);
        response.writeHead(answer.statusCode, headers).end(name === "/index.html" ? withTest(body) : body);
      });
    });
    from.on("error", () => request.socket.destroy());
    from.end();
  } else if (name.includes("..") || !fs.existsSync(web + name)) {
    response.writeHead(404).end();
  } else {
    const body = fs.readFileSync(web + name);
    send(name === "/index.html" ? withTest(body) : body, types[path.extname(name)]);
  }
}

function check(holds, what) {
  console.log((holds ? "ok      " : "FAILED  ") + what);
  if (!holds) process.exitCode = 1;
}
function judge() {
  const [first, second] = reports;
  for (const report of reports) if (report.error) return check(false, report.error);
  if (!second) return check(false, "no report within " + kPatience / 1000 + " s; asked for " + asked.join(", "));
  check(/^Done in /.test(first.upsampled), "a dropped photo is upsampled: " + first.upsampled);
  check(/^Row \d+, column \d+: /.test(first.pointed), "the result can be touched: " + first.pointed);
  check(first.progress > 0 && first.cancelled === "Cancelled.", "a fit shows progress and is cancelled");
  check(/^Done in .* explains 0\.\d+ of/.test(first.fitted), "a photo is fitted: " + first.fitted);
  check(["uncertainty", "loss", "explained variance of unseen views"].every(name => first.fitTells.includes(name)), "it shows " + first.fitTells.join(", "));
  check(first.fitDiffers === true, "the fit's page takes the place of the one before");
  check(first.ownWeights === true, "weights from a file give what the built-in ones give");
  check(/no picture/.test(first.noPicture), "what is no picture is refused: " + first.noPicture);
  check(/broken/.test(first.broken), "what holds no weights is refused: " + first.broken);
  check(second.offline && second.same && refused > 0, "without a server the page comes from the browser, and gives the same features");
  const uploads = asked.filter(text => !text.startsWith("GET ") && text !== "POST /test-report");
  check(uploads.length === 0 && asked.length > 0, "nothing was sent to the server but this test's reports");
  for (const text of [...first.errors, ...second.errors]) check(false, "the page said: " + text);
}

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "featup-page-"));
const server = http.createServer((request, response) => serve(request, response, end));
let browser = null, timer = null, ended = false;

// The browser's other processes may write to its folder for a while after it has ended.
function remove(tries) {
  try {
    fs.rmSync(profile, { recursive: true, force: true });
  } catch (error) {
    if (tries === 0) throw error;
    setTimeout(remove, 200, tries - 1);
  }
}

function end() {
  if (ended) return;
  ended = true;
  clearTimeout(timer);
  judge();
  browser.once("exit", () => {
    server.closeAllConnections();
    server.close(() => remove(50));
  });
  browser.kill();
  if (served) served.kill();
}
function begin() {
  browser = spawn("chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--user-data-dir=" + profile, `http://127.0.0.1:${server.address().port}/`],
    { stdio: "ignore", env: { ...process.env, HOME: profile } });
  timer = setTimeout(end, kPatience);
}
server.listen(0, "127.0.0.1", () => {
  if (!program) return begin();
  served = spawn(program, ["serve", "--port", "0", "--page", web], { stdio: ["ignore", "pipe", "ignore"] });
  served.stdout.on("data", text => {
    const port = text.toString().match(/http:\/\/[^ ]*:(\d+)/);
    if (!port || programPort) return;
    programPort = Number(port[1]);
    begin();
  });
});
