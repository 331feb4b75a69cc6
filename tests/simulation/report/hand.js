// A hand on the page: presses, turns and points, and leaves what it saw on the body.

addEventListener("load", () => {
  const diagram = document.getElementById("diagram"), box = diagram.getBoundingClientRect();
  const pointer = (type, x, y, more = {}) => diagram.dispatchEvent(new PointerEvent(type, {
    bubbles: true, cancelable: true, pointerId: 1, clientX: box.left + x, clientY: box.top + y, ...more}));
  const said = (name, value) => document.body.setAttribute(`data-${name}`, value);
  const messages = () => JSON.parse(document.documentElement.dataset.drawn).messages;
  const key = (name) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const text = (id) => document.getElementById(id).textContent;
  diagram.setPointerCapture = () => {};
  const steps = [
    () => { key("+"); key("+"); key("+"); },
    () => { said("keyed", messages()); key("0"); },
    () => {
      said("whole", messages());
      diagram.dispatchEvent(new WheelEvent("wheel", {deltaY: -900, clientX: box.left + 200, clientY: box.top + 60, cancelable: true}));
    },
    () => { said("wheeled", messages()); document.querySelector("#violations button").click(); },
    () => { said("jumped", JSON.parse(document.documentElement.dataset.drawn).violations + text("detail")); key("0"); },
    () => {
      for (let y = 100; y < box.height && !text("tip").startsWith("Append"); y += 3) pointer("pointermove", 300, y);
      said("tip", text("tip"));
    },
    () => {
      const input = document.getElementById("by-text");
      input.value = "CANDIDATE";
      input.dispatchEvent(new Event("input"));
      said("found", text("count") + " " + text("space"));
    },
  ];
  const next = () => { const step = steps.shift(); if (step) { step(); setTimeout(next, 40); } };
  setTimeout(next, 40);
});
