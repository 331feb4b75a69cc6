// The diagram as a whole: messages between the lanes, the overview, and moving about in time.

const DIAGRAM = document.getElementById("diagram");
const OVERVIEW = document.getElementById("overview");
const SHOWN = new Set();
const SHOWN_MAX = 6000;
let HELD = null, POINTED = null, QUEUED = false;

function size(canvas, height) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function visibleMessages() {
  const found = [];
  if (!SHOWN.size) return found;
  const last = firstFrom(MESSAGES, VIEW.to, "begin");
  for (let i = firstFrom(MESSAGES, VIEW.from - LATENCY_MAX, "begin"); i < last; i += 1) {
    const m = MESSAGES[i];
    if (SHOWN.has(m.kind) && (m.end ?? m.begin) >= VIEW.from && m.source !== m.target) found.push(m);
  }
  return found;
}

// Where an arrow begins and ends; one that never arrived stops on its way.
function line(m) {
  const up = m.target < m.source;
  const from = ROWS.lanes[m.source], to = ROWS.lanes[m.target];
  const y1 = up ? from.band : from.band + from.body, y2 = up ? to.band + to.body : to.band;
  const x1 = x(m.begin);
  if (m.end !== null) return [x1, y1, x(m.end), y2];
  const reach = Math.max(10, Math.min(34, (VIEW.width - VIEW.gutter) * 0.02));
  return [x1, y1, x1 + reach, y1 + (y2 - y1) * 0.55];
}

function drawMessages(context) {
  let messages = visibleMessages();
  DRAWN.hidden = 0;
  if (messages.length > SHOWN_MAX) {
    DRAWN.hidden = messages.length - SHOWN_MAX;
    const every = messages.length / SHOWN_MAX;
    messages = Array.from({length: SHOWN_MAX}, (_, i) => messages[Math.floor(i * every)]);
  }
  const alpha = messages.length > 1500 ? 0.16 : messages.length > 400 ? 0.4 : 0.85;
  context.save();
  context.beginPath();
  context.rect(VIEW.gutter, AXIS, VIEW.width - VIEW.gutter, ROWS.height);
  context.clip();
  const byKind = new Map();
  for (const m of messages) {
    const key = `${m.kind} ${m.fate === "duplicate"}`;
    if (!byKind.has(key)) byKind.set(key, []);
    byKind.get(key).push(m);
  }
  for (const group of byKind.values()) {
    context.strokeStyle = context.fillStyle = kindColour(group[0].kind, alpha);
    context.lineWidth = messages.length > 400 ? 1 : 1.4;
    context.setLineDash(group[0].fate === "duplicate" ? [4, 3] : []);
    context.beginPath();
    for (const m of group) {
      const [x1, y1, x2, y2] = line(m);
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
    context.setLineDash([]);
    if (messages.length < 900) for (const m of group) if (m.end !== null) arrowHead(context, line(m));
  }
  for (const m of messages) if (m.end === null) cross(context, line(m), messages.length > 900 ? 0.6 : 1);
  context.restore();
  DRAWN.messages = messages.length;
  DRAWN.list = messages;
}

function arrowHead(context, [x1, y1, x2, y2]) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 7 * Math.cos(angle - 0.38), y2 - 7 * Math.sin(angle - 0.38));
  context.lineTo(x2 - 7 * Math.cos(angle + 0.38), y2 - 7 * Math.sin(angle + 0.38));
  context.fill();
}

function cross(context, [, , x2, y2], scale) {
  const r = 4 * scale;
  context.strokeStyle = INK.bad;
  context.lineWidth = 1.9 * scale;
  context.beginPath();
  context.moveTo(x2 - r, y2 - r);
  context.lineTo(x2 + r, y2 + r);
  context.moveTo(x2 + r, y2 - r);
  context.lineTo(x2 - r, y2 + r);
  context.stroke();
}

function drawPointed(context) {
  for (const [item, width] of [[HELD, 3.2], [POINTED, 2.6]]) {
    if (!item || item.type === "violation") continue;
    if (item.type === "message") {
      const ends = line(item.of);
      context.strokeStyle = context.fillStyle = INK.ink;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(ends[0], ends[1]);
      context.lineTo(ends[2], ends[3]);
      context.stroke();
      if (item.of.end === null) cross(context, ends, 1.5); else arrowHead(context, ends);
    } else {
      const at = Math.round(x(item.of.time ?? item.of.begin)) + 0.5;
      if (at < VIEW.gutter) continue;
      context.fillStyle = INK.accent;
      context.fillRect(at - 0.5, AXIS - 4, 1.5, ROWS.height - AXIS);
    }
  }
}

