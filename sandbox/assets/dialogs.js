// Adding a customer, and entering a chat by scanning a code.

import { act } from "./api.js";
import { avatar, h, showDialog } from "./dom.js";
import { drawCode } from "./samples.js";
import { emit, state } from "./store.js";

const SURNAMES = ["赵", "钱", "孙", "周", "吴", "郑", "冯", "何", "吕", "许", "沈", "韩", "杨", "秦", "尤", "曹"];
const TITLES = ["先生", "女士", "阿姨", "叔叔"];
const COLOURS = ["#5b8ff9", "#61b15a", "#f6a623", "#e8684a", "#6dc8ec", "#9270ca", "#ff9d4d", "#269a99"];
const LISTED = 100;

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** Ask for a new customer, or one of the world's who has no phone on the desk. */
export function askCustomer(onDesk) {
  const name = h("input", { type: "text", maxlength: "20", value: pick(SURNAMES) + pick(TITLES), required: true, id: "new-name" });
  const colour = pick(COLOURS);
  const form = h(
    "form",
    { class: "fields" },
    h("label", { for: "new-name", text: "昵称" }),
    h("div", { class: "line" }, avatar(name.value, colour), name, h("button", { type: "submit", class: "primary", text: "添加" })),
  );
  const others = [...state.customers.values()].filter((one) => !onDesk.includes(one.external_userid)).slice(0, LISTED);
  const rows = others.map((one) =>
    h("button", { type: "button", class: "person", onclick: () => open(one.external_userid) }, avatar(one.nickname, one.avatar, "avatar small"), h("span", { text: one.nickname })),
  );
  const content = h("div", { class: "dialog-body" }, form, rows.length > 0 && h("h3", { text: "沙盒里已有的客户" }), rows.length > 0 && h("div", { class: "people" }, rows));
  const dialog = showDialog("添加客户", content);
  name.select();

  function open(external_userid) {
    dialog.close();
    emit("open-phone", { external_userid });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const made = await act("customers", { nickname: name.value.trim() || "新客户", avatar: colour });
    if (!made) return;
    const [customer] = made.customers;
    state.customers.set(customer.external_userid, customer);
    open(customer.external_userid);
  });
}

/** Let a customer scan the code of a link with a scene. */
export function askEntry(ids, customer) {
  const scene = h("input", { type: "text", maxlength: "32", pattern: "[0-9a-zA-Z_\\-]*", value: "poster_loan", id: "entry-scene" });
  const parameter = h("input", { type: "text", maxlength: "128", placeholder: "可不填", id: "entry-parameter" });
  const code = h("div", { class: "code" }, drawCode(scene.value));
  scene.addEventListener("input", () => code.replaceChildren(drawCode(scene.value)));
  const form = h(
    "form",
    { class: "fields entry" },
    code,
    h("p", { class: "hint", text: "海报、网页、短信里的二维码各有自己的场景值，机器人据此知道客户从哪里来。" }),
    h("label", { for: "entry-scene", text: "场景值 scene" }),
    scene,
    h("label", { for: "entry-parameter", text: "自定义参数 scene_param" }),
    parameter,
    h("button", { type: "submit", class: "primary wide", text: `${customer.nickname} 扫码进入` }),
  );
  const dialog = showDialog("扫码进入会话", h("div", { class: "dialog-body" }, form));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = { ...ids, scene: scene.value, scene_param: encodeURIComponent(parameter.value) };
    if (await act("customer/enters", fields)) dialog.close();
  });
}
