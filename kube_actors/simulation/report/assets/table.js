// The list of what happened. Only the rows in sight exist as elements.

const ROW = 25;
const PANE = document.getElementById("rows"), SPACE = document.getElementById("space");
const BY_LANE = document.getElementById("by-lane"), BY_KIND = document.getElementById("by-kind"), BY_TEXT = document.getElementById("by-text");
let LISTED = [];

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

function prepareFilters() {
  BY_LANE.append(option("", "every lane"), ...RUN.lanes.map((name, lane) => option(String(lane), name)));
  const kinds = [...new Set(ITEMS.map((item) => item.kind))].sort();
  BY_KIND.append(option("!message", "without messages"), option("", "every kind"), ...kinds.map((kind) => option(kind, kind)));
  for (const input of [BY_LANE, BY_KIND, BY_TEXT]) input.addEventListener("input", list);
  PANE.addEventListener("scroll", fillRows, {passive: true});
  list();
}

function list() {
  const lane = BY_LANE.value === "" ? -1 : Number(BY_LANE.value), kind = BY_KIND.value, text = BY_TEXT.value.toLowerCase();
  LISTED = ITEMS.filter((item) =>
    (lane < 0 || item.lanes.includes(lane)) &&
    (kind === "" || (kind === "!message" ? item.type !== "message" : item.kind === kind)) &&
    (text === "" || `${item.kind} ${item.text}`.toLowerCase().includes(text)));
  SPACE.style.height = `${LISTED.length * ROW}px`;
  document.getElementById("count").textContent = `${LISTED.length.toLocaleString("en")} of ${ITEMS.length.toLocaleString("en")}`;
  fillRows();
}

function fillRows() {
  const first = Math.max(0, Math.floor(PANE.scrollTop / ROW) - 4);
  const last = Math.min(LISTED.length, first + Math.ceil((PANE.clientHeight || 400) / ROW) + 8);
  SPACE.replaceChildren(...LISTED.slice(first, last).map((item, i) => rowOf(item, first + i)));
}

function rowOf(item, place) {
  const row = document.createElement("div");
  row.className = `row ${item.type}${HELD && HELD.of === item.of ? " held" : ""}`;
  row.style.top = `${place * ROW}px`;
  const time = document.createElement("time"), kind = document.createElement("b"), text = document.createElement("span");
  time.textContent = item.time.toFixed(4);
  kind.textContent = item.kind;
  const lane = item.type === "fault" || !item.lanes.length ? "" : `${RUN.lanes[item.lanes[0]]}: `;
  text.textContent = (lane + item.text).replace(": →", " →");
  text.title = text.textContent;
  row.append(time, kind, text);
  row.addEventListener("click", () => {
    hold({type: item.type, of: item.of});
    lookAt(item.time);
  });
  return row;
}

// Scroll the list to the item that is held, or to the first one not before a time.
function scrollTo(time, of) {
  let place = LISTED.findIndex((item) => item.of === of);
  if (place < 0) place = firstFrom(LISTED, time, "time");
  PANE.scrollTop = Math.max(0, place * ROW - PANE.clientHeight / 2);
  fillRows();
}
