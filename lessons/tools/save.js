// A link below a figure saves it: the picture of the page between what Python wrote for before and behind it.
document.addEventListener("click", event => {
  const link = event.target.closest?.("a.save");
  if (!link) return;
  const [head, picture] = link.closest("figure").querySelector("img").src.split(/,(.*)/s);
  const bytes = () => Uint8Array.from(atob(picture), one => one.charCodeAt(0));
  const svg = head.endsWith("base64") ? new TextDecoder().decode(bytes()) : decodeURIComponent(picture);
  const whole = [link.dataset.before, svg.slice(svg.indexOf("<svg")), link.dataset.after];
  link.href = URL.createObjectURL(new Blob(whole, { type: "image/svg+xml" }));
});
