// Uses the page of `featup show --html`.
const count = () => maskOf(high).reduce((a, b) => a + b, 0);

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
  const saved = await savedPicture();
  report.saved = [saved.name, saved.height, saved.width, maskOf(high).every((m, i) => saved.colors[4 * i] === 255 * m)];

  // The keyboard: moves the point, picks, counts a place as a counterexample.
  const at = { ...here };
  $("positive").click();
  key("photo", "ArrowRight"); key("photo", "ArrowDown", { shiftKey: true });
  report.moved = [Math.round((here.x - at.x) * W), Math.round((here.y - at.y) * H)];
  key("photo", "Enter"); key("photo", "n");
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
finish(touch);
