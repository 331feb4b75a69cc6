// Paints one frame. Only what the view holds is painted; everything painted can be pointed at.

let HITS = [];
let DRAWN = {};

function clipText(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle; else high = middle - 1;
  }
  return low > 1 ? `${text.slice(0, low)}…` : "";
}

function label(context, text, left, middle, width, colour, font = "600 11.5px system-ui, sans-serif", halo = false) {
  if (width < 12) return;
  context.font = font;
  context.fillStyle = colour;
  context.textBaseline = "middle";
  const shown = clipText(context, text, width);
  if (halo) {
    context.lineWidth = 3;
    context.strokeStyle = INK.card;
    context.lineJoin = "round";
    context.strokeText(shown, left, middle + 0.5);
  }
  context.fillText(shown, left, middle + 0.5);
}

function clamped(begin, end) {
  const left = Math.max(VIEW.gutter, x(begin)), right = Math.min(VIEW.width, x(end));
  return [left, Math.max(right, left)];
}

function inView(begin, end) {
  return end >= VIEW.from && begin <= VIEW.to;
}

function drawAxis(context) {
  const span = VIEW.to - VIEW.from;
  const rough = span / Math.max(2, (VIEW.width - VIEW.gutter) / 95);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  for (let n = Math.ceil(VIEW.from / step); n * step <= VIEW.to; n += 1) {
    const at = Math.round(x(n * step)) + 0.5;
    if (at < VIEW.gutter) continue;
    context.fillStyle = INK.grid;
    context.fillRect(at, AXIS - 4, 1, ROWS.height - AXIS);
    label(context, `${(n * step).toFixed(digits)} s`, at + 4, AXIS / 2 + 1, 80, INK.faint, "11px system-ui, sans-serif");
  }
}

function drawBand(context, span, y, height, hatched) {
  const [left, right] = clamped(span.begin, span.end);
  const width = Math.max(1.5, right - left);
  const leads = span.text === "leader";
  context.fillStyle = termColour(span.term, leads ? "solid" : "tint");
  context.beginPath();
  context.roundRect(left, y, width, height, Math.min(4, width / 3));
  context.fill();
  if (hatched) {
    context.fillStyle = hatch(context, termColour(span.term, "edge"), 4);
    context.fill();
  }
  return [left, width];
}

function drawRoles(context, row) {
  context.fillStyle = INK.line;
  context.fillRect(VIEW.gutter, row.middle - 0.5, VIEW.width - VIEW.gutter, 1);
  for (const span of SPANS) {
    if (span.lane !== row.lane || !inView(span.begin, span.end)) continue;
    const [from, to] = clamped(span.begin, span.end);
    if (span.kind === "role") {
      const leads = span.text === "leader";
      const [left, width] = drawBand(context, span, row.band, row.body, span.text.includes("candidate"));
      const full = `${span.text} · term ${span.term}`;
      const ink = leads ? (DARK.matches ? "#0d1014" : "#fff") : span.text.includes("candidate") ? INK.ink : INK.faint;
      const text = width > 105 ? full : width > 56 && leads ? `leads ${span.term}` : width > 26 ? `T${span.term}` : "";
      if (text) label(context, text, left + 6, row.middle, width - 9, ink, leads ? undefined : "11.5px system-ui, sans-serif", span.text.includes("candidate"));
    } else if (span.kind === "down") {
      context.fillStyle = INK.card;
      context.fillRect(from, row.band - 1, to - from, row.body + 2);
      context.strokeStyle = INK.bad;
      context.lineWidth = 1.2;
      context.setLineDash([3, 4]);
      context.beginPath();
      context.moveTo(from, row.middle);
      context.lineTo(to, row.middle);
      context.stroke();
      context.setLineDash([]);
      if (to - from > 60) {
        context.fillStyle = INK.card;
        context.fillRect((from + to) / 2 - 19, row.middle - 7, 38, 14);
        label(context, "down", (from + to) / 2 - 14, row.middle, 40, INK.bad);
      }
    } else {
      context.fillStyle = hatch(context, INK.faint, 5);
      context.fillRect(from, row.band, to - from, row.body);
    }
    HITS.push({left: from, right: Math.max(to, from + 2), top: row.band, bottom: row.band + row.body, type: "span", of: span});
  }
}

