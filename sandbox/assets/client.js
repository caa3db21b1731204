// A member's phone: messages of apps, mass sends to confirm, groups and customers, and the sidebar of a chat.

import { act } from "./api.js";
import { drawAppMessage, drawMass } from "./app_messages.js";
import { drawBubble, summary } from "./bubbles.js";
import { duration, hourMinute, now, separator } from "./clock.js";
import { colourOf, composer, drawLines, fill, MOODS, read, startPage } from "./corp_page.js";
import { avatar, h, icon, menu } from "./dom.js";
import { ask } from "./questions.js";
import { createSidebar } from "./sidebar.js";
import { on } from "./store.js";

const corp = document.getElementById("corp");
let me = new URLSearchParams(location.search).get("userid") ?? sessionStorage.getItem("sandbox-me") ?? "";
let tab = "messages";
let open = null; // {kind: "group" | "friend" | "kf", id, open_kfid}
let built = false;

const seats = h("nav", { class: "side", "aria-label": "成员" });
const tabs = h("div", { class: "client-tabs", role: "tablist" });
const screen = h("div", { class: "client-screen" });
const title = h("div", { class: "navbar" });
const thread = h("div", { class: "thread", tabindex: "0" });
const phone = h("section", { class: "phone client", "aria-label": "员工手机" }, title, screen, tabs);
const sidebar = createSidebar(() => ({ userid: me, open }), () => again(), goTo);

const again = startPage(draw);
// Customer service is told of by its own events.
for (const kind of ["desk", "bubble", "recalled"]) on(kind, () => built && again());

async function draw() {
  const people = await read("people");
  if (!people.members.some((one) => one.userid === me)) me = people.members[0]?.userid ?? "";
  if (!me) {
    corp.replaceChildren(h("p", { class: "boot", text: "通讯录里没有成员" }));
    return;
  }
  document.cookie = `sandbox_member=${encodeURIComponent(me)}; path=/; SameSite=Lax`;
  sessionStorage.setItem("sandbox-me", me);
  const client = await read(`client?userid=${encodeURIComponent(me)}`);
  if (!built) corp.replaceChildren(seats, h("div", { class: "phone-place" }, phone), sidebar.element);
  built = true;
  seats.replaceChildren(h("h2", { text: "谁的手机" }), ...people.members.map(seat));
  drawTabs(client);
  if (open) await drawChat();
  else drawTab(client);
}

function seat(one) {
  const choose = () => {
    me = one.userid;
    open = null;
    sidebar.show(null);
    again();
  };
  const words = h("span", { class: "words" }, h("b", { text: one.name }), h("small", { text: `${one.position || "成员"} · ${MOODS[one.mood]}` }));
  return h("button", { type: "button", class: "chat-row", "aria-current": one.userid === me ? "true" : null, onclick: choose }, avatar(one.name, colourOf(one.userid), "avatar small"), words);
}

function drawTabs(client) {
  const waiting = client.mass.filter((one) => !one.cancelled && !one.confirmed_at).length;
  const entries = [["messages", "消息", 0], ["mass", "群发", waiting], ["chats", "客户与群", 0]];
  if (client.service) entries.splice(2, 0, ["service", "客服", client.service.waiting.length]);
  else if (tab === "service") tab = "messages";
  tabs.hidden = Boolean(open);
  tabs.replaceChildren(...entries.map(([key, label, count]) => h("button", {
    type: "button",
    role: "tab",
    "aria-selected": String(tab === key),
    onclick: () => {
      tab = key;
      thread.replaceChildren();
      again();
    },
  }, label, count > 0 && h("span", { class: "count", text: String(count) }))));
}

