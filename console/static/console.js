// Small conveniences of the pages. Everything works without this file; nothing here decides anything.

const TICK_MS = 2000;

// Parts marked as live ask for their successor on every tick (htmx), but only while somebody looks.
setInterval(() => {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("tick"));
}, TICK_MS);

// Details a reader opened stay open when their part renews itself.
let open = new Set();
document.body.addEventListener("htmx:beforeSwap", () => {
  open = new Set([...document.querySelectorAll("details[id][open]")].map((one) => one.id));
});
document.body.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});

// Tell when the server cannot be reached, and take it back when it can.
const offline = document.getElementById("offline");
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.body.addEventListener(name, () => { if (offline) offline.hidden = false; });
}
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (offline && event.detail.successful) offline.hidden = true;
});

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.matches("[data-submit]")) field.form.requestSubmit();
  if (field.matches("[data-all]")) {
    for (const box of field.form.querySelectorAll(`input[name="${field.dataset.all}"]`)) box.checked = field.checked;
  }
});

// A click anywhere in a row follows its link; selecting text or clicking a control does not.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (row && !event.target.closest("a, button, input, label") && !getSelection().toString()) {
    location.assign(row.dataset.href);
  }
});

// The second press of a hurried finger must not send a form twice.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
  setTimeout(() => delete event.target.dataset.sent, 5000);
});
