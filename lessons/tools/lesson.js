// What is done in the browser alone: answers kept over a reload, and the keys of a teacher in front of a class.
const parts = root => [...(root.shadowRoot?.childElementCount ? root.shadowRoot : root).children];
const find = (root, wanted) => [
  ...(root.matches?.(wanted) ? [root] : []), ...parts(root).flatMap(one => find(one, wanted)),
];
const teaching = new URLSearchParams(location.search).get("teach") === "1";
const PLACE = `fathom ${location.pathname}`;
const kept = () => JSON.parse(localStorage.getItem(PLACE) ?? "{}");

// A student's answers: the text of a field, the place of a choice, or that the figure was asked for.
const entered = form => {
  const choices = find(form, "[role=radio]");
  return choices.length ? choices.findIndex(one => one.ariaChecked === "true") : find(form, "input")[0].value;
};
const enter = (form, answer) => {
  const choice = find(form, "[role=radio]")[answer], field = find(form, "input")[0];
  if (choice) return choice.click();
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, answer);
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const keep = element => {
  const [mark] = find(element, "[data-kept]");
  if (!mark) return;
  const answer = element.localName === "marimo-form" ? entered(element) : true;
  localStorage.setItem(PLACE, JSON.stringify({ ...kept(), [mark.dataset.kept]: answer }));
};
const restore = () => {
  const left = kept();
  const look = () => {
    for (const element of find(document.body, "marimo-form, marimo-button")) {
      const key = find(element, "[data-kept]")[0]?.dataset.kept, answer = left[key];
      if (answer === undefined) continue;
      if (element.localName === "marimo-form" && entered(element) !== answer) { enter(element, answer); continue; }
      find(element, "button[type=submit]")[0].click();
      delete left[key];
    }
    if (Object.keys(left).length) setTimeout(look, 300);
  };
  look();
};
if (!teaching) {
  document.addEventListener("marimo-value-input", event => {
    if (["marimo-form", "marimo-button"].includes(event.detail.element.localName)) keep(event.detail.element);
  });
  document.addEventListener("click", event => {
    if (!event.target.closest?.("[data-forget]")) return;
    localStorage.removeItem(PLACE);
    location.reload();
  });
  addEventListener("load", restore);
}

// A teacher's keys: from question to figure to question, the answer, the full screen.
const cells = () => [...document.querySelectorAll(".marimo-cell")].filter(one => one.textContent);
const sliders = cell => {
  const before = cell.previousElementSibling;
  return before?.querySelector("marimo-slider, marimo-radio") && !before.querySelector("marimo-form") ? before : null;
};
const figures = () => cells().filter(one => one.querySelector("figure"));
const stops = () => {
  const shown = figures().map(one => sliders(one) ?? one);
  return cells().filter(one => shown.includes(one) || one.querySelector("h1, h2"));
};
const go = step => {
  const staged = document.querySelector("[data-staged=figure]");
  if (staged) {
    const all = figures(), next = all[all.indexOf(staged) + step];
    return next && fill(next);
  }
  const tops = stops().map(one => [one, one.getBoundingClientRect().top - 16]);
  const [next] = (step > 0 ? tops.find(([, top]) => top > 8) : tops.findLast(([, top]) => top < -8)) ?? [];
  next?.scrollIntoView();
};
const leave = () => {
  const staged = document.querySelector("[data-staged=figure]");
  document.querySelectorAll("[data-stage], [data-staged]").forEach(one => { delete one.dataset.stage; delete one.dataset.staged; });
  if (document.fullscreenElement) document.exitFullscreen();
  if (staged) (sliders(staged) ?? staged).scrollIntoView();
};
const fill = cell => {
  leave();
  cell.parentElement.dataset.stage = "";
  cell.dataset.staged = "figure";
  if (sliders(cell)) sliders(cell).dataset.staged = "sliders";
  document.documentElement.requestFullscreen?.().catch(() => {});
};
const here = all => all.find(one => one.getBoundingClientRect().bottom > innerHeight / 3);
const answer = () => {
  const [start, end] = ["findLast", "find"].map((search, after) =>
    stops()[search](one => one.querySelector("h2") && (after ? one.getBoundingClientRect().top > 24 : one.getBoundingClientRect().top <= 24)));
  const folded = [...document.querySelectorAll("details.answer")].filter(one =>
    (!start || start.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) &&
    (!end || end.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING));
  const next = folded.find(one => !one.open);
  if (next) { next.open = true; next.scrollIntoView({ block: "nearest" }); }
  else folded.forEach(one => { one.open = false; });
};
if (teaching) {
  document.documentElement.dataset.teach = "";
  addEventListener("keydown", event => {
    const inside = event.composedPath().some(one => one.matches?.("input, textarea, [role=slider], [role=radio], [contenteditable]"));
    if (event.key === "Escape") return leave();
    if (inside || event.ctrlKey || event.altKey || event.metaKey) return;
    const does = {
      ArrowRight: () => go(1), ArrowLeft: () => go(-1), a: answer,
      f: () => (document.querySelector("[data-stage]") ? leave() : here(figures()) && fill(here(figures()))),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (does) { event.preventDefault(); does(); }
  });
  addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) leave(); });
  addEventListener("click", event => {
    const button = event.target.closest?.("[data-full]");
    if (button) fill(button.closest(".marimo-cell"));
  });
}
