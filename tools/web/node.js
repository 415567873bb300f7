// What emscripten's start does before anything else. Node.js 18 has a fetch() that reads no files, and the start would take it.
if (typeof process === "object") globalThis.fetch = undefined;
