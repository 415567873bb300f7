// Put into the page by tests/tools/web/page.js: uses it as a person would, and sends what came of it to that test.
"use strict";
const report = { errors: [] };
addEventListener("error", event => report.errors.push(event.message));
addEventListener("securitypolicyviolation", event => report.errors.push("policy: " + event.violatedDirective + " " + event.blockedURI));

async function until(what, holds) {
  for (let i = 0; i < 4000; ++i) {
    if (holds()) return;
    await new Promise(go => setTimeout(go, 20));
  }
  throw new Error("waited in vain for " + what + "; the page says: " + status());
}
const status = () => $("status").textContent;
const fileOf = async (address, name) => new File([await (await fetch(address)).arrayBuffer()], name);
const shown = () => $("result").contentDocument;
const data = () => JSON.parse(shown().getElementById("data").textContent);
const values = () => data().high.values;

function drop(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  $("drop").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}
function choose(id, file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  $(id).files = transfer.files;
  $(id).dispatchEvent(new Event("change"));
}
// Does what starts a computation, and waits for the page of its result.
async function computed(start) {
  const before = $("result").src;
  start();
  await until("a result", () => /^Done in /.test(status()) && $("result").src !== before && shown() && shown().URL === $("result").src && shown().body && shown().body.dataset.ready === "1");
}

async function online() {
  await until("the files to be kept", () => document.body.dataset.offline === "1");
  $("size").value = "112";
  await computed(() => fileOf("test-photo", "photo.png").then(drop));
  report.upsampled = status();
  const canvas = shown().getElementById("photo"), box = canvas.getBoundingClientRect();
  canvas.dispatchEvent(new PointerEvent("pointerdown", { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true }));
  report.pointed = shown().getElementById("where").textContent;
  const upsampled = values();

  $("views").value = "1000";
  $("fit").click();
  await until("progress", () => /%$/.test(status()) && $("progress").value > 0);
  report.progress = $("progress").value;
  $("cancel").click();
  report.cancelled = status();

  $("views").value = "20";
  await computed(() => $("fit").click());
  report.fitted = status();
  report.fitDiffers = values() !== upsampled;
  report.fitTells = [...data().maps, ...data().curves].map(part => part.name);

  choose("backbone", await fileOf("test-weights", "own.safetensors"));
  await computed(() => $("upsample").click());
  report.ownWeights = values() === upsampled;

  choose("backbone", new File(["nothing"], "broken.safetensors"));
  $("upsample").click();
  await until("a refusal", () => /broken/.test(status()));
  report.broken = status();
  drop(new File(["nothing"], "text.png"));
  await until("a refusal", () => /no picture/.test(status()));
  report.noPicture = status();
  sessionStorage.setItem("upsampled", upsampled);
}

async function offline() {
  await until("the library", () => document.body.dataset.version);
  $("size").value = "112";
  await computed(() => fileOf("test-photo", "photo.png").then(drop));
  report.offline = navigator.serviceWorker.controller !== null;
  report.same = values() === sessionStorage.getItem("upsampled");
}

const again = sessionStorage.getItem("upsampled") !== null;
(again ? offline() : online()).catch(error => { report.error = (again ? "offline: " : "") + (error.stack || String(error)); }).then(async () => {
  await fetch("test-report", { method: "POST", body: JSON.stringify(report) });
  if (again || report.error) return;
  await fetch("test-offline");
  location.reload();
});
