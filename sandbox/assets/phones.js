// The desk of phones: which customers are shown, and one phone for each.

import { act } from "./api.js";
import { hourMinute, now } from "./clock.js";
import { composer } from "./composer.js";
import { addContext } from "./context.js";
import { askCustomer, askEntry } from "./dialogs.js";
import { accountAvatar, avatar, h, icon, menu } from "./dom.js";
import { emit, keyOf, on, openChat, state } from "./store.js";
import { nameOf } from "./bubbles.js";
import { thread } from "./thread.js";

const KEPT = "sandbox-phones";
const SERVICERS_TAB = "servicers";
const shown = []; // {ids, element, stop}
let desk = null;
let tabs = null;
let active = "";

export function drawPhones(deskElement, tabsElement) {
  desk = deskElement;
  tabs = tabsElement;
  for (const external_userid of firstPhones()) addPhone(external_userid, { quiet: true });
  activate(shown[0]?.ids.external_userid ?? "");
  on("open-phone", ({ external_userid }) => {
    addPhone(external_userid);
    activate(external_userid);
  });
  on("ask-customer", () => askCustomer(shown.map(({ ids }) => ids.external_userid)));
  on("chat", markTabs);
  on("bubble", ({ external_userid, bubble }) => {
    if (external_userid !== active && bubble.via !== "customer") unread.add(external_userid);
    drawTabs();
  });
  drawEmpty();
}

function firstPhones() {
  const wanted = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]").filter((one) => state.customers.has(one));
  if (wanted.length) return wanted;
  const fits = Math.max(1, Math.min(3, Math.floor((innerWidth - (innerWidth > 1100 ? 330 : 0)) / 330)));
  return [...state.customers.keys()].slice(0, innerWidth < 760 ? 3 : fits);
}

function keep() {
  sessionStorage.setItem(KEPT, JSON.stringify(shown.map(({ ids }) => ids.external_userid)));
}

function addPhone(external_userid, { quiet = false, open_kfid = state.accounts[0]?.open_kfid } = {}) {
  const there = shown.find(({ ids }) => ids.external_userid === external_userid);
  if (there) return there.element.scrollIntoView({ inline: "center", block: "nearest" });
  if (!open_kfid) return null;
  const phone = drawPhone({ external_userid, open_kfid });
  shown.push(phone);
  desk.append(phone.element);
  keep();
  drawEmpty();
  drawTabs();
  if (!quiet) phone.element.scrollIntoView({ inline: "end", block: "nearest", behavior: "smooth" });
  return phone;
}

function removePhone(external_userid) {
  const index = shown.findIndex(({ ids }) => ids.external_userid === external_userid);
  const [phone] = shown.splice(index, 1);
  phone.stop();
  phone.element.remove();
  keep();
  drawEmpty();
  if (active === external_userid) activate(shown[0]?.ids.external_userid ?? SERVICERS_TAB);
  drawTabs();
}

function drawEmpty() {
  desk.querySelector(".no-phones")?.remove();
  if (shown.length) return;
  const words = state.accounts.length ? "桌上还没有手机" : "沙盒里还没有客服账号";
  const add = h("button", { type: "button", class: "primary", text: "添加客户", onclick: () => emit("ask-customer", {}) });
  desk.append(h("div", { class: "boot no-phones" }, h("p", { text: words }), state.accounts.length ? add : null));
}

// -- tabs on a narrow screen ---------------------------------------------------------------------------------------

const unread = new Set();

function activate(external_userid) {
  active = external_userid;
  unread.delete(external_userid);
  for (const { ids, element } of shown) element.classList.toggle("active", ids.external_userid === external_userid);
  document.body.classList.toggle("on-servicers", external_userid === SERVICERS_TAB);
  drawTabs();
}

function markTabs(chat) {
  if (chat.state === 3 && active !== SERVICERS_TAB) unread.add(SERVICERS_TAB);
  drawTabs();
}

function drawTabs() {
  const tab = (id, face, name) =>
    h(
      "button",
      { type: "button", class: `tab ${unread.has(id) ? "unread" : ""}`, "aria-current": active === id ? "true" : null, onclick: () => activate(id) },
      face,
      h("span", { text: name }),
    );
  const customers = shown.map(({ ids }) => state.customers.get(ids.external_userid)).filter(Boolean);
  const waiting = [...state.desk.values()].filter((chat) => chat.state === 2).length;
  tabs.replaceChildren(
    ...customers.map((one) => tab(one.external_userid, avatar(one.nickname, one.avatar, "avatar small"), one.nickname)),
    tab(SERVICERS_TAB, h("span", { class: "avatar small account" }, icon("headset")), waiting ? `接待 ${waiting}` : "接待"),
  );
}

// -- one phone -----------------------------------------------------------------------------------------------------

