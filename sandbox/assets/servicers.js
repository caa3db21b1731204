// The servicers' side, as in the WeCom client: who waits, whom I serve, reply, hand on, end.

import { act } from "./api.js";
import { nameOf, summary } from "./bubbles.js";
import { duration, now } from "./clock.js";
import { addContext } from "./context.js";
import { avatar, h, menu } from "./dom.js";
import { keyOf, on, openChat, state } from "./store.js";
import { thread } from "./thread.js";

export function drawServicers(panel) {
  let me = [...state.servicers.keys()][0] ?? "";
  let open = null; // {key, ids, view}
  const given = new Map(); // key: userid, as last seen
  const news = new Set(); // userids who got a customer that nobody has looked at

  const people = h("div", { class: "seats", role: "tablist", "aria-label": "以谁的身份接待" });
  const receiving = h("input", { type: "checkbox", role: "switch", "aria-label": "接待中" });
  const receivingWord = h("span");
  const lists = h("div", { class: "lists" });
  const room = h("section", { class: "room", "aria-label": "正在接待的会话" });
  receiving.addEventListener("change", () => act("servicer/receiving", { userid: me, receiving: receiving.checked }));
  panel.replaceChildren(
    h("header", {}, h("h2", { text: "接待人员" }), h("label", { class: "receiving" }, receivingWord, receiving)),
    people,
    lists,
    room,
  );

  /** Turn to whoever was given a customer while this seat has nobody; otherwise mark that seat. */
  function noticeHandOvers() {
    const serving = [...state.desk].filter(([, chat]) => chat.state === 3);
    for (const [key, { servicer_userid }] of serving) {
      if (given.get(key) !== servicer_userid) news.add(servicer_userid);
      given.set(key, servicer_userid);
    }
    const keys = new Set(serving.map(([key]) => key));
    for (const key of [...given.keys()]) if (!keys.has(key)) given.delete(key);
    for (const userid of [...news]) if (![...given.values()].includes(userid)) news.delete(userid);
    const [next] = news;
    if (next && !open && !news.has(me) && ![...given.values()].includes(me)) me = next;
    news.delete(me);
  }

  function draw() {
    noticeHandOvers();
    const servicer = state.servicers.get(me);
    if (!servicer) {
      people.replaceChildren();
      lists.replaceChildren(h("p", { class: "hint", text: "配置里没有接待人员（[[servicer]]）" }));
      return;
    }
    receiving.checked = servicer.receiving;
    receivingWord.textContent = servicer.receiving ? "接待中" : "停止接待";
    people.replaceChildren(...[...state.servicers.values()].map(seat));
    const chats = [...state.desk.values()].filter((chat) => !servicer.open_kfids.length || servicer.open_kfids.includes(chat.open_kfid));
    const waiting = chats.filter((chat) => chat.state === 2).sort((a, b) => a.waiting_since - b.waiting_since);
    const mine = chats.filter((chat) => chat.state === 3 && chat.servicer_userid === me);
    const others = chats.filter((chat) => chat.state === 3 && chat.servicer_userid !== me);
    lists.replaceChildren(
      group("排队中", waiting, "没有客户在排队，让客户说「转人工」试试", (chat) => waitingRow(chat)),
      group("我的接待", mine, "还没有接待中的客户", (chat) => row(chat, null, () => openRoom(chat))),
      others.length ? group("同事接待", others, "", (chat) => row(chat, h("small", { text: nameOf(chat.servicer_userid) }))) : "",
    );
    if (open) drawRoomHead();
  }

  function seat(one) {
    const count = [...state.desk.values()].filter((chat) => chat.servicer_userid === one.userid).length;
    return h(
      "button",
      {
        type: "button",
        role: "tab",
        class: `seat ${one.receiving ? "" : "away"}`,
        "aria-selected": String(one.userid === me),
        onclick: () => {
          me = one.userid;
          closeRoom();
          draw();
        },
      },
      h("span", { class: "seat-dot", "aria-hidden": "true" }),
      one.name,
      count > 0 && h("span", { class: `count ${news.has(one.userid) ? "" : "quiet"}`, text: String(count) }),
    );
  }

  function group(title, chats, none, drawOne) {
    return h("section", { class: "group" }, h("h3", {}, title, h("span", { class: "count quiet", text: String(chats.length) })), chats.length ? chats.map(drawOne) : h("p", { class: "hint", text: none }));
  }

  function row(chat, end, act_on) {
    const words = h("span", { class: "words" }, h("b", { text: chat.nickname }), h("small", { text: summary(chat.last) }));
    const current = open && open.key === keyOf(chat);
    const tag = act_on ? "button" : "div";
    return h(tag, { type: act_on ? "button" : null, class: "chat-row", "aria-current": current ? "true" : null, onclick: act_on }, avatar(chat.nickname, chat.avatar, "avatar small"), words, end);
  }

  function waitingRow(chat) {
    const take = h("button", { type: "button", class: "primary", text: "接入", "aria-label": `接入${chat.nickname}` });
    take.addEventListener("click", async () => {
      if (await act("servicer/takes", { userid: me, external_userid: chat.external_userid, open_kfid: chat.open_kfid })) openRoom(chat);
    });
    const waited = h("small", { class: "waited", text: `等了 ${duration(now() - chat.waiting_since)}` });
    return row(chat, h("span", { class: "end" }, waited, take));
  }

  // -- the open chat -----------------------------------------------------------------------------------------------

  const head = h("header", { class: "room-head" });

  async function openRoom(chat) {
    closeRoom();
    const ids = { open_kfid: chat.open_kfid, external_userid: chat.external_userid };
    open = { key: keyOf(ids), ids, view: null };
    await openChat(ids.external_userid, ids.open_kfid).catch(() => null);
    const view = thread(open.key, "servicer", { onDraw: drawContext });
    open.view = view;
    room.replaceChildren(head, view.element, replyForm(ids));
    drawRoomHead();
    draw();
    view.toEnd();
  }

  function drawContext(line, bubble) {
    const own = bubble.via === "servicer" && bubble.servicer_userid === me;
    addContext(line, bubble, own ? { path: "servicer/recalls", body: { ...open.ids, userid: me, msgid: bubble.msgid } } : null);
  }

  function closeRoom() {
    open?.view?.stop();
    open = null;
    room.replaceChildren();
  }

  function drawRoomHead() {
    const chat = state.chats.get(open.key)?.chat;
    if (!chat) return;
    const mine = chat.state === 3 && chat.servicer_userid === me;
    const others = [...state.servicers.values()].filter((one) => one.userid !== me);
    const transfer = menu("转接给同事", h("span", { class: "secondary", text: "转接" }), () =>
      others.map((one) => ({ label: `转给 ${one.name}`, act: () => act("servicer/transfers", { ...open.ids, userid: me, to_userid: one.userid }) })),
    );
    const end = h("button", { type: "button", class: "secondary", text: "结束会话", onclick: () => act("servicer/ends", { ...open.ids, userid: me }) });
    const done = h("button", { type: "button", class: "secondary", text: "关闭", onclick: () => { closeRoom(); draw(); } });
    const elsewhere = chat.servicer_userid ? `已转给 ${nameOf(chat.servicer_userid)}` : "机器人接待中";
    const ended = chat.state === 4 ? "会话已结束，发消息可重新接入" : elsewhere;
    head.replaceChildren(h("b", { text: chat.nickname }), mine ? h("span", { class: "acts" }, others.length ? transfer : "", end) : h("span", { class: "acts" }, h("small", { text: ended }), done));
  }

  function replyForm(ids) {
    const field = h("textarea", { rows: "2", maxlength: "2000", placeholder: "回复客户，Enter 发送", "aria-label": "回复客户" });
    const form = h("form", { class: "reply" }, field, h("button", { type: "submit", class: "primary", text: "发送" }));
    const submit = async () => {
      const content = field.value.trim();
      if (!content) return;
      field.value = "";
      if ((await act("servicer/says", { ...ids, userid: me, content })) === null) field.value = content;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        submit();
      }
    });
    return form;
  }

  on("desk", draw);
  on("clock", () => !lists.matches(":focus-within") && draw());
  draw();
}
