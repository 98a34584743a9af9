// A student's answers are kept in this browser, and entered again when the lesson is opened again.
const PLACE = `fathom ${location.pathname}`;
const kept = () => JSON.parse(localStorage.getItem(PLACE) ?? "{}");
const TRIES = 200, PAUSE = 300;

// Elements of marimo live in shadow roots, beside copies in the page that nobody sees.
const parts = root => [...(root.shadowRoot?.childElementCount ? root.shadowRoot : root).children];
const find = (root, wanted) => [
  ...(root.matches?.(wanted) ? [root] : []), ...parts(root).flatMap(one => find(one, wanted)),
];
const key = element => find(element, "[data-kept]")[0]?.dataset.kept;

// What is kept: the text of a field, the place of a choice, or that a figure was asked for.
const entered = form => {
  const choices = find(form, "[role=radio]");
  return choices.length ? choices.findIndex(one => one.ariaChecked === "true") : find(form, "input")[0].value;
};
const enter = (form, answer) => {
  const choice = find(form, "[role=radio]")[answer], [field] = find(form, "input");
  if (choice) return choice.click();
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, answer); // React sees this
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const keep = ({ detail: { element } }) => {
  const isForm = element.localName === "marimo-form";
  if (!key(element) || !(isForm || element.localName === "marimo-button")) return;
  const answer = isForm ? entered(element) : true, nothing = answer === "" || answer === -1;
  localStorage.setItem(PLACE, JSON.stringify({ ...kept(), [key(element)]: nothing ? undefined : answer }));
};
const restore = (left, tries) => {
  for (const element of find(document.body, "marimo-form, marimo-button")) {
    const answer = left[key(element)];
    if (answer === undefined) continue;
    if (element.localName === "marimo-form" && entered(element) !== answer) { enter(element, answer); continue; }
    find(element, "button[type=submit]")[0].click(); // a field that was filled the last time has told marimo by now
    delete left[key(element)];
  }
  if (Object.keys(left).length && tries) setTimeout(() => restore(left, tries - 1), PAUSE);
};

if (new URLSearchParams(location.search).get("teach") !== "1") {
  document.addEventListener("marimo-value-input", keep);
  document.addEventListener("click", event => {
    if (!event.target.closest?.("[data-forget]")) return;
    localStorage.removeItem(PLACE);
    location.reload();
  });
  restore(kept(), TRIES);
}
