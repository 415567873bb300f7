// node features.js WEB PICTURES WEIGHTS NATIVE: the WebAssembly build against the program of this machine. tools/test_wasm.sh runs it.
//   WEB       the folder of featup.js and featup.wasm
//   PICTURES  tests/pictures
//   WEIGHTS   featup/builtin
//   NATIVE    results of the program: upsample.npy, fit.npy
// Prints what it compared, and exits 1 if something is not as it must be.
"use strict";
const fs = require("fs"), path = require("path");
const [web, pictures, weights, native] = process.argv.slice(2);
const { openFeatUp } = require(path.resolve(web, "library.js"));
const create = require(path.resolve(web, "featup.js"));

let failed = 0;
function check(holds, what) {
  console.log((holds ? "ok      " : "FAILED  ") + what);
  if (!holds) failed = 1;
}

// A binary PPM as RGBA.
function readPpm(file) {
  const bytes = fs.readFileSync(file), words = [];
  let at = 0;
  while (words.length < 4) {
    while (/\s/.test(String.fromCharCode(bytes[at]))) ++at;
    let word = "";
    if (bytes[at] === 35) { while (bytes[at] !== 10) ++at; continue; }
    while (!/\s/.test(String.fromCharCode(bytes[at]))) word += String.fromCharCode(bytes[at++]);
    words.push(word);
  }
  ++at;
  const [width, height] = [Number(words[1]), Number(words[2])], data = new Uint8ClampedArray(4 * width * height);
  if (words[0] !== "P6" || words[3] !== "255") throw new Error(file + ": is no binary PPM of bytes");
  for (let p = 0; p < width * height; ++p) { for (let c = 0; c < 3; ++c) data[4 * p + c] = bytes[at + 3 * p + c]; data[4 * p + 3] = 255; }
  return { data, width, height };
}

// float32, rows x columns x channels
function readNpy(file) {
  const bytes = fs.readFileSync(file), length = bytes.readUInt16LE(8), header = bytes.toString("latin1", 10, 10 + length);
  if (!header.includes("'<f4'") || header.includes("True")) throw new Error(file + ": " + header);
  const shape = header.match(/\(([^)]*)\)/)[1].split(",").filter(text => text.trim()).map(Number);
  return { shape, data: new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + length, bytes.byteOffset + bytes.length)) };
}

// Largest difference over the largest magnitude.
function difference(result, expected) {
  const shape = [result.height, result.width, result.channels];
  if (shape.join() !== expected.shape.join()) throw new Error("shapes " + shape + " and " + expected.shape);
  let worst = 0, largest = 0;
  for (let i = 0; i < expected.data.length; ++i) {
    const d = Math.abs(result.data[i] - expected.data[i]);
    if (!(d <= worst)) worst = d;  // also where one is not a number
    largest = Math.max(largest, Math.abs(expected.data[i]));
  }
  return worst / largest;
}
const same = (a, b) => a.data.length === b.data.length && a.data.every((v, i) => v === b.data[i]);
function refusal(f) {
  try { f(); } catch (error) { return error; }
  return { message: "nothing was refused" };
}

async function main() {
  const library = await openFeatUp(create, fs.readFileSync(path.join(web, "featup.wasm")));
  const photo = readPpm(path.join(pictures, "rgb.ppm"));
  const backbone = library.backbone("builtin"), upsampler = library.upsampler("builtin");
  console.log("featup " + library.version + "; " + backbone.description + "; " + upsampler.description);

  const stages = new Map();
  const fine = library.upsample(upsampler, photo, backbone, 224, (fraction, stage) => { stages.set(stage, fraction); });
  const apart = difference(fine, readNpy(path.join(native, "upsample.npy")));
  check(apart <= 1e-5, `upsampled to ${fine.height}x${fine.width}x${fine.channels}: ${apart.toExponential(1)} of the largest value apart (<= 1e-5)`);
  check(stages.get("upsample") > 0.9, "progress was told: " + [...stages].map(([stage, fraction]) => stage + " " + fraction).join(", "));

  const own = library.backbone({ bytes: fs.readFileSync(path.join(weights, "backbone.safetensors")), name: "backbone.safetensors" });
  const stack = library.upsampler({ bytes: fs.readFileSync(path.join(weights, "jbu.safetensors")), name: "jbu.safetensors" });
  check(same(library.upsample(stack, photo, own, 224), fine), "weights from memory give the same bits");
  const kept = new Float32Array(fine.data.length + 1), again = library.upsample(upsampler, photo, backbone, 224, null, kept);
  check(again.data.buffer === kept.buffer && same(again, fine), "the same bits in an array of the caller's");

  const fit = library.fit(photo, backbone, 112, "views=20 held-out=4");
  const fitted = library.query(fit), fitApart = difference(fitted, readNpy(path.join(native, "fit.npy")));
  check(fitApart <= 1e-5, `fitted ${fitted.height}x${fitted.width}x${fitted.channels}: ${fitApart.toExponential(1)} of the largest value apart (<= 1e-5); explains ${fit.explained}`);
  const larger = library.query(fit, 2 * fitted.height, 2 * fitted.width);
  check(larger.height === 2 * fitted.height && larger.data.every(Number.isFinite), "the fit at twice its size");

  let calls = 0;
  const cancelled = refusal(() => library.fit(photo, backbone, 112, "views=1000", () => ++calls < 5));
  check(cancelled.cancelled === true && calls === 5, "a fit is cancelled: " + cancelled.message);
  const refused = refusal(() => library.backbone({ bytes: new Uint8Array(100), name: "broken.pth" }));
  check(refused.status === 3 && refused.message.includes("broken.pth"), "bytes that are no weights are refused: " + refused.message);
  const impossible = refusal(() => library.upsample(upsampler, { data: new Uint8ClampedArray(4), width: 0, height: 1 }, backbone, 224));
  check(impossible.status === 1 || impossible.status === 2, "a photo without pixels is refused: " + impossible.message);

  for (const [what, page] of [["upsampled", library.upsampledPage(upsampler, photo, backbone, 224, "a <photo>", [["input", "a\tb"]])], ["fitted", library.fittedPage(fit, "a <photo>", [])]])
    check(page.startsWith("<!DOCTYPE html>") && !page.includes("/*DATA*/") && page.includes("a \\u003cphoto>"), `the page of ${what} features: ${page.length} bytes`);
  process.exit(failed);
}
main().catch(error => { console.error(error); process.exit(1); });
