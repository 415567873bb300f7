// Computes for page.js, on a thread of its own. The page cancels by ending it: a call that computes hears no messages.
"use strict";
importScripts("featup.js", "library.js");

let library = null, opening = null;
const known = { backbone: null, upsampler: null };

// The network of a file, or the built-in one; it stays open until another one is asked for.
async function opened(kind, file) {
  const last = known[kind];
  const same = last && (file === null ? last.file === null : last.file !== null && last.file.name === file.name && last.file.size === file.size && last.file.lastModified === file.lastModified);
  if (same) return last.handle;
  if (last) last.handle.free();
  known[kind] = null;
  const source = file === null ? "builtin" : { bytes: new Uint8Array(await file.arrayBuffer()), name: file.name };
  const handle = library[kind](source);
  known[kind] = { file, handle };
  return handle;
}

const settingsOf = (work, backbone, more) => [["input", work.name], ["backbone", backbone.description], ["short side at the backbone", String(work.shortSide)], ...more,
  ["computed by", "featup " + library.version + " in this browser"]];

async function run(work) {
  const backbone = await opened("backbone", work.backbone), began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const tell = (fraction, stage) => { postMessage({ progress: fraction, stage }); };
  if (work.kind === "upsample") {
    const upsampler = await opened("upsampler", work.upsampler);
    const page = library.upsampledPage(upsampler, work.photo, backbone, work.shortSide, work.name, settingsOf(work, backbone, [["upsampler", upsampler.description]]), tell);
    return { page, seconds: seconds() };
  }
  const fit = library.fit(work.photo, backbone, work.shortSide, "views=" + work.views, tell);
  try {
    const explained = fit.explained.toPrecision(3);
    return { page: library.fittedPage(fit, work.name, settingsOf(work, backbone, [["views", String(work.views)], ["explained", explained]])), seconds: seconds(), explained };
  } finally {
    fit.free();
  }
}

onmessage = async ({ data }) => {
  try {
    if (data.module) {
      opening = openFeatUp(featup, data.module);
      library = await opening;
      postMessage({ opened: library.version });
    } else {
      await opening;
      postMessage({ done: await run(data.work) });
    }
  } catch (error) {
    postMessage({ failed: error.message || String(error) });
  }
};
