// Wires the page: header, filters for messages, pointer and keyboard, and the view in the address.

const HASH = new URLSearchParams(location.hash.slice(1));
const byId = (id) => document.getElementById(id);
const reported = [];
window.addEventListener("error", (event) => {
  reported.push(event.message);
  document.documentElement.dataset.errors = JSON.stringify(reported);
});

function fact(name, value) {
  const box = document.createElement("div"), term = document.createElement("dt"), what = document.createElement("dd");
  term.textContent = name;
  what.textContent = value;
  box.append(term, what);
  return box;
}

function fillHeader() {
  byId("title").textContent = RUN.title;
  byId("command").textContent = RUN.command;
  const verdict = byId("verdict"), properties = [...new Set(VIOLATIONS.map((v) => v.property))];
  verdict.classList.add(properties.length ? "bad" : "good");
  verdict.textContent = properties.length ? `broken: ${properties.join(", ")}` : "every promise held";
  const number = (value) => value.toLocaleString("en");
  const lost = MESSAGES.filter((m) => m.end === null).length;
  const terms = new Set(LEADERS.map((span) => span.term)).size;
  byId("facts").append(
    ...(RUN.scenario ? [fact("scenario", RUN.scenario)] : []),
    fact("seed", String(RUN.seed)), fact("simulated", seconds(RUN.end)), fact("lanes", String(RUN.lanes.length)),
    ...(LEADERS.length ? [fact("terms with a leader", String(terms))] : []),
    ...(COMMIT_MAX ? [fact("committed", number(COMMIT_MAX))] : []),
    fact("messages", `${number(MESSAGES.length)}${lost ? `, ${number(lost)} never arrived` : ""}`),
    fact("faults", String(WINDOWS.length)));
  byId("copy").addEventListener("click", async () => {
    await navigator.clipboard?.writeText(RUN.command);
    byId("copy").textContent = "copied";
  });
  if (!RUN.command) byId("command").parentElement.hidden = true;
  byId("violations").hidden = !VIOLATIONS.length;
  byId("violations").append(...VIOLATIONS.slice(0, 5).map(banner));
}

function banner(violation) {
  const box = document.createElement("div"), text = document.createElement("p"), button = document.createElement("button");
  const head = document.createElement("b"), where = document.createElement("small");
  head.textContent = violation.property;
  where.textContent = ` step ${violation.step}, ${seconds(violation.time)}${violation.lane < 0 ? "" : `, ${RUN.lanes[violation.lane]}`}`;
  text.append(head, where, document.createElement("br"), violation.text);
  button.type = "button";
  button.textContent = "show where";
  button.addEventListener("click", () => jump(violation));
  box.append(text, button);
  return box;
}

function jump(violation) {
  hold({type: "violation", of: violation});
  const span = Math.min(VIEW.to - VIEW.from, END / 12);
  look(violation.time - span * 0.75, violation.time + span * 0.25);
  scrollTo(violation.time, violation);
  showAllIfFew();
}

const CLOSE_UP_MAX = 600;
let refreshKinds = () => {};

// Close to a violation every message may matter, unless there are too many to see any.
function showAllIfFew() {
  const before = [...SHOWN];
  RUN.kinds.forEach((_, kind) => SHOWN.add(kind));
  if (visibleMessages().length > CLOSE_UP_MAX) {
    SHOWN.clear();
    before.forEach((kind) => SHOWN.add(kind));
  }
  refreshKinds();
}

function hold(item) {
  HELD = item;
  byId("detail").hidden = !item;
  if (item) fill(byId("detail"), item.type, item.of);
  fillRows();
  redraw();
}

const KINDS_MAX = 10;

// What to show at first: everything of a small run, else the kinds so rare that they mean something.
function rare(order, counts) {
  if (MESSAGES.length <= 400) return order;
  let room = 150;
  return [...order].reverse().filter((kind) => {
    room -= counts[kind];
    return room >= 0 && counts[kind] <= 50;
  });
}