function drawFaults(context, items, top) {
  for (const item of items) {
    const w = item.window;
    if (!inView(w.begin, Math.max(w.end, w.begin + (VIEW.to - VIEW.from) * 0.08))) continue;
    const y = top + item.track * TRACK;
    const [left, right] = clamped(w.begin, w.end);
    const instant = w.end === w.begin;
    if (instant) {
      const at = x(w.begin);
      if (at < VIEW.gutter) continue;
      context.fillStyle = INK.fault;
      context.beginPath();
      context.moveTo(at - 4, y + 2);
      context.lineTo(at + 4, y + 2);
      context.lineTo(at, y + 11);
      context.fill();
    } else {
      context.fillStyle = INK.faultPaper;
      context.fillRect(left, y, Math.max(2, right - left), TRACK - 2);
      context.fillStyle = INK.fault;
      context.fillRect(left, y, 2.5, TRACK - 2);
    }
    const next = items.filter((other) => other !== item && other.track === item.track && other.begin >= item.begin)
      .reduce((least, other) => Math.min(least, x(other.begin)), VIEW.width);
    const start = left + (instant ? 7 : 6);
    label(context, `${w.verb} ${w.text}`, start, y + TRACK / 2 - 1, next - start - 5, INK.fault, "11px system-ui, sans-serif", true);
    DRAWN.windows += 1;
    HITS.push({left: left - 4, right: Math.max(right, left + 5), top: y, bottom: y + TRACK - 1, type: "fault", of: w});
  }
}

function shadeFaults(context, row) {
  context.fillStyle = INK.faultPaper;
  context.beginPath();
  for (const w of row.shaded) {
    if (!inView(w.begin, w.end)) continue;
    const [left, right] = clamped(w.begin, w.end);
    context.rect(left, row.band - 4, right - left, row.body + 8);
  }
  context.fill();
}

function drawOperations(context, row) {
  for (const {event, begin, end, track} of row.operations) {
    if (!inView(begin, end)) continue;
    const [left, right] = clamped(begin, end);
    const y = row.band + 2 + track * OPERATION;
    context.fillStyle = /: (ok|done)/.test(event.text) || !event.text.includes(":") ? INK.accent : INK.fault;
    context.globalAlpha = 0.75;
    context.fillRect(left, y, Math.max(1.5, right - left), OPERATION - 1.5);
    context.globalAlpha = 1;
    HITS.push({left, right: Math.max(right, left + 4), top: y - 1, bottom: y + OPERATION - 1, type: "event", of: event});
  }
}

const GLYPHS = {crash: "✕", restart: "▲", pause: "‖", resume: "▶", object: "◆", note: "•", operation: "•", apply: "·"};

function drawMarks(context) {
  const from = firstFrom(EVENTS, VIEW.from, "time"), to = firstFrom(EVENTS, VIEW.to, "time");
  for (let i = from; i < to; i += 1) {
    const event = EVENTS[i];
    if (event.kind === "role" || event.data.returned_s !== undefined) continue;
    const row = ROWS.lanes[event.lane], at = x(event.time);
    if (event.kind === "commit") {
      context.fillStyle = INK.faint;
      context.fillRect(at, row.band + row.body + 1, 1, 3.5);
      continue;
    }
    context.font = "700 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "center";
    context.lineWidth = 3.5;
    context.strokeStyle = INK.card;
    context.fillStyle = event.kind === "crash" ? INK.bad : event.kind === "restart" ? INK.good : INK.ink;
    const glyph = GLYPHS[event.kind] ?? "•";
    context.strokeText(glyph, at, row.middle);
    context.fillText(glyph, at, row.middle);
    context.textAlign = "left";
    HITS.push({left: at - 6, right: at + 6, top: row.band - 2, bottom: row.band + row.body + 2, type: "event", of: event});
  }
}

function drawLeaders(context) {
  const row = ROWS.leaders;
  if (!row) return;
  context.fillStyle = hatch(context, INK.line, 5);
  context.fillRect(VIEW.gutter, row.y, VIEW.width - VIEW.gutter, row.height);
  for (const span of LEADERS) {
    if (!inView(span.begin, span.end)) continue;
    const y = row.y + span.track * row.height;
    const [left, width] = drawBand(context, span, y, row.height - 1, false);
    const name = RUN.lanes[span.lane];
    label(context, `${name} · term ${span.term}`, left + 6, y + row.height / 2 - 0.5, width - 9, DARK.matches ? "#0d1014" : "#fff");
    HITS.push({left, right: left + width, top: y, bottom: y + row.height, type: "span", of: span});
  }
}

// The last index that was committed at a time; points are sorted.
function committedAt(points, time) {
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] <= time) low = middle + 1; else high = middle;
  }
  return [low, low ? points[low - 1][1] : 0];
}

