// Show of each figure the state at which its settings stand.
const place = number => {
  const box = document.querySelector(`[data-setting="${number}"]`);
  return Number(box.querySelector("input[type=range], input:checked").value);
};
document.querySelectorAll("[data-places]").forEach(async block => {
  const packed = Uint8Array.from(atob(block.querySelector("script").textContent), one => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const states = JSON.parse(await new Response(stream).text()), places = JSON.parse(block.dataset.places);
  const show = () => {
    const open = [...block.querySelectorAll("details")].map(one => one.open);
    block.firstElementChild.innerHTML = states[places.reduce((sum, [one, many]) => sum * many + place(one), 0)];
    block.querySelectorAll("details").forEach((one, index) => { one.open = open[index]; });
  };
  for (const [one] of places) document.querySelector(`[data-setting="${one}"]`).addEventListener("input", show);
  show();
});
document.querySelectorAll("input[type=range]").forEach(slider => slider.addEventListener("input", () => {
  const said = slider.dataset.said.split("|")[slider.value];
  slider.setAttribute("aria-valuetext", said);
  slider.closest("[data-setting]").querySelector("output").textContent = said;
}));
// On paper derivations are unfolded, and answers are not.
addEventListener("beforeprint", () => document.querySelectorAll("details.derivation").forEach(one => { one.open = true; }));
