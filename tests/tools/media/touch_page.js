"use strict";
// Appended to a page by test_page.cpp: uses it as a person with a mouse and a keyboard would, and leaves what came of it in the document.
const report = { errors: [] };
addEventListener("error", event => report.errors.push(event.message));
const error = console.error;
console.error = (...text) => { report.errors.push(text.join(" ")); error(...text); };
// Without a screen no frames come by themselves.
window.requestAnimationFrame = f => setTimeout(f, 10);
const frame = () => new Promise(requestAnimationFrame);
const pixels = id => { const c = $(id); return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.join(); };
function pointer(kind, id, x, y) {
  const box = $(id).getBoundingClientRect();
  $(id).dispatchEvent(new PointerEvent(kind, { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true }));
}
const count = () => maskOf(high).reduce((a, b) => a + b, 0);
const key = (name, options) => $("photo").dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...options }));

async function touch() {
  // Pointing: the heatmaps and the sentence follow.
  const before = [pixels("highheat"), pixels("lowheat"), $("where").textContent];
  pointer("pointermove", "photo", 0.25, 0.25);
  await frame(); await frame();
  report.pointed = pixels("highheat") !== before[0] && pixels("lowheat") !== before[1] && $("where").textContent !== before[2];
  report.where = $("where").textContent;
  pointer("pointermove", "highheat", 0.75, 0.5);
  await frame(); await frame();
  report.pointedAtMap = $("where").textContent;

  // Picking: a place belongs, then another does not.
  const empty = pixels("mask");
  pointer("pointerdown", "photo", 0.25, 0.25);
  const one = pixels("mask"), inside = count();
  $("negative").click();
  report.pressed = [$("positive"), $("negative")].map(b => b.getAttribute("aria-pressed"));
  pointer("pointerdown", "photo", 0.8, 0.8);
  report.picks = picks.map(p => p.negative);
  report.masked = one !== empty && inside > 0;
  report.counterexample = count() < inside;
  const above = count();
  $("threshold").value = 99;
  $("threshold").oninput();
  report.threshold = [$("level").textContent, count() < above];

  // Saving: what would be downloaded is the mask, at the map's size.
  let link = null;
  HTMLAnchorElement.prototype.click = function () { link = { name: this.download, href: this.href }; };
  $("save").click();
  const saved = new Image();
  await new Promise((done, failed) => { saved.onload = done; saved.onerror = failed; saved.src = link.href; });
  const canvas = document.createElement("canvas");
  canvas.width = saved.width; canvas.height = saved.height;
  canvas.getContext("2d").drawImage(saved, 0, 0);
  const colors = canvas.getContext("2d").getImageData(0, 0, saved.width, saved.height).data;
  report.saved = [link.name, saved.height, saved.width, maskOf(high).every((m, i) => colors[4 * i] === 255 * m)];

  // The keyboard: moves the point, picks, counts a place as a counterexample.
  const at = { ...here };
  $("positive").click();
  key("ArrowRight"); key("ArrowDown", { shiftKey: true });
  report.moved = [Math.round((here.x - at.x) * W), Math.round((here.y - at.y) * H)];
  key("Enter"); key("n");
  report.keyPicks = picks.map(p => p.negative);
  $("undo").click();
  report.undone = picks.length;
  $("clear").click();
  report.cleared = picks.length === 0 && pixels("mask") === empty;

  // The border between low and high resolution.
  const half = pixels("pca");
  $("split").value = 0;
  $("split").oninput();
  report.compared = pixels("pca") !== half;
}
const wait = setInterval(() => {
  if (!document.body.dataset.ready) return;
  clearInterval(wait);
  touch().catch(e => report.errors.push(String(e))).then(() => { document.body.dataset.report = JSON.stringify(report); });
}, 20);