function drawTab(client) {
  const heads = { messages: "工作消息", mass: "客户群发", service: "微信客服", chats: "客户与群" };
  title.replaceChildren(h("div", { class: "title" }, h("b", { text: heads[tab] }), h("small", { text: client.member.name })));
  screen.replaceChildren(thread);
  if (tab === "messages") {
    fill(thread, client.messages.length ? client.messages.map((one) => drawAppMessage(one, me, openPage)) : [empty("还没有应用消息", "应用用 message/send 发来的文字和卡片会出现在这里")]);
  } else if (tab === "mass") {
    thread.replaceChildren(...(client.mass.length ? [...client.mass].reverse().map((one) => drawMass(one, me)) : [empty("没有群发任务", "应用用 add_msg_template 建的任务要在这里确认才会发出")]));
  } else if (tab === "service") {
    drawService(client.service);
  } else {
    const groups = client.groups.map((one) => row(one.name, `${one.customers} 位客户${one.owner === me ? " · 我是群主" : ""}`, one.last, { kind: "group", id: one.chat_id }));
    const friends = client.friends.map((one) => row(one.remark || one.name, friendState(one), one.last, { kind: "friend", id: one.external_userid }));
    const add = h("button", { type: "button", class: "secondary", text: "有客户扫码加我", onclick: () => ask("客户扫码加好友", "客户昵称", "", befriend) });
    thread.replaceChildren(h("h3", { text: "客户群" }), ...(groups.length ? groups : [h("p", { class: "hint", text: "还没有客户群" })]), h("h3", { text: "客户" }), ...(friends.length ? friends : [h("p", { class: "hint", text: "还没有客户" })]), add);
  }
}

function drawService({ receiving, waiting, serving }) {
  const receive = h("input", { type: "checkbox", role: "switch", "aria-label": "接待中" });
  receive.checked = receiving;
  receive.addEventListener("change", () => act("servicer/receiving", { userid: me, receiving: receive.checked }).then(again));
  const take = async (chat) => {
    if (await act("servicer/takes", { userid: me, external_userid: chat.external_userid, open_kfid: chat.open_kfid })) enterService(chat);
  };
  const line = (chat, note, go) => {
    const words = h("span", { class: "words" }, h("b", { text: chat.nickname }), h("small", { text: chat.last ? summary(chat.last) : "" }));
    return h("button", { type: "button", class: "chat-row", onclick: go }, avatar(chat.nickname, chat.avatar, "avatar small"), words, h("small", { text: note }));
  };
  const queue = waiting.map((chat) => line(chat, `接入 · 等了 ${duration(now() - chat.waiting_since)}`, () => take(chat)));
  const mine = serving.map((chat) => line(chat, chat.last ? hourMinute(chat.last.at) : "", () => enterService(chat)));
  thread.replaceChildren(
    h("label", { class: "receiving" }, receiving ? "接待中" : "停止接待", receive),
    h("h3", { text: "排队中" }), ...(queue.length ? queue : [h("p", { class: "hint", text: "没有客户在排队" })]),
    h("h3", { text: "我的接待" }), ...(mine.length ? mine : [h("p", { class: "hint", text: "还没有接待中的客户。让客户说「转人工」，会分到接待中的人" })]),
  );
}

const enterService = (chat) => goTo({ kind: "kf", id: chat.external_userid, open_kfid: chat.open_kfid });

function goTo(chat) {
  open = chat;
  screen.dataset.chat = "";
  thread.replaceChildren();
  sidebar.show(open);
  again();
}

async function befriend(nickname) {
  const made = await act("customers", { nickname });
  if (made) await act("friend/add", { userid: me, external_userid: made.customers[0].external_userid });
}

const friendState = (one) => (one.customer_left ? "已被客户删除" : one.half ? "待通过验证" : one.tags.join("、") || "微信客户");
const empty = (words, more) => h("div", { class: "empty" }, h("b", { text: words }), h("span", { text: more }));

function row(name, note, last, chat) {
  const words = h("span", { class: "words" }, h("b", { text: name }), h("small", { text: last ? summary(last) : note }));
  const enter = () => {
    open = chat;
    thread.replaceChildren();
    sidebar.show(chat);
    again();
  };
  return h("button", { type: "button", class: "chat-row", onclick: enter }, avatar(name, colourOf(chat.id), "avatar small"), words, last && h("small", { text: hourMinute(last.at) }));
}

