// Quick phrases over the editor: a keystroke or a tap opens the list, words, pinyin or its initials narrow it.

import { part } from "./server.js";

const WAIT_MS = 120;
const panel = document.getElementById("quick");
const field = document.getElementById("quick-words");
const list = document.getElementById("quick-list");
const opener = document.getElementById("open-quick");

/** `customer`: whose facts are filled in, "" for none; `take(text, line, id)`: what to do with the chosen phrase. Returns { open }. */
export function watchQuick(words, { customer, take }) {
  let number = 0;
  let timer = 0;

  async function find() {
    number += 1;
    const mine = number;
    try {
      const { status, html } = await part(`/sidebar/quick?q=${encodeURIComponent(field.value.trim())}${customer ? `&external_userid=${encodeURIComponent(customer)}` : ""}`);
      if (mine !== number) return;
      if (status === 401) location.reload();
      list.innerHTML = html;
      point(list.querySelector("[data-phrase]"));
    } catch {
      list.textContent = "网络不通，请稍后再试。";
    }
  }

  function point(one) {
    for (const each of list.querySelectorAll("[data-phrase]")) each.setAttribute("aria-selected", String(each === one));
    if (one) {
      field.setAttribute("aria-activedescendant", one.id);
      one.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }

  function open() {
    panel.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    field.value = "";
    field.focus();
    find();
  }

  function close(back = true) {
    panel.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (back) words.focus();
  }

  function choose(one) {
    if (!one) return;
    close(false);
    take(one.querySelector(".phrase-text").textContent, one.dataset.about, one.dataset.phrase);
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = [...list.querySelectorAll("[data-phrase]")];
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") point(all[Math.min(at + 1, all.length - 1)]);
    else if (event.key === "ArrowUp") point(all[Math.max(at - 1, 0)]);
    else if (event.key === "Enter") choose(all[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => choose(event.target.closest("[data-phrase]")));
  opener.addEventListener("click", () => (panel.hidden ? open() : close()));
  document.getElementById("quick-close").addEventListener("click", () => close());

  return { open };
}
