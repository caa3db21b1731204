// The editor: says that something is not stored yet, and stores it with Ctrl+S. Everything works without this file.

const form = document.querySelector("form[data-guard]");
const note = form?.querySelector("[data-unsaved]");
let isChanged = false;

form?.addEventListener("input", () => {
  isChanged = true;
  note.hidden = false;
});
form?.addEventListener("submit", () => { isChanged = false; });

addEventListener("beforeunload", (event) => {
  if (isChanged) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (form && event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
