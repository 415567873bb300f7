"use strict";
// Appended to a page by browser.h, before the script of that page: what such scripts share.
const report = { errors: [] };
addEventListener("error", event => report.errors.push(event.message));
const error = console.error;
console.error = (...text) => { report.errors.push(text.join(" ")); error(...text); };
// Without a screen no frames come by themselves.
window.requestAnimationFrame = f => setTimeout(f, 10);
const frame = () => new Promise(requestAnimationFrame);
const pixels = id => { const c = $(id); return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.join(); };
function pointer(kind, id, x, y, options) {
  const box = $(id).getBoundingClientRect();
  $(id).dispatchEvent(new PointerEvent(kind, { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true, pointerType: "mouse", ...options }));
}
const key = (id, name, options) => $(id).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...options }));
// Presses the button "save": what would be downloaded, as a file and as colours.
async function savedPicture() {
  let link = null;
  HTMLAnchorElement.prototype.click = function () { link = { name: this.download, href: this.href }; };
  $("save").click();
  const saved = new Image();
  await new Promise((done, failed) => { saved.onload = done; saved.onerror = failed; saved.src = link.href; });
  const canvas = document.createElement("canvas");
  canvas.width = saved.width; canvas.height = saved.height;
  canvas.getContext("2d").drawImage(saved, 0, 0);
  const colors = canvas.getContext("2d").getImageData(0, 0, saved.width, saved.height).data;
  return { name: link.name, file: link.href.split(",")[1], height: saved.height, width: saved.width, colors };
}
// Runs a script once the page is ready, and leaves the report in the document.
function finish(touch) {
  const wait = setInterval(() => {
    if (!document.body.dataset.ready) return;
    clearInterval(wait);
    touch().catch(e => report.errors.push(String(e))).then(() => { document.body.dataset.report = JSON.stringify(report); });
  }, 20);
}
