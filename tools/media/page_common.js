// What the pages share. A page that includes this sets H and W, the rows and columns of its canvases.
// Text of users (names of files and classes) only ever goes into textContent: markup in it is shown, not run.
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const bytes = text => { const raw = atob(text), out = new Uint8Array(raw.length); for (let i = 0; i < raw.length; ++i) out[i] = raw.charCodeAt(i); return out; };

// The colour of a number between 0 and 1.
function heat(v) {
  const stops = data.ramp, t = Math.max(0, Math.min(1, v)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(t)), f = t - i;
  return stops[i].map((a, c) => a + (stops[i + 1][c] - a) * f);
}
// Fills a canvas of H x W with a map of any size; color(pixel) gives [red, green, blue] or these and the opacity, all 0 to 255.
function paint(id, map, color) {
  const canvas = typeof id === "string" ? $(id) : id, small = document.createElement("canvas");
  small.width = map.width; small.height = map.height;
  const context = small.getContext("2d"), image = context.createImageData(map.width, map.height);
  for (let p = 0; p < map.height * map.width; ++p) {
    const c = color(p);
    image.data[4 * p] = c[0]; image.data[4 * p + 1] = c[1]; image.data[4 * p + 2] = c[2]; image.data[4 * p + 3] = c.length > 3 ? c[3] : 255;
  }
  context.putImageData(image, 0, 0);
  if (canvas.width !== W || canvas.height !== H) { canvas.width = W; canvas.height = H; }
  const to = canvas.getContext("2d");
  to.clearRect(0, 0, W, H);
  to.imageSmoothingEnabled = false;
  to.drawImage(small, 0, 0, W, H);
  return to;
}
function mark(to, point, color) {
  const x = point.x * W, y = point.y * H, r = Math.max(4, W / 45);
  for (const [width, style] of [[4, "#000"], [2, color]]) { to.lineWidth = width * W / 300; to.strokeStyle = style; to.beginPath(); to.arc(x, y, r, 0, 7); to.stroke(); }
}

// Points are {x, y}, shares of the width and the height, below 1.
const inside = v => Math.max(0, Math.min(0.9999, v));
function pointOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return { x: inside((event.clientX - box.left) / box.width), y: inside((event.clientY - box.top) / box.height) };
}
// The row and column of a map at a point.
const place = (map, point) => [Math.min(map.height - 1, Math.floor(point.y * map.height)), Math.min(map.width - 1, Math.floor(point.x * map.width))];
// Where an arrow key moves a point; null for other keys.
function moved(point, event) {
  const move = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key], step = event.shiftKey ? 8 : 2;
  return move ? { x: inside(point.x + move[0] * step / W), y: inside(point.y + move[1] * step / H) } : null;
}
// f, at most once a frame.
function oncePerFrame(f) {
  let waiting = false;
  return () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; f(); }); } };
}
const press = (button, on) => button.setAttribute("aria-pressed", on);

// Numbers of a palette as a PNG, exactly: a canvas may change colours. Not compressed (deflate's stored blocks).
function indexedPng(height, width, indices, palette) {
  const table = Uint32Array.from({ length: 256 }, (_, i) => { for (let k = 0; k < 8; ++k) i = i & 1 ? 0xedb88320 ^ i >>> 1 : i >>> 1; return i; });
  const big = n => [n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255];
  const chunk = (name, body) => {
    const all = [...name].map(c => c.charCodeAt(0)).concat(body);
    let crc = -1;
    for (const b of all) crc = table[(crc ^ b) & 255] ^ crc >>> 8;
    return [...big(body.length), ...all, ...big(~crc >>> 0)];
  };
  const zipped = [0x78, 1];
  let a = 1, b = 0;
  const rows = [];
  for (let y = 0; y < height; ++y) { rows.push(0); for (let x = 0; x < width; ++x) rows.push(indices[y * width + x]); }
  for (let at = 0; at < rows.length; at += 65535) {
    const n = Math.min(65535, rows.length - at);
    zipped.push(at + n === rows.length ? 1 : 0, n & 255, n >> 8, ~n & 255, ~n >> 8 & 255);
    for (let i = at; i < at + n; ++i) { zipped.push(rows[i]); a = (a + rows[i]) % 65521; b = (b + a) % 65521; }
  }
  zipped.push(...big((b << 16 | a) >>> 0));
  return Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10].concat(chunk("IHDR", [...big(width), ...big(height), 8, 3, 0, 0, 0]), chunk("PLTE", palette.flat()),
    chunk("IDAT", zipped), chunk("IEND", [])));
}
// Offers bytes of a PNG as a file.
function download(name, png) {
  let text = "";
  for (const b of png) text += String.fromCharCode(b);
  const link = document.createElement("a");
  link.download = name.replace(/[\u0000-\u001f\\/:*?"<>|]+/g, "_") + ".png";
  link.href = "data:image/png;base64," + btoa(text);
  link.click();
}

// A new element of a class at the end of another one, with a text.
function element(tag, name, parent, text) {
  const made = document.createElement(tag);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function showSettings() {
  for (const [key, value] of data.settings) {
    const row = $("settings").insertRow();
    row.insertCell().textContent = key;
    row.insertCell().textContent = value;
  }
}
