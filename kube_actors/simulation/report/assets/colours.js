// Colours for light and dark. A term has one hue everywhere; red is for violations and losses only.

const TERM_HUES = [212, 158, 276, 28, 322, 186, 62, 244];
const KIND_HUES = [205, 140, 268, 38, 318, 178, 88, 232, 300, 20];
const DARK = window.matchMedia("(prefers-color-scheme: dark)");
let INK = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  INK = {};
  for (const name of ["paper", "card", "ink", "faint", "line", "grid", "accent", "bad", "fault", "good"]) INK[name] = read(name);
  INK.faultPaper = read("fault-paper");
}

function termColour(term, strength) {
  const hue = TERM_HUES[((term % TERM_HUES.length) + TERM_HUES.length) % TERM_HUES.length];
  if (strength === "solid") return DARK.matches ? `hsl(${hue} 58% 52%)` : `hsl(${hue} 62% 42%)`;
  if (strength === "edge") return DARK.matches ? `hsl(${hue} 42% 50%)` : `hsl(${hue} 40% 62%)`;
  return DARK.matches ? `hsl(${hue} 32% 25%)` : `hsl(${hue} 58% 90%)`;
}

function kindColour(kind, alpha = 1) {
  const hue = KIND_HUES[kind % KIND_HUES.length];
  return DARK.matches ? `hsl(${hue} 60% 68% / ${alpha})` : `hsl(${hue} 62% 38% / ${alpha})`;
}

function hatch(context, colour, gap = 6) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = gap * 2;
  const paint = tile.getContext("2d");
  paint.strokeStyle = colour;
  paint.lineWidth = 1.6;
  for (const shift of [-gap * 2, 0, gap * 2]) {
    paint.beginPath();
    paint.moveTo(shift, gap * 2);
    paint.lineTo(shift + gap * 2, 0);
    paint.stroke();
  }
  return context.createPattern(tile, "repeat");
}
