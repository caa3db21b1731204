// The editor: its words, where they come from and what may be done with them.

import { watchWords } from "./desk_verdict.js";
import { button, customer, desk, shown, state, words } from "./desk_page.js";

const DRAFT = `desk:${document.body.dataset.viewer}:${customer}`;
const LONG = 500;
const count = document.getElementById("count");
const EMPTY = { suggestion: "", line: "", phrase: "", phraseText: "" };

// What the words came from: a suggestion, what it is about, a quick phrase and its words.
export const draft = { ...EMPTY };

export const verdict = watchWords(words, {
  about: () => ({ suggestion: draft.suggestion, phrase: draft.phrase, conversation: desk.dataset.talk, recipient: customer }),
  changed: refresh,
  take: (text) => put(text, { suggestion: draft.suggestion, line: draft.line }),
});

export function refresh() {
  const text = words.value.trim();
  count.textContent = text.length >= LONG ? `${text.length} 字` : "";
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight + 2, innerHeight * 0.34)}px`;
  button.disabled = !text || !state.canSend || state.busy || verdict.isBlocked();
  document.getElementById("copy").disabled = !text || state.busy || verdict.isBlocked();
  if (text) sessionStorage.setItem(DRAFT, JSON.stringify({ text: words.value, ...draft }));
  else sessionStorage.removeItem(DRAFT);
}

export function put(text, { suggestion = "", line = "", phrase = "", phraseText = phrase && text } = {}) {
  words.value = text;
  Object.assign(draft, { suggestion, line, phrase, phraseText });
  mark();
  words.focus();
  words.setSelectionRange(text.length, text.length);
  words.scrollTop = 0;
  verdict.look();
  refresh();
}

/** Put a quick phrase in, below what stands there. `line`: what it is about; `phrase`: its id. */
export function addPhrase(text, line, phrase = "") {
  const before = words.value.trimEnd();
  if (!before) put(text, { line, phrase });
  // Words about two things are about neither.
  else put(`${before}\n${text}`, { suggestion: draft.suggestion, line: line === draft.line ? line : "" });
}

export function clear() {
  words.value = "";
  Object.assign(draft, EMPTY);
  mark();
  verdict.look();
  refresh();
}

export function mark() {
  for (const one of shown.querySelectorAll("[data-suggestion]")) {
    one.classList.toggle("is-chosen", one.dataset.suggestion === draft.suggestion && draft.suggestion !== "");
  }
}

/** What would be sent now; `phrase` only while its words stand unchanged. */
export function fieldsOf() {
  const fields = { text: words.value, suggestion: draft.suggestion, line: draft.line };
  const is_phrase = draft.phrase && words.value.trim() === draft.phraseText.trim();
  return is_phrase ? { ...fields, phrase: draft.phrase } : fields;
}

/** Put back what this tab held before it was loaded again. */
export function restore() {
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
  if (kept?.text) put(kept.text, kept);
  words.blur();
}

words.addEventListener("input", () => {
  if (!words.value.trim()) Object.assign(draft, EMPTY);
  mark();
  refresh();
});
