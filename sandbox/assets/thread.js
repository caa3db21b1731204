// The scrolling list of a chat, for a customer's phone or a servicer's window.

import { drawBubble } from "./bubbles.js";
import { hourMinute, separator } from "./clock.js";
import { h } from "./dom.js";
import { keyOf, on, state } from "./store.js";

const GAP_SECONDS = 300;

/** A live thread of one chat. `empty`: what to show when nothing was said yet. Call stop() when it goes. */
export function thread(chatKey, side, { empty, onDraw } = {}) {
  const list = h("div", { class: "thread", role: "log", "aria-live": "polite", "aria-label": "聊天记录", tabindex: "0" });
  let lastAt = 0;

  const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < 120;
  const toEnd = () => {
    list.scrollTop = list.scrollHeight;
    pinned = true;
  };
  // The list shrinks and grows with what stands above it; whoever read the newest words goes on reading them.
  let pinned = true;
  list.addEventListener("scroll", () => { pinned = atEnd(); });
  const resized = new ResizeObserver(() => pinned && toEnd());
  resized.observe(list);

  function append(open, bubble, fresh) {
    if (bubble.at - lastAt > GAP_SECONDS) {
      list.append(h("time", { class: "when", text: separator(bubble.at), datetime: new Date(bubble.at * 1000).toISOString() }));
    }
    lastAt = bubble.at;
    const element = drawBubble(bubble, open.chat, side);
    if (fresh) element.classList.add("fresh");
    element.title = bubble.via === "notice" ? "" : hourMinute(bubble.at);
    list.append(element);
    onDraw?.(element, bubble);
    for (const picture of element.querySelectorAll("img")) picture.addEventListener("load", () => atEnd() && toEnd());
  }

  function drawAll() {
    const open = state.chats.get(chatKey);
    lastAt = 0;
    list.replaceChildren();
    if (!open) return;
    if (open.total > open.bubbles.length && open.bubbles.length >= 200) {
      list.append(h("p", { class: "notice", text: "只显示最近 200 条" }));
    }
    for (const bubble of open.bubbles) append(open, bubble, false);
    if (open.bubbles.length === 0 && empty) list.append(empty());
    toEnd();
    requestAnimationFrame(toEnd);
  }

  const stops = [
    on("bubble", (change) => {
      if (keyOf(change) !== chatKey) return;
      list.querySelector(".empty")?.remove();
      const follow = side === "servicer" || pinned || atEnd() || change.bubble.via === (side === "customer" ? "customer" : "servicer");
      append(state.chats.get(chatKey), change.bubble, true);
      if (follow) toEnd();
    }),
    on("clock", () => {
      // A day may have passed: 21:30 becomes 昨天 21:30.
      for (const when of list.querySelectorAll(".when")) {
        const words = separator(Date.parse(when.dateTime) / 1000);
        if (when.textContent !== words) when.textContent = words;
      }
    }),
    on("recalled", (change) => keyOf(change) === chatKey && drawAll()),
    on("loaded", (change) => keyOf(change) === chatKey && drawAll()),
  ];
  drawAll();
  return { element: list, redraw: drawAll, toEnd, stop: () => [...stops, () => resized.disconnect()].forEach((stop) => stop()) };
}