function drawPhone(ids) {
  const key = keyOf(ids);
  const customer = () => state.customers.get(ids.external_userid) ?? { nickname: "客户", avatar: "" };
  const account = () => state.accounts.find((one) => one.open_kfid === ids.open_kfid) ?? { name: "客服" };
  const chat = () => state.chats.get(key)?.chat;
  const chip = h("span", { class: "chip" });
  const budget = h("span", { class: "budget" });
  const title = h("h2", { text: customer().nickname });
  const clock = h("span", { text: hourMinute(now()) });
  const warning = h("p", { class: "warning", role: "status", hidden: true });
  const typing = composer(ids, customer().nickname);
  const screen = h("div", { class: "screen" });
  const chips = suggestionChips(typing);
  let view = null;

  const caption = h(
    "header",
    { class: "caption" },
    avatar(customer().nickname, customer().avatar, "avatar small"),
    h("div", { class: "who" }, title, h("div", { class: "status" }, chip, budget)),
    h("button", { type: "button", class: "plain", title: "扫码进入会话", "aria-label": `${customer().nickname} 扫码进入会话`, onclick: () => askEntry(ids, customer()) }, icon("qr")),
    menu(`${customer().nickname} 的更多操作`, icon("dots"), () => [
      { label: "扫码进入会话…", act: () => askEntry(ids, customer()) },
      { label: customer().rejects ? "恢复接收消息" : "拒收客服消息", act: () => act("customer/rejects", { ...ids, rejects: !customer().rejects }) },
      ...otherAccounts(),
      { label: "收起这部手机", act: () => removePhone(ids.external_userid), danger: true },
    ]),
  );
  const element = h(
    "article",
    { class: "slot", "aria-label": `${customer().nickname}的手机`, "data-customer": ids.external_userid },
    caption,
    h(
      "div",
      { class: "phone" },
      h("div", { class: "statusbar", "aria-hidden": "true" }, clock, h("span", { class: "signs" }, icon("signal", "sign"), icon("battery", "sign wide"))),
      h(
        "div",
        { class: "navbar" },
        icon("back"),
        h("div", { class: "title" }, h("b", { text: account().name }), h("small", { text: "微信客服" })),
        icon("dots"),
      ),
      screen,
      warning,
      chips,
      typing.element,
    ),
  );

  function otherAccounts() {
    return state.accounts
      .filter((one) => one.open_kfid !== ids.open_kfid)
      .map((one) => ({
        label: `换到「${one.name}」`,
        act: () => {
          removePhone(ids.external_userid);
          addPhone(ids.external_userid, { open_kfid: one.open_kfid });
          activate(ids.external_userid);
        },
      }));
  }

  function empty() {
    return h("div", { class: "empty" }, accountAvatar("avatar large-avatar account"), h("b", { text: account().name }), h("p", { text: "说点什么，或点下面的问题试试" }));
  }

  function drawStatus() {
    const present = chat();
    drawState(chip, present);
    drawBudget(budget, present);
    element.classList.toggle("rejecting", Boolean(customer().rejects));
    typing.element.toggleAttribute("data-rejects", Boolean(customer().rejects));
  }

  async function open() {
    screen.replaceChildren(h("div", { class: "boot" }, h("span", { class: "spinner", "aria-hidden": "true" }), h("p", { text: "正在打开会话…" })));
    try {
      await openChat(ids.external_userid, ids.open_kfid);
      view = thread(key, "customer", { empty, onDraw: drawContext });
      screen.replaceChildren(view.element);
      view.toEnd();
      drawStatus();
    } catch (error) {
      const again = h("button", { type: "button", class: "primary", text: "重试", onclick: open });
      screen.replaceChildren(h("div", { class: "boot" }, h("p", { text: `会话没有打开：${error.message}` }), again));
    }
  }

  function drawContext(line, bubble) {
    const own = bubble.via === "customer";
    addContext(line, bubble, own ? { path: "customer/recalls", body: { ...ids, msgid: bubble.msgid } } : null);
  }

  function drawWarning() {
    const kf = state.callbacks.kf;
    const words = !state.online ? "与沙盒的连接断开，正在重连…" : kf?.last_error ? (kf.waiting ? "回调未送达，正在重试…" : "回调未送达") : "";
    warning.hidden = !words;
    warning.textContent = words;
  }

  const stops = [
    on("chat", (change) => keyOf(change) === key && drawStatus()),
    on("loaded", (change) => keyOf(change) === key && drawStatus()),
    on("desk", drawStatus),
    on("customer", drawStatus),
    on("callbacks", drawWarning),
    on("online", drawWarning),
  ];
  typing.element.addEventListener("resized", () => view?.toEnd());
  const ticking = setInterval(() => {
    clock.textContent = hourMinute(now());
  }, 1000);
  open();
  drawWarning();
  return {
    ids,
    element,
    stop: () => {
      clearInterval(ticking);
      view?.stop();
      stops.forEach((stop) => stop());
    },
  };
}

const STATES = {
  0: ["待机器人接待", "new"],
  1: ["机器人接待", "robot"],
  2: ["排队中", "waiting"],
  3: ["人工", "human"],
  4: ["未开始", "ended"],
};

function drawState(chip, chat) {
  const [label, look] = STATES[chat?.state ?? 4];
  const ended = chat?.state === 4 && chat.last_customer_at;
  chip.className = `chip ${look}`;
  chip.textContent = chat?.state === 3 ? `人工 ${nameOf(chat.servicer_userid)}` : ended ? "会话已结束" : label;
}

function drawBudget(budget, chat) {
  const counts = chat && (chat.state === 0 || chat.state === 1);
  budget.hidden = !counts;
  if (!counts) return;
  const sent = chat.sent_since_last;
  const dots = [1, 2, 3, 4, 5].map((number) => h("i", { class: number <= sent ? "used" : "" }));
  budget.title = "客户每发一条消息，48 小时内最多可回复 5 条";
  budget.classList.toggle("full", sent >= 5);
  budget.replaceChildren(h("span", { text: `已发 ${sent}/5` }), h("span", { class: "pips", "aria-hidden": "true" }, dots));
}

function suggestionChips(typing) {
  const strip = h(
    "div",
    { class: "chips", role: "group", "aria-label": "试试这些问题" },
    state.suggestions.map((words) => h("button", { type: "button", class: "suggestion", text: words, onclick: () => typing.says(words) })),
  );
  // A mouse wheel has no sideways: let it move the strip all the same.
  strip.addEventListener("wheel", (event) => {
    if (strip.scrollWidth <= strip.clientWidth || event.deltaX) return;
    event.preventDefault();
    strip.scrollLeft += event.deltaY;
  }, { passive: false });
  return strip;
}
