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

// A form that asks for another view dims what is still the old one.
document.addEventListener("submit", (event) => {
  if (event.target.method === "get") document.getElementById("main")?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => document.getElementById("main")?.removeAttribute("aria-busy"));

// The second press of a hurried finger must not send a form twice.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
  setTimeout(() => delete event.target.dataset.sent, 5000);
});

// Words somebody wrote are kept in this tab until the server has taken them: after a login that ran out, or a mistake,
// they stand in their field again. A field says data-keep; its value tells fields of one name on one page apart.
const DRAFTS = `draft:${document.body.dataset.viewer} `;
const draft = DRAFTS + location.pathname;
const keptFields = (root) => [...root.querySelectorAll("[data-keep]")];
const keptName = (field) => `${field.name} ${field.dataset.keep}`;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if ((event.submitter?.formAction ?? form.action).includes("/console/logout")) {
    Object.keys(sessionStorage).filter((key) => key.startsWith("draft:")).forEach((key) => sessionStorage.removeItem(key));
    return;
  }
  const words = keptFields(form).filter((field) => field.value.trim()).map((field) => [keptName(field), field.value]);
  if (words.length) sessionStorage.setItem(draft, JSON.stringify(Object.fromEntries(words)));
});

const query = new URLSearchParams(location.search);
if (query.has("done")) {
  sessionStorage.removeItem(draft);
} else {
  const words = JSON.parse(sessionStorage.getItem(draft) ?? "{}");
  for (const field of keptFields(document)) {
    if (field.value || !words[keptName(field)]) continue;
    field.value = words[keptName(field)];
    field.closest("details")?.setAttribute("open", "");
    const note = document.createElement("p");
    note.className = "faint small";
    note.textContent = "这段文字刚才没有提交成功，已为你保留。";
    field.after(note);
  }
}
