// The keys of a teacher in front of a class: from question to figure to question, the answer, the full screen.
const cells = () => [...document.querySelectorAll(".marimo-cell")].filter(one => one.textContent);
const figures = () => cells().filter(one => one.querySelector("figure"));
const top = one => one.getBoundingClientRect().top;

// The cell with the sliders of a figure, which stands before it.
const sliders = cell => {
  const before = cell.previousElementSibling;
  return before?.querySelector("marimo-slider, marimo-radio") && !before.querySelector("marimo-form") ? before : null;
};
const sections = () => cells().filter(one => one.querySelector("h1, h2"));
const stops = () => {
  const shown = figures().map(one => sliders(one) ?? one), begin = sections();
  return cells().filter(one => shown.includes(one) || begin.includes(one));
};

const staged = () => document.querySelector("[data-staged=figure]");
const unmark = () => {
  for (const one of document.querySelectorAll("[data-stage], [data-staged]")) {
    delete one.dataset.stage;
    delete one.dataset.staged;
  }
};
const fill = cell => {
  unmark();
  cell.parentElement.dataset.stage = "";
  cell.dataset.staged = "figure";
  if (sliders(cell)) sliders(cell).dataset.staged = "sliders";
  if (!document.fullscreenElement) document.documentElement.requestFullscreen().catch(() => {});
};
const leave = () => {
  const cell = staged();
  unmark();
  if (document.fullscreenElement) document.exitFullscreen();
  if (cell) (sliders(cell) ?? cell).scrollIntoView();
};

const go = step => {
  if (staged()) {
    const all = figures(), next = all[all.indexOf(staged()) + step];
    if (next) fill(next);
    return;
  }
  const near = 24;
  const all = stops(), next = step > 0 ? all.slice(1).find(one => top(one) > near) : all.findLast(one => top(one) < 0);
  next?.scrollIntoView();
};

// Open the next answer of the section on the screen; once all are open, fold them.
const answer = () => {
  const [here, next] = [sections().findLast(one => top(one) < innerHeight / 2), sections().find(one => top(one) >= innerHeight / 2)];
  const after = (one, other) => one && one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
  const folded = [...document.querySelectorAll("details.answer")].filter(one => after(here, one) && !after(next, one));
  const closed = folded.find(one => !one.open);
  if (!closed) return folded.forEach(one => { one.open = false; });
  closed.open = true;
  closed.scrollIntoView({ block: "nearest" });
};

const full = () => {
  const seen = figures().find(one => one.getBoundingClientRect().bottom > innerHeight / 3);
  if (staged()) leave();
  else if (seen) fill(seen);
};
const escape = path => (staged() ? leave() : path[0].blur?.());
const KEYS = { ArrowRight: () => go(1), ArrowLeft: () => go(-1), a: answer, f: full, Escape: escape };
const FIELDS = "input, textarea, [role=slider], [role=radio], [contenteditable]";

if (new URLSearchParams(location.search).get("teach") === "1") {
  document.documentElement.dataset.teach = "";
  addEventListener("keydown", event => {
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key, path = event.composedPath();
    const busy = event.ctrlKey || event.altKey || event.metaKey || path.some(one => one.matches?.(FIELDS));
    if (!KEYS[name] || (busy && name !== "Escape")) return;
    event.preventDefault();
    KEYS[name](path);
  });
  addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) leave(); });
  addEventListener("click", event => {
    const button = event.target.closest?.("[data-full]");
    if (button) staged() ? leave() : fill(button.closest(".marimo-cell"));
  });
}
