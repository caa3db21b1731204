// Small conveniences of the phone pages: parts that renew themselves, copying, words that are kept. Nothing here decides
// anything, and apart from copying everything works without this file.

const TICK_MS = 4000;

setInterval(() => {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("tick"));
}, TICK_MS);
// Back from the chat: what stands here may be old.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") document.body.dispatchEvent(new Event("tick"));
});

addEventListener("online", () => document.body.dispatchEvent(new Event("tick")));

// Details that were opened stay open when their part renews itself.
let open = new Set();
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // Nobody's words are taken away while they are being written.
  if (event.detail.target?.contains(document.activeElement) && document.activeElement.matches("textarea, input")) event.detail.shouldSwap = false;
  open = new Set([...document.querySelectorAll("details[id][open]")].map((one) => one.id));
});
document.body.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});

// A step that moved on elsewhere has other buttons; nobody who is typing is disturbed.
const moved = document.getElementById("lead")?.dataset.state;
document.body.addEventListener("htmx:afterSwap", () => {
  const state = document.getElementById("lead")?.dataset.state;
  const is_busy = document.querySelector("details.drawer[open]") || document.getElementById("send")?.dataset.busy;
  if (state && state !== moved && !is_busy) location.reload();
});

// Tell when the server cannot be reached, and take it back when it can.
const offline = document.getElementById("offline");
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.body.addEventListener(name, () => { offline.hidden = false; });
}
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) offline.hidden = true;
});

/** Say a few words at the edge of the page for a moment. */
let fading = 0;
export function say(words) {
  const toast = document.getElementById("toast");
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.hidden = true; }, 3000);
}
document.addEventListener("say", (event) => say(event.detail));

// Copying: the clipboard where the client allows it, else the old way by a selection.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  say((await isCopied(source)) ? "已复制，去群里粘贴" : "复制不了，请长按文字自己选");
});

async function isCopied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

// The second press of a hurried finger must not send a form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  form.querySelector("button:not([name])")?.setAttribute("aria-busy", "true");
  setTimeout(() => {
    delete form.dataset.sent;
    form.querySelector("button")?.removeAttribute("aria-busy");
  }, 5000);
});
// Back by the history: the form may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Words somebody wrote are kept in this tab until the server has taken them.
const draft = `draft:${document.body.dataset.viewer} ${location.pathname}`;
const keptFields = (root) => [...root.querySelectorAll("[data-keep]")];
document.addEventListener("submit", (event) => {
  const words = keptFields(event.target).filter((field) => field.value.trim()).map((field) => [field.dataset.keep, field.value]);
  if (words.length) sessionStorage.setItem(draft, JSON.stringify(Object.fromEntries(words)));
});
// What the way through the platform's login leaves behind.
if (location.hash === "#wechat_redirect") history.replaceState(null, "", location.pathname + location.search);

const query = new URLSearchParams(location.search);
if (query.has("done")) {
  sessionStorage.removeItem(draft);
  // A reload shall not tell the same once more.
  query.delete("done");
  const rest = query.toString();
  history.replaceState(null, "", location.pathname + (rest ? `?${rest}` : ""));
} else {
  const words = JSON.parse(sessionStorage.getItem(draft) ?? "{}");
  for (const field of keptFields(document)) {
    if (field.value || !words[field.dataset.keep]) continue;
    field.value = words[field.dataset.keep];
    field.closest("details")?.setAttribute("open", "");
  }
}