function offerKinds() {
  const counts = RUN.kinds.map(() => 0);
  for (const m of MESSAGES) counts[m.kind] += 1;
  const order = RUN.kinds.map((_, kind) => kind).sort((a, b) => counts[b] - counts[a]);
  const caption = document.createElement("span");
  caption.textContent = MESSAGES.length ? "messages" : "no messages were recorded";
  const buttons = new Map();
  const refresh = refreshKinds = () => buttons.forEach((button, kind) => button.setAttribute("aria-pressed", String(SHOWN.has(kind))));
  const chip = (text, count, colour, pressed) => {
    const button = document.createElement("button"), mark = document.createElement("i"), small = document.createElement("small");
    button.type = "button";
    mark.style.background = colour;
    small.textContent = count;
    button.append(...(colour ? [mark] : []), text, small);
    button.addEventListener("click", () => {
      pressed();
      refresh();
      redraw();
    });
    return button;
  };
  for (const kind of order) {
    buttons.set(kind, chip(RUN.kinds[kind], counts[kind].toLocaleString("en"), kindColour(kind), () => {
      if (!SHOWN.delete(kind)) SHOWN.add(kind);
    }));
  }
  const all = chip("all / none", "", "", () => {
    const none = SHOWN.size === 0;
    SHOWN.clear();
    if (none) order.forEach((kind) => SHOWN.add(kind));
  });
  const more = chip(`${order.length - KINDS_MAX} more kinds`, "", "", () => {
    order.slice(KINDS_MAX).forEach((kind) => { buttons.get(kind).hidden = false; });
    more.hidden = true;
  });
  more.hidden = order.length <= KINDS_MAX + 2;
  if (!more.hidden) order.slice(KINDS_MAX).forEach((kind) => { buttons.get(kind).hidden = true; });
  byId("kinds").append(caption, ...buttons.values(), more, ...(MESSAGES.length ? [all] : []));
  const asked = HASH.get("messages");
  const wanted = asked === "all" ? order : asked === "none" ? [] : rare(order, counts);
  wanted.forEach((kind) => SHOWN.add(kind));
  refresh();
}

function offerLegend() {
  const term = LEADERS[0]?.term ?? 1, span = (text) => ({begin: VIEW.from, end: VIEW.to, text, term});
  const swatches = [
    ...(ROLES.length ? [
      ["leader, one colour a term", (c) => drawBand(c, span("leader"), 1, 11, false)],
      ["follower of that term", (c) => drawBand(c, span("follower"), 1, 11, false)],
      ["candidate", (c) => drawBand(c, span("candidate"), 1, 11, true)]] : []),
    ["crashed", (c) => { cross(c, [0, 0, 13, 6.5], 1); }],
    ["fault", (c) => { c.fillStyle = INK.faultPaper; c.fillRect(0, 1, 26, 11); c.fillStyle = INK.fault; c.fillRect(0, 1, 3, 11); }],
    ...(ROWS.lanes.some((row) => row.operations.length) ? [
      ["request answered", (c) => { c.fillStyle = INK.accent; c.fillRect(0, 5, 26, 4); }],
      ["refused, or never answered", (c) => { c.fillStyle = INK.fault; c.fillRect(0, 5, 26, 4); }]] : []),
    ["lost message", (c) => { c.strokeStyle = kindColour(0); c.beginPath(); c.moveTo(2, 1); c.lineTo(13, 7); c.stroke(); cross(c, [0, 0, 14, 7], 0.9); }],
  ];
  byId("legend").replaceChildren(...swatches.map(([text, paint]) => {
    const item = document.createElement("span"), canvas = document.createElement("canvas");
    item.append(canvas, text);
    byId("legend").append(item);
    const context = size(canvas, 13), keep = {...VIEW};
    Object.assign(VIEW, {gutter: 0, width: 26, from: 0, to: 1});
    paint(context);
    Object.assign(VIEW, keep);
    return item;
  }));
}

