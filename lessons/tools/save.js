// A button below a figure saves it: the picture of the page, between what Python wrote for before and behind it.
document.addEventListener("click", event => {
  const button = event.target.closest?.("[data-save]");
  if (!button) return;
  const [head, picture] = button.closest("figure").querySelector("img").src.split(/,(.*)/s);
  const bytes = () => Uint8Array.from(atob(picture), one => one.charCodeAt(0));
  const svg = head.endsWith("base64") ? new TextDecoder().decode(bytes()) : decodeURIComponent(picture);
  const whole = [button.dataset.before, svg.slice(svg.indexOf("<svg")), button.dataset.after];
  const href = URL.createObjectURL(new Blob(whole, { type: "image/svg+xml" }));
  Object.assign(document.createElement("a"), { href, download: button.dataset.save }).click();
});
