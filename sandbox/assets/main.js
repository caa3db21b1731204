// Puts the page together.

import { h } from "./dom.js";
import { drawBar } from "./bar.js";
import { drawDrawer } from "./drawer.js";
import { drawPhones } from "./phones.js";
import { drawServicers } from "./servicers.js";
import { connect, on, state } from "./store.js";

drawBar(document.getElementById("bar"));
on("ready", () => {
  document.getElementById("boot")?.remove();
  drawPhones(document.getElementById("phones"), document.getElementById("tabs"));
  drawServicers(document.getElementById("servicers"));
  drawDrawer(document.getElementById("drawer"));
});
on("online", () => {
  const boot = document.getElementById("boot");
  if (boot && !state.online) {
    boot.replaceChildren(h("span", { class: "spinner", "aria-hidden": "true" }), h("p", { text: "连接不上沙盒，正在重试…" }));
  }
});
connect();
