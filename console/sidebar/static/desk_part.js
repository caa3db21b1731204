// The part of the page that changes: what was said last, the suggestions, who else waits. The server renders it.

import { part } from "./server.js";
import { mark, refresh } from "./desk_editor.js";
import { QUERY, renew, shown, state, tell, toast } from "./desk_page.js";
import { nameActs } from "./desk_place.js";

const NEAR_PX = 60;
let marked = "";
let looking = null;
let isOver = false;
let again = false;

/** Fetch the part; while one is under way, once more afterwards. `waits`: suggestions come by themselves. */
export async function look(waits = false) {
  if (isOver) return;
  if (looking) {
    again = true;
    return;
  }
  looking = fetchPart(waits).finally(() => {
    looking = null;
    if (again) {
      again = false;
      look();
    }
  });
}

async function fetchPart(waits) {
  try {
    const url = `${shown.dataset.url}${marked ? `&mark=${marked}` : ""}${waits ? "&wait=1" : ""}`;
    const { status, html, mark: newMark } = await part(url);
    document.getElementById("offline").hidden = true;
    if (status === 401) renew();
    if (status === 404) ended();
    if (status === 200) show(html, newMark);
  } catch {
    document.getElementById("offline").hidden = false;
  }
}

function show(html, newMark) {
  const open = [...shown.querySelectorAll("details[id][open]")].map((one) => one.id);
  const focused = document.activeElement?.closest("[data-suggestion]")?.dataset.suggestion;
  const isAtEnd = atNewest();
  const before = document.getElementById("lines")?.scrollTop ?? 0;
  marked = newMark;
  shown.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) shown.querySelector(`[data-suggestion="${focused}"] .offer-text`)?.focus({ preventScroll: true });
  mark();
  nameActs();
  // Whoever reads further up stays there.
  if (isAtEnd) toNewest();
  else document.getElementById("lines")?.scrollTo(0, before);
}

/** Nobody speaks here any more. */
export function ended(why = "会话已经结束，或转给了别的同事。") {
  isOver = true;
  state.canSend = false;
  tell(why, "warn");
  refresh();
}

function atNewest() {
  const lines = document.getElementById("lines");
  return !lines || lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PX;
}

export function toNewest() {
  const lines = document.getElementById("lines");
  if (lines) lines.scrollTop = lines.scrollHeight;
}

document.getElementById("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = document.getElementById("asked");
  const find = document.getElementById("find");
  if (!asked.value.trim()) {
    asked.focus();
    return;
  }
  find.disabled = true;
  find.textContent = "正在找…";
  try {
    const { status, html, mark: newMark } = await part(`/sidebar/customer/ask?${QUERY}`, { asked: asked.value });
    if (status === 401) location.reload();
    if (status === 200) {
      show(html, newMark);
      document.getElementById("round")?.scrollIntoView({ block: "start" });
    }
  } catch {
    toast("网络不通，请稍后再试。");
  }
  find.disabled = false;
  find.textContent = "找建议";
});