function listenToPointer() {
  const tip = byId("tip");
  let drag = null;
  const place = (event) => {
    const box = DIAGRAM.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const point = (event) => {
    const found = under(...place(event));
    if (found?.of !== POINTED?.of) {
      POINTED = found;
      redraw();
    }
    tip.hidden = !found;
    if (!found) return;
    fill(tip, found.type, found.of);
    const right = event.clientX + 14 + tip.offsetWidth > innerWidth, low = event.clientY + 14 + tip.offsetHeight > innerHeight;
    tip.style.left = `${right ? event.clientX - tip.offsetWidth - 10 : event.clientX + 14}px`;
    tip.style.top = `${low ? event.clientY - tip.offsetHeight - 10 : event.clientY + 14}px`;
  };
  DIAGRAM.addEventListener("wheel", (event) => {
    const [px] = place(event);
    if (px < VIEW.gutter) return;
    event.preventDefault();
    const span = VIEW.to - VIEW.from, sideways = event.shiftKey ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) look(VIEW.from + (sideways / 900) * span, VIEW.to + (sideways / 900) * span);
    else zoom(Math.exp(event.deltaY * 0.0016), timeAt(px));
  }, {passive: false});
  DIAGRAM.addEventListener("pointerdown", (event) => {
    drag = {at: event.clientX, from: VIEW.from, to: VIEW.to, moved: false};
    DIAGRAM.setPointerCapture(event.pointerId);
  });
  DIAGRAM.addEventListener("pointermove", (event) => {
    if (!drag) {
      point(event);
      return;
    }
    const away = event.clientX - drag.at;
    if (Math.abs(away) > 3) drag.moved = true;
    if (!drag.moved) return;
    tip.hidden = true;
    DIAGRAM.classList.add("dragging");
    const shift = (away / (VIEW.width - VIEW.gutter)) * (drag.to - drag.from);
    look(drag.from - shift, drag.to - shift);
  });
  DIAGRAM.addEventListener("pointerup", (event) => {
    DIAGRAM.classList.remove("dragging");
    if (drag && !drag.moved) {
      const found = under(...place(event));
      hold(found);
      if (found) scrollTo(found.of.time ?? found.of.begin, found.of);
      point(event);
    }
    drag = null;
  });
  DIAGRAM.addEventListener("pointerleave", () => {
    tip.hidden = true;
    POINTED = null;
    redraw();
  });
  const move = (event) => {
    if (event.type === "pointerdown") OVERVIEW.setPointerCapture(event.pointerId);
    if (!event.buttons) return;
    const px = event.clientX - OVERVIEW.getBoundingClientRect().left, span = VIEW.to - VIEW.from;
    const time = ((px - VIEW.gutter) / (VIEW.width - VIEW.gutter)) * VIEW_MAX;
    look(time - span / 2, time + span / 2);
  };
  OVERVIEW.addEventListener("pointerdown", move);
  OVERVIEW.addEventListener("pointermove", move);
}

function listenToKeys() {
  const pan = (part) => look(VIEW.from + part * (VIEW.to - VIEW.from), VIEW.to + part * (VIEW.to - VIEW.from));
  const keys = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), "+": () => zoom(0.6), "=": () => zoom(0.6),
    "-": () => zoom(1.6), 0: () => look(0, VIEW_MAX), v: () => VIOLATIONS.length && jump(VIOLATIONS[0]), Escape: () => hold(null),
  };
  document.addEventListener("keydown", (event) => {
    if (event.target.matches?.("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  byId("in").addEventListener("click", () => zoom(0.5));
  byId("out").addEventListener("click", () => zoom(2));
  byId("fit").addEventListener("click", () => look(0, VIEW_MAX));
}

readColours();
fillHeader();
offerKinds();
prepareFilters();
listenToPointer();
listenToKeys();
DARK.addEventListener("change", () => {
  readColours();
  offerLegend();
  redraw();
});
new ResizeObserver(redraw).observe(DIAGRAM);
look(Number(HASH.get("from") ?? 0), Number(HASH.get("to") ?? VIEW_MAX));
draw();
offerLegend();
if (VIOLATIONS.length) scrollTo(VIOLATIONS[0].time, VIOLATIONS[0]);
if (HASH.has("jump") && VIOLATIONS.length) jump(VIOLATIONS[0]);
