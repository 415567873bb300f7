// The C interface (featup/api/featup_c.h) for JavaScript, in a web worker or in Node.js. Calls block until they are done.
"use strict";

// Sizes and places of the C structs with 32-bit pointers, in bytes.
const layout = {
  image: { size: 56, data: 0, width: 8, height: 16, format: 24 },
  scene: { size: 48, image: 0, backbone: 4, shortSide: 8 },
  upsample: { size: 32, height: 0, width: 8, call: 20, user: 24 },
  query: { size: 56, height: 0, width: 8 },
};
const kRgba = 2, kCancel = 1, kCancelled = 5;

class FeatUpError extends Error {
  constructor(message, status) { super(message); this.name = "FeatUpError"; this.status = status; this.cancelled = status === kCancelled; }
}

// create: what featup.js defines; wasm: the bytes of featup.wasm, or a WebAssembly.Module.
async function openFeatUp(create, wasm) {
  const compiled = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
  const module = await create({
    instantiateWasm(imports, done) { WebAssembly.instantiate(compiled, imports).then(instance => done(instance, compiled)); return {}; },
  });
  return new FeatUp(module);
}

class FeatUp {
  #m; #tell = null; #onProgress;
  constructor(module) {
    this.#m = module;
    this.#onProgress = module.addFunction((fraction, stage, user) => this.#tell && this.#tell(fraction, module.UTF8ToString(stage)) === false ? kCancel : 0, "idii");
    this.version = module.UTF8ToString(module._fu_version());
  }

