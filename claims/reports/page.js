// Search and filters: a claim is shown if it has every word of the search and fits every choice. A number belongs to the
// word before it, so that "theorem 2" is one.
const form = document.querySelector("#filters");
const claims = [...document.querySelectorAll("[data-claim]")];
const groups = [...document.querySelectorAll(".subject, #papers, #papers > details, main > section")];
const FEW = 30; // items of papers that are shown unfolded

let unfolded = false; // by a search, whose end folds them again

function fits(claim, asked) {
  const text = asked.get("text").toLowerCase().replace(/\beqs?\b\.?/g, "equation");
  const words = text.match(/\S+(\s+[\d.]+(?!\S))?/g) ?? [];
  const has = (name) => !asked.get(name) || claim.dataset[name].split("|").includes(asked.get(name));
  return words.every((word) => claim.dataset.text.includes(word)) && ["subject", "papers", "verdict"].every(has);
}

function update() {
  const asked = new FormData(form);
  for (const claim of claims) claim.hidden = !fits(claim, asked);
  for (const group of groups) group.hidden = !group.querySelector("[data-claim]:not([hidden])");
  const papers = [...document.querySelectorAll("#papers > details")];
  const few = papers.flatMap((paper) => [...paper.querySelectorAll("li:not([hidden])")]).length <= FEW;
  if (asked.get("text") || unfolded) for (const paper of papers) paper.open = few;
  unfolded = Boolean(asked.get("text"));
  const cards = document.querySelectorAll("article");
  const shown = [...cards].filter((card) => !card.hidden).length;
  form.querySelector("output").textContent = shown ? `${shown} of ${cards.length} claims` : "No claim fits.";
}

form.hidden = false;
form.addEventListener("input", update);
form.addEventListener("reset", () => setTimeout(update));
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("pageshow", update); // a browser that goes back fills the form again

// For browsers that do not open folded parts in print by style alone.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));
