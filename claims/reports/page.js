// Search and filters: a claim is shown if it has every word of the search and fits every choice.
const form = document.querySelector("#filters");
const claims = [...document.querySelectorAll("[data-claim]")];
const groups = [...document.querySelectorAll(".subject, main > section")];

function fits(claim, asked) {
  const words = asked.get("text").toLowerCase().split(/\s+/);
  const has = (name) => !asked.get(name) || claim.dataset[name].split("|").includes(asked.get(name));
  return words.every((word) => claim.dataset.text.includes(word)) && ["subject", "papers", "verdict"].every(has);
}

function update() {
  const asked = new FormData(form);
  for (const claim of claims) claim.hidden = !fits(claim, asked);
  for (const group of groups) group.hidden = !group.querySelector("[data-claim]:not([hidden])");
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
