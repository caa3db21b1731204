// The small menu over a message: copy, recall. By right click, long press, or Enter on a focused message.

import { act } from "./api.js";
import { h, toast } from "./dom.js";

const LONG_PRESS_MILLISECONDS = 500;
let open = null;

export function closeContext() {
  open?.remove();
  open = null;
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.contains(event.target)) closeContext();
});
document.addEventListener("keydown", (event) => event.key === "Escape" && closeContext());
window.addEventListener("blur", closeContext);

/** Give a message element its menu. `recall`: what to post to take it back, or null when it is another's. */
export function addContext(element, bubble, recall) {
  const content = element.querySelector(".content");
  if (!content || bubble.recalled) return;
  content.tabIndex = 0;
  const show = (x, y) => showContext(x, y, bubble, recall, content);
  content.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const box = content.getBoundingClientRect();
    show(event.clientX || box.left + 20, event.clientY || box.top + 20);
  });
  content.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target !== content) return;
    const box = content.getBoundingClientRect();
    show(box.left + 20, box.top + 20);
  });
  let timer = 0;
  content.addEventListener("touchstart", (event) => {
    const { clientX, clientY } = event.touches[0];
    timer = setTimeout(() => show(clientX, clientY), LONG_PRESS_MILLISECONDS);
  }, { passive: true });
  for (const name of ["touchend", "touchmove", "touchcancel"]) content.addEventListener(name, () => clearTimeout(timer), { passive: true });
}

function showContext(x, y, bubble, recall, origin) {
  closeContext();
  const entries = [];
  const words = bubble.body.content ?? bubble.body.head_content;
  if (words) entries.push(["复制", () => copy(words)]);
  if (recall) entries.push(["撤回", () => act(recall.path, recall.body)]);
  if (!entries.length) return;
  open = h(
    "div",
    { class: "context", role: "menu" },
    entries.map(([label, run]) =>
      h("button", {
        type: "button",
        role: "menuitem",
        text: label,
        onclick: () => {
          closeContext();
          origin.focus();
          run();
        },
      }),
    ),
  );
  document.body.append(open);
  open.style.left = `${Math.min(x, innerWidth - open.offsetWidth - 8)}px`;
  open.style.top = `${Math.max(8, y - open.offsetHeight - 8)}px`;
  open.querySelector("button").focus({ preventScroll: true });
}

async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    toast("已复制");
  } catch {
    toast("浏览器不允许复制", "error");
  }
}