function drawCommits(context) {
  const row = ROWS.commit;
  if (!row) return;
  const from = Math.max(0, VIEW.from), to = Math.min(END, VIEW.to);
  const top = Math.max(1, committedAt(MOST_COMMITTED, to)[1]);
  const bottom = Math.min(...[...COMMITS.values()].map((points) => committedAt(points, from)[1]), top - 1);
  const level = (index) => row.y + row.height - 3 - ((index - bottom) / (top - bottom)) * (row.height - 8);
  const trace = (points, close) => {
    let [next, index] = committedAt(points, from);
    context.beginPath();
    if (close) context.moveTo(x(from), row.y + row.height);
    context[close ? "lineTo" : "moveTo"](x(from), level(index));
    for (; next < points.length && points[next][0] <= to; next += 1) {
      const at = x(points[next][0]);
      context.lineTo(at, level(index));
      index = points[next][1];
      context.lineTo(at, level(index));
    }
    context.lineTo(x(to), level(index));
    if (close) context.lineTo(x(to), row.y + row.height);
  };
  context.save();
  context.beginPath();
  context.rect(VIEW.gutter, row.y - 4, VIEW.width - VIEW.gutter, row.height + 6);
  context.clip();
  context.fillStyle = INK.accent;
  context.globalAlpha = 0.1;
  trace(MOST_COMMITTED, true);
  context.fill();
  context.globalAlpha = 0.5;
  context.lineWidth = 1;
  context.strokeStyle = INK.faint;
  for (const points of COMMITS.values()) {
    trace(points);
    context.stroke();
  }
  context.globalAlpha = 1;
  context.lineWidth = 2;
  context.strokeStyle = INK.accent;
  trace(MOST_COMMITTED);
  context.stroke();
  context.restore();
  row.said = `${bottom} – ${top}`;
}

const MOST_COMMITTED = [];
for (const [, time, index] of RUN.commits) {
  if (!MOST_COMMITTED.length || index > MOST_COMMITTED.at(-1)[1]) MOST_COMMITTED.push([time, index]);
}

function drawViolations(context) {
  for (const v of VIOLATIONS) {
    if (!inView(v.time, v.time)) continue;
    const at = Math.round(x(v.time)) + 0.5;
    context.fillStyle = INK.bad;
    context.fillRect(at - 1, 2, 2.5, ROWS.height - 4);
    const text = `✕ ${v.property}`;
    context.font = "700 12px system-ui, sans-serif";
    const width = context.measureText(text).width + 14;
    const left = at + width > VIEW.width ? at - width : at;
    context.fillRect(left, 2, width, AXIS - 6);
    label(context, text, left + 7, AXIS / 2 - 1, width, INK.card, "700 12px system-ui, sans-serif");
    if (v.lane >= 0) {
      const row = ROWS.lanes[v.lane];
      context.strokeStyle = INK.bad;
      context.lineWidth = 3;
      context.strokeRect(at - 11, row.band - 4, 22, row.body + 8);
    }
    DRAWN.violations += 1;
    HITS.push({left: Math.min(left, at - 5), right: Math.max(left + width, at + 5), top: 0, bottom: AXIS, type: "violation", of: v});
    HITS.push({left: at - 4, right: at + 4, top: 0, bottom: ROWS.height, type: "violation", of: v});
  }
}

// A name that is too long gets a smaller font; then its middle goes, since its number tells it apart.
function laneFont(context, text) {
  context.font = "600 12.5px system-ui, sans-serif";
  return context.measureText(text).width <= VIEW.gutter - 16 ? context.font : "600 11px system-ui, sans-serif";
}

function clipMiddle(context, text, width) {
  let keep = text.length;
  const cut = () => (keep === text.length ? text : `${text.slice(0, Math.ceil(keep * 0.6))}…${text.slice(text.length - Math.floor(keep * 0.4))}`);
  while (keep > 3 && context.measureText(cut()).width > width) keep -= 1;
  return cut();
}

function drawNames(context) {
  context.fillStyle = INK.card;
  context.fillRect(0, 0, VIEW.gutter - 1, ROWS.height);
  context.fillStyle = INK.line;
  context.fillRect(VIEW.gutter - 1, AXIS - 4, 1, ROWS.height - AXIS);
  const name = (text, middle, colour = INK.faint, font = "11.5px system-ui, sans-serif") => {
    context.font = font;
    context.textAlign = "right";
    label(context, clipMiddle(context, text, VIEW.gutter - 16), VIEW.gutter - 9, middle, VIEW.gutter, colour, font);
    context.textAlign = "left";
  };
  if (ROWS.leaders) name("leader", ROWS.leaders.y + (ROWS.leaders.height * ROWS.leaders.tracks) / 2);
  if (ROWS.commit) {
    name("committed", ROWS.commit.y + ROWS.commit.height / 2 - 7);
    name(ROWS.commit.said, ROWS.commit.y + ROWS.commit.height / 2 + 8);
  }
  if (ROWS.weather) name("faults", ROWS.weather.y + (ROWS.weather.tracks * TRACK) / 2 - 1, INK.fault);
  for (const row of ROWS.lanes) {
    name(row.name, row.middle, INK.ink, laneFont(context, row.name));
    DRAWN.lanes += 1;
  }
}
