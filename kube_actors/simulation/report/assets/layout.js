// Where everything stands: rows are laid out once, time is mapped by the view.

const AXIS = 24, STRIP = 24, CHART = 46, TRACK = 15, BAND = 20, GAP = 9, OPERATION = 5;

// Put intervals that overlap into different tracks; instants get some room for their label.
function intoTracks(items, room, most = 8) {
  const ends = [];
  for (const item of [...items].sort((a, b) => a.begin - b.begin)) {
    let track = ends.findIndex((end) => end <= item.begin);
    if (track < 0) track = ends.length < most ? ends.length : most - 1;
    ends[track] = Math.max(ends[track] ?? 0, item.end, item.begin + room);
    item.track = track;
  }
  return ends.length;
}

function layOut() {
  const members = [...MEMBERS];
  // A fault on many lanes is named once, above them; the lanes themselves are only shaded.
  const wide = (w) => w.lanes.length > 2 || (members.length > 1 && members.every((lane) => w.lanes.includes(lane)));
  const weather = WINDOWS.filter(wide).map((w) => ({window: w, begin: w.begin, end: w.end}));
  const room = END * 0.07;
  let y = AXIS;
  const rows = {lanes: []};
  if (LEADERS.length) {
    const tracks = intoTracks(LEADERS, 0, 3);
    rows.leaders = {y: y + 4, tracks, height: tracks > 1 ? 15 : STRIP - 4};
    y += 8 + rows.leaders.height * tracks;
  }
  if (COMMIT_MAX) {
    rows.commit = {y: y + 4, height: CHART};
    y += CHART + 10;
  }
  if (weather.length) {
    const tracks = intoTracks(weather, room, 12);
    rows.weather = {y: y + 2, items: weather, tracks};
    y += tracks * TRACK + 8;
  }
  rows.top = y;
  RUN.lanes.forEach((name, lane) => {
    const faults = WINDOWS.filter((w) => w.lanes.includes(lane) && !wide(w)).map((w) => ({window: w, begin: w.begin, end: w.end}));
    const tracks = intoTracks(faults, room, 6);
    const operations = EVENTS.filter((e) => e.lane === lane && e.data.returned_s !== undefined)
      .map((e) => ({event: e, begin: e.time, end: Math.max(e.time, e.data.returned_s)}));
    const layers = intoTracks(operations, 0, 12);
    const body = MEMBERS.has(lane) ? BAND : Math.max(BAND / 2, layers * OPERATION + 4);
    const shaded = WINDOWS.filter((w) => w.lanes.includes(lane) && w.end > w.begin && !(members.length > 1 && members.every((member) => w.lanes.includes(member))));
    const row = {name, lane, y, faults, tracks, operations, shaded, band: y + GAP + tracks * TRACK, body};
    row.middle = row.band + body / 2;
    row.height = GAP * 2 + tracks * TRACK + body;
    y += row.height;
    rows.lanes.push(row);
  });
  rows.height = y + 6;
  return rows;
}

const ROWS = layOut();
const VIEW = {from: 0, to: VIEW_MAX, width: 800, gutter: 100};

// As wide as the longest name, within reason.
function gutterFor(context, width) {
  context.font = "600 12.5px system-ui, sans-serif";
  const longest = Math.max(64, ...RUN.lanes.map((name) => context.measureText(name).width));
  return Math.ceil(Math.min(longest + 24, width * 0.2));
}

function x(time) {
  return VIEW.gutter + ((time - VIEW.from) / (VIEW.to - VIEW.from)) * (VIEW.width - VIEW.gutter);
}

function timeAt(pixel) {
  return VIEW.from + ((pixel - VIEW.gutter) / (VIEW.width - VIEW.gutter)) * (VIEW.to - VIEW.from);
}
