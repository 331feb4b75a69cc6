// A square for every seed, by scenario, and a table of what broke.

const CAMPAIGN = JSON.parse(document.getElementById("data").textContent);
const RESULTS = CAMPAIGN.results;
const BROKEN = RESULTS.filter((result) => result.property);

function made(name, text, ...children) {
  const element = document.createElement(name);
  if (text !== undefined && text !== "") element.append(String(text));
  element.append(...children);
  return element;
}

function linked(result, text) {
  if (!result.href) return made("span", text);
  const link = made("a", text);
  link.href = result.href;
  return link;
}

function square(result) {
  const box = linked(result, "");
  box.title = `seed ${result.seed}: ${result.property || "held"}`;
  if (result.property) box.className = "bad";
  return box;
}

function row(result) {
  const seed = made("td", "", linked(result, result.seed));
  seed.className = "number";
  const what = made("td", "", made("b", result.property), made("div", result.text));
  const steps = made("td", result.steps.toLocaleString("en"));
  steps.className = "number";
  return made("tr", "", seed, made("td", result.scenario), what, steps, made("td", "", made("code", result.command)));
}

function fact(name, value) {
  return made("div", "", made("dt", name), made("dd", value));
}

const byId = (id) => document.getElementById(id);
byId("title").textContent = CAMPAIGN.title;
byId("command").textContent = CAMPAIGN.command;
byId("command").parentElement.hidden = !CAMPAIGN.command;
byId("verdict").textContent = BROKEN.length ? `${BROKEN.length} of ${RESULTS.length} seeds broke a promise` : "every promise held";
byId("verdict").classList.add(BROKEN.length ? "bad" : "good");
const properties = new Map();
for (const result of BROKEN) properties.set(result.property, (properties.get(result.property) ?? 0) + 1);
byId("facts").append(
  fact("seeds", RESULTS.length.toLocaleString("en")),
  fact("simulated", `${RESULTS.reduce((sum, r) => sum + r.simulated_s, 0).toFixed(0)} s`),
  fact("steps", RESULTS.reduce((sum, r) => sum + r.steps, 0).toLocaleString("en")),
  ...[...properties].sort((a, b) => b[1] - a[1]).map(([name, count]) => fact(name, `${count}×`)));
for (const scenario of new Set(RESULTS.map((result) => result.scenario))) {
  const own = RESULTS.filter((result) => result.scenario === scenario);
  const broken = own.filter((result) => result.property).length;
  const grid = made("div", "", ...own.map(square));
  grid.className = "grid";
  byId("scenarios").append(made("h2", scenario, made("small", `${own.length} seeds, ${broken} broken`)), grid);
}
if (BROKEN.length) {
  const head = made("tr", "", ...["seed", "scenario", "what broke", "steps", "again"].map((name) => made("th", name)));
  byId("findings").append(made("h2", "what broke"), made("table", "", made("thead", "", head), made("tbody", "", ...BROKEN.slice(0, 500).map(row))));
}
document.documentElement.dataset.drawn = JSON.stringify({squares: document.querySelectorAll(".grid > *").length, broken: BROKEN.length});