function drawOverview() {
  const context = size(OVERVIEW, 44), width = OVERVIEW.clientWidth;
  const at = (time) => VIEW.gutter + (time / VIEW_MAX) * (width - VIEW.gutter);
  label(context, "whole run", 14, 22, VIEW.gutter - 20, INK.faint, "11.5px system-ui, sans-serif");
  context.fillStyle = INK.faultPaper;
  context.beginPath();
  for (const w of WINDOWS) context.rect(at(w.begin), 4, Math.max(1.5, at(w.end) - at(w.begin)), 36);
  context.fill();
  for (const span of LEADERS) {
    context.fillStyle = termColour(span.term, "solid");
    context.fillRect(at(span.begin), 17, Math.max(1, at(span.end) - at(span.begin)), 10);
  }
  for (const v of VIOLATIONS) {
    context.fillStyle = INK.bad;
    context.fillRect(at(v.time) - 1, 2, 3, 40);
  }
  const left = at(VIEW.from), right = at(VIEW.to);
  context.fillStyle = INK.card;
  context.globalAlpha = 0.72;
  context.fillRect(VIEW.gutter, 1, left - VIEW.gutter, 42);
  context.fillRect(right, 1, width - right, 42);
  context.globalAlpha = 1;
  context.strokeStyle = INK.accent;
  context.lineWidth = 1.5;
  context.strokeRect(left + 0.75, 2.75, Math.max(3, right - left - 1.5), 38.5);
}

function draw() {
  QUEUED = false;
  VIEW.width = DIAGRAM.clientWidth;
  HITS = [];
  DRAWN = {lanes: 0, windows: 0, messages: 0, violations: 0, hidden: 0};
  const context = size(DIAGRAM, ROWS.height);
  VIEW.gutter = gutterFor(context, VIEW.width);
  for (const row of ROWS.lanes) {
    if (row.lane % 2 === 0) {
      context.fillStyle = INK.paper;
      context.fillRect(0, row.y, VIEW.width, row.height);
    }
  }
  drawAxis(context);
  drawLeaders(context);
  drawCommits(context);
  for (const row of ROWS.lanes) {
    drawRoles(context, row);
    shadeFaults(context, row);
    drawOperations(context, row);
  }
  drawMessages(context);
  if (ROWS.weather) drawFaults(context, ROWS.weather.items, ROWS.weather.y);
  for (const row of ROWS.lanes) drawFaults(context, row.faults, row.y + GAP - 4);
  drawMarks(context);
  drawViolations(context);
  drawPointed(context);
  drawNames(context);
  drawOverview();
  const {lanes, windows, messages, violations, hidden} = DRAWN;
  document.documentElement.dataset.drawn = JSON.stringify({lanes, windows, messages, violations, hidden, terms: new Set(ROLES.map((s) => s.term)).size});
}

function redraw() {
  if (!QUEUED) {
    QUEUED = true;
    requestAnimationFrame(draw);
  }
}

function look(from, to) {
  const span = Math.min(VIEW_MAX, Math.max(to - from, END / 1e5));
  VIEW.from = Math.max(0, Math.min(from, VIEW_MAX - span));
  VIEW.to = VIEW.from + span;
  redraw();
}

function zoom(factor, around = (VIEW.from + VIEW.to) / 2) {
  look(around - (around - VIEW.from) * factor, around + (VIEW.to - around) * factor);
}

function lookAt(time) {
  const span = Math.min(VIEW.to - VIEW.from, END / 8);
  look(time - span / 2, time + span / 2);
}

// What is under the pointer: small things first, then the nearest arrow, then bands.
function under(px, py) {
  const hits = HITS.filter((h) => px >= h.left && px <= h.right && py >= h.top && py <= h.bottom && px >= VIEW.gutter);
  const sharp = hits.findLast((h) => h.type !== "span" && h.type !== "violation") ?? hits.find((h) => h.type === "violation");
  if (sharp) return sharp;
  let best = null, least = 5;
  for (const m of DRAWN.list ?? []) {
    const [x1, y1, x2, y2] = line(m);
    if (py < Math.min(y1, y2) - 4 || py > Math.max(y1, y2) + 4) continue;
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1;
    const part = Math.max(0, Math.min(1, ((px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)) / length));
    const away = Math.hypot(px - x1 - part * (x2 - x1), py - y1 - part * (y2 - y1));
    if (away < least) [best, least] = [m, away];
  }
  return best ? {type: "message", of: best} : hits.at(-1) ?? null;
}