async function drawChat() {
  if (open.kind === "kf") {
    await drawServiceChat();
    return;
  }
  const isGroup = open.kind === "group";
  const path = isGroup ? `group?chat_id=${encodeURIComponent(open.id)}` : `friend?userid=${encodeURIComponent(me)}&external_userid=${encodeURIComponent(open.id)}`;
  const found = await read(path).catch(() => null);
  if (!found) {
    open = null;
    again();
    return;
  }
  const name = isGroup ? `${found.group.name}（${found.group.size}）` : found.friend.remark || found.friend.name;
  const back = h("button", { type: "button", class: "plain", "aria-label": "返回", onclick: () => { open = null; thread.replaceChildren(); sidebar.show(null); again(); } }, icon("back"));
  const tools = h("button", { type: "button", class: "secondary", text: "侧边栏", onclick: () => sidebar.toggle() });
  title.replaceChildren(back, h("div", { class: "title" }, h("b", { text: name }), h("small", { text: isGroup ? "客户群" : friendState(found.friend) })), tools, isGroup ? "" : friendMenu(found.friend));
  if (screen.dataset.chat !== open.id || !screen.contains(thread)) {
    const chat = open;
    const send = (content) => (chat.kind === "group" ? act("group/says", { chat_id: chat.id, who: me, content }) : act("friend/says", { by: "member", userid: me, external_userid: chat.id, content }));
    screen.replaceChildren(thread, composer("发消息", send));
    screen.dataset.chat = open.id;
  } else if (!screen.querySelector("form")) {
    screen.dataset.chat = "";
    again();
  }
  fill(thread, drawLines(found.lines, found.names, me));
}

/** A chat of customer service: only while the member serves it may the member speak. */
async function drawServiceChat() {
  const ids = { open_kfid: open.open_kfid, external_userid: open.id };
  const found = await read(`transcript?${new URLSearchParams({ ...ids, limit: "200" })}`).catch(() => null);
  if (!found) {
    leaveChat();
    return;
  }
  const { chat, bubbles } = found;
  const isMine = chat.state === 3 && chat.servicer_userid === me;
  const states = { 2: "排队中", 4: "会话已结束，发消息可重新接入" };
  const note = isMine ? "微信客服 · 由我接待" : states[chat.state] ?? (chat.servicer_userid ? "已转给同事" : "机器人接待中");
  const end = isMine && h("button", { type: "button", class: "secondary", text: "结束会话", onclick: () => act("servicer/ends", { ...ids, userid: me }).then(again) });
  const tools = h("button", { type: "button", class: "secondary", text: "侧边栏", onclick: () => sidebar.toggle() });
  const back = h("button", { type: "button", class: "plain", "aria-label": "返回", onclick: leaveChat }, icon("back"));
  title.replaceChildren(back, h("div", { class: "title" }, h("b", { text: chat.nickname }), h("small", { text: note })), tools, end || "");
  if (screen.dataset.chat !== open.id || !screen.contains(thread) || !screen.querySelector("form")) {
    const send = (content) => act("servicer/says", { ...ids, userid: me, content });
    screen.replaceChildren(thread, composer("回复客户", send));
    screen.dataset.chat = open.id;
  }
  const drawn = [];
  let last = -Infinity;
  for (const bubble of bubbles) {
    if (bubble.at - last > 300) drawn.push(h("p", { class: "when", text: separator(bubble.at) }));
    last = bubble.at;
    drawn.push(drawBubble(bubble, chat, "servicer"));
  }
  fill(thread, drawn);
}

function leaveChat() {
  open = null;
  screen.dataset.chat = "";
  thread.replaceChildren();
  sidebar.show(null);
  again();
}

/** What the customer and the member may do with their relation. */
function friendMenu(friend) {
  const ids = { userid: me, external_userid: friend.external_userid };
  return menu("客户操作", icon("dots"), () => [
    { label: "客户说…", act: () => ask("客户说", "内容", "", (content) => act("friend/says", { ...ids, by: "customer", content })) },
    { label: "改备注…", act: () => ask("改备注", "备注", friend.remark, (remark) => act("friend/edit", { ...ids, remark })) },
    { label: friend.blocked ? "客户取消拉黑" : "客户拉黑我", act: () => act("friend/blocks", { ...ids, blocks: !friend.blocked }) },
    { label: "客户删除我", danger: true, act: () => act("friend/removed_by_customer", ids) },
    { label: "我删除客户", danger: true, act: () => act("friend/removed_by_member", ids) },
  ]);
}

function openPage(url) {
  sidebar.openPage(url);
}
