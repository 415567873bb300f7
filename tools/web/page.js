// The page around the result: takes photos and weights, and lets worker.js compute.
"use strict";
const $ = id => document.getElementById(id);
const say = text => { $("status").textContent = text; };

let compiled = null;   // featup.wasm
let worker = null, busy = false;
let photo = null;      // {data: RGBA bytes, width, height}
let photoName = "", resultAddress = "", previewAddress = "";
const weights = { backbone: null, upsampler: null };

function show() {
  $("upsample").disabled = $("fit").disabled = busy || !photo || !worker;
  $("cancel").disabled = !busy;
}

function start() {
  worker = new Worker("worker.js");
  worker.onmessage = ({ data }) => {
    if (data.opened) {
      document.body.dataset.version = data.opened;
      if (!busy) say("Ready.");
    } else if (data.failed) {
      finished(data.failed);
    } else if (data.done) {
      showResult(data.done.page);
      const explained = data.done.explained ? " It explains " + data.done.explained + " of the variance of unseen looks." : "";
      finished("Done in " + data.done.seconds.toFixed(1) + " s." + explained);
    } else {
      $("progress").value = data.progress;
      say((data.stage || "working") + ", " + Math.round(100 * data.progress) + "%");
    }
  };
  worker.onerror = event => finished(event.message || "The worker could not be started.");
  worker.postMessage({ module: compiled });
}

function finished(text) {
  busy = false;
  $("progress").value = 0;
  say(text);
  show();
}

function showResult(page) {
  if (resultAddress) URL.revokeObjectURL(resultAddress);
  resultAddress = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  $("result").src = $("save").href = resultAddress;
  $("save").download = photoName + ".html";
  $("result").hidden = $("save").hidden = false;
}

function work(kind) {
  if (busy || !photo) return;
  busy = true;
  show();
  say("working");
  const views = Math.min(1000, Math.max(10, Math.round(Number($("views").value)) || 100));
  worker.postMessage({ work: { kind, photo, name: photoName, shortSide: Number($("size").value), views, backbone: weights.backbone, upsampler: weights.upsampler } });
}

function cancel() {
  if (!busy) return;
  worker.terminate();
  start();
  finished("Cancelled.");
}

// The pixels of a picture as the program reads them: upright, transparent ones over white, colour profiles left aside.
async function readPhoto(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const canvas = document.createElement("canvas");
  canvas.width = picture.width; canvas.height = picture.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  picture.close();
  return { data: context.getImageData(0, 0, canvas.width, canvas.height).data, width: canvas.width, height: canvas.height };
}

async function take(file) {
  if (!file) return;
  try {
    photo = await readPhoto(file);
  } catch {
    say(file.name + ": is no picture that this browser can read.");
    return;
  }
  photoName = file.name.replace(/\.[^.]*$/, "");
  if (previewAddress) URL.revokeObjectURL(previewAddress);
  previewAddress = URL.createObjectURL(file);
  $("preview").src = previewAddress;
  $("preview").hidden = false;
  cancel();
  show();
  work("upsample");
}

$("photo").onchange = () => take($("photo").files[0]);
for (const kind of ["backbone", "upsampler"]) $(kind).onchange = () => { weights[kind] = $(kind).files[0] || null; };
$("builtin").onclick = () => { for (const kind of ["backbone", "upsampler"]) { $(kind).value = ""; weights[kind] = null; } };
$("upsample").onclick = () => work("upsample");
$("fit").onclick = () => work("fit");
$("cancel").onclick = cancel;
// Anywhere on the page: a photo that misses the frame would else replace the page.
addEventListener("dragover", event => { event.preventDefault(); $("drop").classList.add("over"); });
addEventListener("dragleave", () => $("drop").classList.remove("over"));
addEventListener("drop", event => {
  event.preventDefault();
  $("drop").classList.remove("over");
  take(event.dataTransfer.files[0]);
});

async function load() {
  const answer = await fetch("featup.wasm");
  if (!answer.ok) throw new Error("featup.wasm could not be loaded");
  compiled = await WebAssembly.compile(await answer.arrayBuffer());
  start();
  show();
  // Only over https and from this computer do browsers keep a page for use offline.
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("offline.js");
  await navigator.serviceWorker.ready;
  document.body.dataset.offline = "1";
}
load().catch(error => say(String(error.message || error)));
