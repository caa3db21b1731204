// Elements without markup: everything a person typed becomes text, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `props`: class, text, on{event}, style entries as `css`, everything else an attribute. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name === "css") Object.assign(element.style, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A round-cornered avatar: a colour with the last character of the name, or one or two characters as given. */
export function avatar(name, look = "", className = "avatar") {
  const isColour = look.startsWith("#");
  const element = h("span", { class: className, "aria-hidden": "true", text: isColour || !look ? name.slice(0, 1) : look });
  element.style.backgroundColor = isColour ? look : "#7d90a9";
  return element;
}

export function accountAvatar(className = "avatar account") {
  return h("span", { class: className, "aria-hidden": "true" }, icon("headset"));
}

/** A <details> menu that closes by itself. `entries`: {label, act, danger, pressed}. */
export function menu(label, face, entries, className = "menu") {
  const list = h("div", { class: "menu-list", role: "menu" });
  const details = h("details", { class: className }, h("summary", { "aria-label": label, title: label }, face), list);
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    list.replaceChildren(
      ...entries().map((entry) =>
        h("button", {
          type: "button",
          role: "menuitem",
          class: entry.danger ? "danger" : "",
          text: entry.label,
          onclick: () => {
            details.open = false;
            entry.act();
          },
        }),
      ),
    );
  });
  return details;
}

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.menu[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.menu[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

export function toast(message, kind = "") {
  const element = h("div", { class: `toast ${kind}`, text: message });
  const shelf = document.getElementById("toasts");
  shelf.append(element);
  while (shelf.children.length > 3) shelf.firstChild.remove();
  setTimeout(() => element.remove(), kind === "error" ? 6000 : 3000);
}

/** Show a modal dialog and remove it when closed. */
export function showDialog(title, content) {
  const dialog = h("dialog", { class: "dialog", "aria-label": title });
  const close = h("button", { class: "plain", type: "button", "aria-label": "关闭", onclick: () => dialog.close() }, icon("close"));
  dialog.append(h("header", {}, h("h2", { text: title }), close), content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
