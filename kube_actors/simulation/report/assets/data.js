// The recording, unpacked: everything that can be pointed at is an item with a time and a text.

const RUN = JSON.parse(document.getElementById("data").textContent);
const FATES = ["delivered", "lost", "cut", "duplicate"];
const END = Math.max(RUN.end, 1e-6);
const VIEW_MAX = END * 1.02;

const MESSAGES = RUN.messages.map((m, id) => ({
  id, step: m[0], begin: m[1], source: m[2], target: m[3], end: m[4],
  kind: m[5], text: RUN.texts[m[6]], fate: FATES[m[7]],
}));
const LATENCY_MAX = MESSAGES.reduce((most, m) => Math.max(most, (m.end ?? m.begin) - m.begin), 0);
const EVENTS = RUN.events.map(([step, time, lane, kind, text, data]) => ({step, time, lane, kind, text, data}));
const SPANS = RUN.spans.map(([lane, kind, begin, end, text, term]) => ({lane, kind, begin, end, text, term}));
const ROLES = SPANS.filter((span) => span.kind === "role");
const LEADERS = ROLES.filter((span) => span.text === "leader");
const WINDOWS = RUN.windows.map(([lanes, begin, end, verb, text]) => (
  {lanes, begin, end: Math.min(end ?? END, Math.max(END, begin)), until: end, verb, text}));
const VIOLATIONS = RUN.violations.map(([step, time, lane, property, text]) => ({step, time, lane, property, text}));
const MEMBERS = new Set(ROLES.map((span) => span.lane));

const COMMITS = new Map();
for (const [lane, time, index] of RUN.commits) {
  if (!COMMITS.has(lane)) COMMITS.set(lane, []);
  COMMITS.get(lane).push([time, index]);
}
const COMMIT_MAX = RUN.commits.reduce((most, commit) => Math.max(most, commit[2]), 0);

// The first index whose item begins at or after a time; items are sorted by begin.
function firstFrom(items, time, key) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle][key] < time) low = middle + 1; else high = middle;
  }
  return low;
}

function seconds(time, span = 0) {
  const digits = span && span < 0.005 ? 6 : span && span < 0.5 ? 4 : 3;
  return `${time.toFixed(digits)} s`;
}

function lasting(span) {
  if (span < 0.001) return `${(span * 1e6).toFixed(0)} µs`;
  return span < 1 ? `${(span * 1e3).toFixed(span < 0.01 ? 2 : 1)} ms` : `${span.toFixed(2)} s`;
}

// One list of everything for the table, by time; `title` and `text` are what is searched.
const ITEMS = [];
for (const e of EVENTS) {
  if (e.kind === "commit") continue;
  const term = e.data.term === undefined ? "" : ` (term ${e.data.term})`;
  ITEMS.push({type: "event", time: e.time, lanes: [e.lane], kind: e.kind, text: e.text + term, of: e});
}
for (const w of WINDOWS) {
  ITEMS.push({type: "fault", time: w.begin, lanes: w.lanes, kind: "fault", text: `${w.verb} ${w.text}`, of: w});
}
for (const v of VIOLATIONS) {
  ITEMS.push({type: "violation", time: v.time, lanes: v.lane < 0 ? [] : [v.lane], kind: "violation", text: `${v.property}: ${v.text}`, of: v});
}
for (const m of MESSAGES) {
  const fate = m.fate === "delivered" ? "" : ` ${m.fate.toUpperCase()}`;
  ITEMS.push({type: "message", time: m.begin, lanes: [m.source, m.target], kind: RUN.kinds[m.kind], text: `→ ${RUN.lanes[m.target]}${fate} ${m.text}`, of: m});
}
ITEMS.sort((a, b) => a.time - b.time);

// What the tooltip and the detail say about an item: a title and lines.
function describe(type, of) {
  if (type === "message") {
    const fate = of.end === null ? `${of.fate}, never received` : `received ${seconds(of.end)} (${lasting(of.end - of.begin)})`;
    const again = of.fate === "duplicate" ? "a second copy; " : "";
    return [RUN.kinds[of.kind], `${RUN.lanes[of.source]} → ${RUN.lanes[of.target]}`, of.text,
      `sent ${seconds(of.begin)}, ${again}${fate}`, `step ${of.step}`];
  }
  if (type === "fault") {
    const until = of.end === of.begin ? `at ${seconds(of.begin)}` : `${seconds(of.begin)} – ${of.until === null ? "the end" : `${seconds(of.until)} (${lasting(of.until - of.begin)})`}`;
    return [`fault: ${of.verb}`, of.text, of.lanes.map((lane) => RUN.lanes[lane]).join(", "), until];
  }
  if (type === "violation") return [`broken: ${of.property}`, of.text, of.lane < 0 ? "" : RUN.lanes[of.lane], `step ${of.step}, ${seconds(of.time)}`];
  if (type === "span") {
    const name = of.kind === "role" ? `${of.text}, term ${of.term}` : of.kind === "down" ? "down" : "paused";
    return [name, RUN.lanes[of.lane], `${seconds(of.begin)} – ${seconds(of.end)} (${lasting(of.end - of.begin)})`];
  }
  const data = Object.entries(of.data).map(([name, value]) => `${name} ${value}`).join(", ");
  return [of.kind, RUN.lanes[of.lane], of.text, data, `step ${of.step}, ${seconds(of.time)}`];
}

function fill(box, type, of) {
  const [title, ...lines] = describe(type, of);
  const head = document.createElement("b");
  head.textContent = title;
  box.replaceChildren(head, ...lines.filter(Boolean).map((line) => {
    const row = document.createElement("div");
    row.textContent = line;
    return row;
  }));
}