  // Bytes, zero; f(address) may keep nothing.
  #with(bytes, f) {
    const at = this.#m._malloc(Math.max(bytes, 8)) >>> 0;  // above 2 GB an address looks negative
    if (!at) throw new FeatUpError("[memory] no memory is left. Take a smaller photo.", 4);
    try {
      this.#m.HEAPU8.fill(0, at, at + bytes);
      return f(at);
    } finally {
      this.#m._free(at);
    }
  }
  #withText(text, f) {
    if (text === null || text === undefined) return f(0);
    const size = this.#m.lengthBytesUTF8(text) + 1;
    return this.#with(size, at => { this.#m.stringToUTF8(text, at, size); return f(at); });
  }
  #withBytes(bytes, f) { return this.#with(bytes.length, at => { this.#m.HEAPU8.set(bytes, at); return f(at); }); }
  #number(at, value) { new DataView(this.#m.HEAPU8.buffer).setBigInt64(at, BigInt(value), true); }
  #pointer(at, value) { new DataView(this.#m.HEAPU8.buffer).setUint32(at, value, true); }
  #pointerAt(at) { return new DataView(this.#m.HEAPU8.buffer).getUint32(at, true); }
  // A call that stores a pointer: the pointer.
  #made(f) {
    return this.#with(8, to => { this.#must(f(to)); return this.#pointerAt(to); });
  }
  #must(status) { if (status !== 0) throw new FeatUpError(this.#m.UTF8ToString(this.#m._fu_last_error()), status); }
  #opened(kind, source, options) {
    const m = this.#m, at = typeof source === "string"
      ? this.#withText(source, name => this.#made(to => m[`_fu_${kind}_open`](name, options, to)))
      : this.#withBytes(source.bytes, bytes => this.#withText(source.name, name => this.#made(to => m[`_fu_${kind}_open_memory`](bytes, source.bytes.length, name, options, to))));
    return { at, description: m.UTF8ToString(m[`_fu_${kind}_describe`](at)), free: () => m[`_fu_${kind}_free`](at) };
  }

  // source: "builtin", or {bytes, name} of a file of weights. options: "feature=key layer=9", or nothing.
  backbone(source, options) { return this.#withText(options, text => this.#opened("backbone", source, text)); }
  upsampler(source) { return this.#opened("upsampler", source, 0); }

  // f(address of a scene, address of its image). photo: {data: RGBA bytes, width, height}; shortSide: of the photo at the backbone, 0: 224.
  #withScene(photo, backbone, shortSide, f) {
    return this.#withBytes(photo.data, pixels => this.#with(layout.image.size, image => this.#with(layout.scene.size, scene => {
      this.#pointer(image + layout.image.data, pixels);
      this.#number(image + layout.image.width, photo.width);
      this.#number(image + layout.image.height, photo.height);
      new DataView(this.#m.HEAPU8.buffer).setInt32(image + layout.image.format, kRgba, true);
      this.#pointer(scene + layout.scene.image, image);
      this.#pointer(scene + layout.scene.backbone, backbone.at);
      this.#number(scene + layout.scene.shortSide, shortSide || 0);
      return f(scene, image);
    })));
  }
  // f(address of a fu_progress). progress(fraction, stage): returns false to cancel the call.
  #withProgress(progress, f) {
    this.#tell = progress || null;
    try {
      return this.#with(8, at => { this.#pointer(at, this.#onProgress); return f(at); });
    } finally {
      this.#tell = null;
    }
  }
  // The numbers of a tensor, which is freed: {height, width, channels, data}. They are copied into the array `into` if they have room there.
  #taken(tensor, into) {
    const m = this.#m;
    try {
      const shape = this.#with(24, at => { this.#must(m._fu_tensor_shape(tensor, at)); return Array.from(new BigInt64Array(m.HEAPU8.buffer, at, 3), Number); });
      const first = m._fu_tensor_data(tensor) >>> 2, count = shape[0] * shape[1] * shape[2];
      const data = into && into.length >= count ? into.subarray(0, count) : new Float32Array(count);
      data.set(m.HEAPF32.subarray(first, first + count));
      return { height: shape[0], width: shape[1], channels: shape[2], data };
    } finally {
      m._fu_tensor_free(tensor);
    }
  }
  #text(at) {
    try { return this.#m.UTF8ToString(at); } finally { this.#m._free(at); }
  }

  // The fine features, of the size that the method chooses. into: a Float32Array for them, which saves the time that new memory takes.
  upsample(upsampler, photo, backbone, shortSide, progress, into) {
    return this.#withScene(photo, backbone, shortSide, scene => this.#withProgress(progress, told => this.#with(layout.upsample.size, options => {
      this.#pointer(options + layout.upsample.call, this.#pointerAt(told));
      return this.#taken(this.#made(to => this.#m._fu_upsample(upsampler.at, scene, options, to)), into);
    })));
  }
  // The page in which they can be touched, as text. settings: [[name, value], ...] for its table.
  upsampledPage(upsampler, photo, backbone, shortSide, name, settings, progress) {
    return this.#withScene(photo, backbone, shortSide, scene => this.#withProgress(progress, told => this.#withText(name, title => this.#withText(lines(settings), table =>
      this.#text(this.#made(to => this.#m._fu_page_of_upsampler(upsampler.at, scene, title, table, told, to)))))));
  }
  // options: "views=80 seed=1", as the program has them.
  fit(photo, backbone, shortSide, options, progress) {
    const m = this.#m;
    const at = this.#withScene(photo, backbone, shortSide, scene => this.#withProgress(progress, told => this.#withText(options, text =>
      this.#made(to => m._fu_fit_make(scene, text, told, to)))));
    return { at, explained: m._fu_fit_explained(at), free: () => m._fu_fit_free(at) };
  }
  // The features of a fit, at any size; 0: as it was fitted.
  query(fit, height, width) {
    return this.#with(layout.query.size, query => {
      this.#number(query + layout.query.height, height || 0);
      this.#number(query + layout.query.width, width || 0);
      return this.#taken(this.#made(to => this.#m._fu_fit_query(fit.at, query, to)));
    });
  }
  fittedPage(fit, name, settings) {
    return this.#withText(name, title => this.#withText(lines(settings), table => this.#text(this.#made(to => this.#m._fu_page_of_fit(fit.at, title, table, to)))));
  }
}

// A tab or a line break in a name would end it.
const lines = settings => settings.map(pair => pair.map(text => String(text).replace(/[\t\n]/g, " ")).join("\t")).join("\n");

if (typeof exports === "object") Object.assign(exports, { openFeatUp, FeatUp, FeatUpError });
