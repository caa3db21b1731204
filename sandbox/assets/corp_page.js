// What the pages of the corp share: bar, drawer, loading again when something has changed, lines of a chat.

import { load } from "./api.js";
import { drawBar } from "./bar.js";
import { drawBody } from "./bubbles.js";
import { separator, setClock } from "./clock.js";
import { avatar, h } from "./dom.js";
import { drawDrawer } from "./drawer.js";
import { connect, on } from "./store.js";

const SETTLE_MILLISECONDS = 120;
const QUIET_SECONDS = 300;
export const MOODS = {
  manual: "由我操作", prompt: "很快确认", late: "拖几小时", never: "从不确认", vanish: "中途离职", mixed: "随机（按种子）",
};

/** Start a page: `draw` is called at first and after every change, never twice at once. */
export function startPage(draw) {
  drawBar(document.getElementById("bar"), false);
  let timer = 0;
  let running = Promise.resolve();
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // A menu that stands open would vanish under the finger.
      if (document.querySelector("#corp details.menu[open]")) {
        again();
        return;
      }
      // Whatever goes wrong, the next change draws again; the console keeps the reason.
      running = running.then(draw).catch((problem) => console.error(problem));
    }, SETTLE_MILLISECONDS);
  };
  on("ready", () => {
    drawDrawer(document.getElementById("drawer"));
    again();
  });
  for (const kind of ["corp", "clock", "customer", "refreshed"]) on(kind, again);
  connect();
  return again;
}

export async function read(path) {
  const found = await load(path);
  if (found.clock) setClock(found.clock);
  return found;
}

/** The lines of a chat as seen by `me`; `names` by id. */
export function drawLines(lines, names, me) {
  const drawn = [];
  let last = -Infinity;
  for (const line of lines) {
    if (line.at - last > QUIET_SECONDS) drawn.push(h("p", { class: "when", text: separator(line.at) }));
    last = line.at;
    drawn.push(drawLine(line, names[line.by] ?? line.by, line.by === me));
  }
  return drawn;
}

const VIAS = { mass: "群发", sidebar: "侧边栏", welcome: "欢迎语" };

function drawLine(line, name, own) {
  if (line.via === "notice") return h("p", { class: "notice", text: line.body.content });
  const via = VIAS[line.via] && h("span", { class: "via", text: VIAS[line.via] });
  const speaker = h("span", { class: "speaker" }, own ? "" : name, via);
  const content = h("div", { class: "content" }, (via || !own) && speaker, drawBody(line.msgtype, line.body));
  return h("div", { class: `row ${own ? "own" : "other"}`, role: "group", "aria-label": name }, avatar(name, colourOf(line.by)), content);
}

const COLOURS = ["#5b8ff9", "#61b15a", "#f6a623", "#e8684a", "#6dc8ec", "#9270ca", "#ff9d4d", "#269a99"];

export function colourOf(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return COLOURS[sum % COLOURS.length];
}

/** A field with a button; `submit(content)` returns null when it was refused, and the words stay. */
export function composer(label, submit) {
  const field = h("textarea", { rows: "1", placeholder: `${label}，Enter 发送`, "aria-label": label });
  const form = h("form", { class: "reply" }, field, h("button", { type: "submit", class: "primary", text: "发送" }));
  const send = async () => {
    const content = field.value.trim();
    if (!content) return;
    field.value = "";
    if ((await submit(content)) === null) field.value = content;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  return form;
}

/** Put new children into a thread and stay at its end when the reader was there. */
export function fill(thread, children) {
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80 || !thread.childElementCount;
  thread.replaceChildren(...children);
  if (atEnd) thread.scrollTop = thread.scrollHeight;
}
