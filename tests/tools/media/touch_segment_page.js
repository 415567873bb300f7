// Uses the page of `featup segment --html`.
const shown = () => buttons.filter(b => b.button.getAttribute("aria-pressed") === "true").map(b => b.k);
const line = i => [...bars[i].line.querySelectorAll("span")].map(e => e.textContent).filter(t => t);
const at = (row, column) => [(column + 0.5) / W, (row + 0.5) / H];

async function touch() {
  // All classes at first: the label map.
  report.first = [shown(), $("caption").textContent, Array.from(labels()).join()];
  report.shares = buttons.map(b => b.share.textContent);
  report.names = buttons.map(b => b.name.textContent);

  // Pointing: hovering shows the scores there, clicking keeps the point, leaving goes back to it.
  pointer("pointermove", "photo", ...at(3, 5));
  await frame(); await frame();
  report.hovered = [$("where").textContent, line(0), Number(bars[0].line.dataset.class), bars.length];
  pointer("pointerdown", "photo", ...at(40, 60));
  report.clicked = [$("where").textContent, bars.map(b => Number(b.line.dataset.class)), bars.map(b => b.value.textContent), bars.map(b => b.likely.textContent),
    bars.map(b => Math.round(parseFloat(b.bar.style.width) * 10) / 10)];
  pointer("pointermove", "photo", ...at(0, 0));
  pointer("pointerleave", "photo", 0, 0);
  await frame(); await frame();
  report.left = $("where").textContent;
  pointer("pointermove", "photo", ...at(9, 9), { pointerType: "touch" });
  pointer("pointerleave", "photo", 0, 0);
  await frame(); await frame();
  report.dragged = $("where").textContent;

  // The keyboard moves the point, and chooses classes.
  key("photo", "ArrowRight"); key("photo", "ArrowDown", { shiftKey: true });
  report.moved = $("where").textContent;
  key("photo", "Enter");
  report.entered = shown();
  key("photo", "2");
  report.second = shown();
  key("search", "1");
  report.typed = shown();  // typing a digit chooses nothing
  key("opacity", "0");
  report.all = shown();

  // A class: its mask, at two thresholds, and its heatmap.
  buttons[1].button.click();
  report.mask = [$("caption").textContent, sum(maskOf(0)), shown()];
  $("opacity").value = 100; $("opacity").oninput();
  await frame(); await frame();
  const colors = $("photo").getContext("2d").getImageData(0, 0, W, H).data;
  const painted = k => { let count = 0; for (let p = 0; p < n; ++p) count += [0, 1, 2].every(c => colors[4 * p + c] === kinds[k].color[c]); return count; };
  report.painted = kinds.map((_, k) => painted(k));
  report.saved = await savedPicture();
  delete report.saved.colors;
  $("threshold").value = 70; $("threshold").oninput();
  await frame(); await frame();
  report.stricter = [sum(maskOf(0)), $("level").textContent];
  const before = pixels("photo");
  $("asheat").click();
  report.heat = [$("caption").textContent, $("low").textContent, $("high").textContent, $("scale").hidden, pixels("photo") !== before];
  report.savedHeat = await savedPicture();
  const heatColors = report.savedHeat.colors;
  report.heatEnds = [heatColors.slice(4 * kinds[0].plane.indexOf(255)).slice(0, 3).join(), heatColors.slice(4 * kinds[0].plane.indexOf(0)).slice(0, 3).join()];
  delete report.savedHeat.colors;
  $("asmask").click();

  // The label map, with the threshold.
  buttons[0].button.click();
  report.savedLabels = await savedPicture();
  delete report.savedLabels.colors;

  // Markup in names is text, and scripts in the document do not run.
  report.images = document.querySelectorAll("img").length;
  const script = document.createElement("script");
  script.textContent = "window.hacked = 1";
  document.body.append(script);
  report.hacked = window.hacked === undefined ? 0 : 1;
  report.search = [$("search").hidden, buttons.filter(b => !b.button.hidden).length];
  if (!$("search").hidden) {
    $("search").value = "CLASS 17"; $("search").oninput();
    report.found = buttons.filter(b => !b.button.hidden).map(b => b.name.textContent);
  }
}
finish(touch);
