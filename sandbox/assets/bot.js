// Members talk to the company's robot: in a single chat, with @ in an internal group; and to the staff app.

import { act } from "./api.js";
import { hourMinute, separator } from "./clock.js";
import { colourOf, composer, fill, read, startPage } from "./corp_page.js";
import { avatar, h, icon } from "./dom.js";
import { drawMarkdown } from "./bot_text.js";

const QUIET_SECONDS = 300;
const SAMPLES = ["提前还款要付违约金吗", "12万，等额本息，年化7.2%，12期，每月还多少", "24期呢", "理财保本吗"];
const VIA = { late: "超时后补发", welcome: "欢迎语" };
const corp = document.getElementById("corp");
const wanted = new URLSearchParams(location.search);
let me = wanted.get("userid") ?? sessionStorage.getItem("sandbox-me") ?? "";
let open = null; // {kind: "robot" | "group" | "app", id, name}
let quoted = null;
let robotName = "";

const people = h("nav", { class: "side", "aria-label": "成员" });
const chats = h("nav", { class: "side chats", "aria-label": "会话" });
const head = h("header", { class: "room-head" });
const thread = h("div", { class: "thread", tabindex: "0", "aria-live": "polite" });
const foot = h("div", { class: "bot-foot" });
const room = h("section", { class: "group-room bot-room", "aria-label": "和机器人的会话" }, head, thread, foot);

const again = startPage(draw);

async function draw() {
  const { members } = await read("people");
  if (!members.some((one) => one.userid === me)) me = members[0]?.userid ?? "";
  if (!me) {
    corp.replaceChildren(h("p", { class: "boot", text: "通讯录里没有成员" }));
    return;
  }
  sessionStorage.setItem("sandbox-me", me);
  const found = await read(`robot?userid=${encodeURIComponent(me)}`);
  people.replaceChildren(h("h2", { text: "以谁的身份" }), ...members.map(seat));
  const list = [
    ...found.robots.map((one) => ({ kind: "robot", id: one.receiver, name: one.name, note: "智能机器人", last: one.last })),
    ...found.groups.map((one) => ({ kind: "group", id: one.chat_id, name: `${one.name}（${one.size}）`, note: "内部群，@它才会回答", last: one.last })),
    ...found.apps.map((one) => ({ kind: "app", id: String(one.agent_id), name: one.name, note: "员工应用" })),
  ];
  robotName = found.robots[0]?.name ?? "";
  if (!list.some(isOpen)) choose(list[0] ?? null, false);
  chats.replaceChildren(h("h2", { text: "会话" }), ...list.map(chatRow));
  if (!open) {
    corp.replaceChildren(people, chats, h("p", { class: "boot", text: "沙盒里没有智能机器人：给一个 [[receiver]] 写上 robot = \"名字\"" }));
    return;
  }
  if (room.parentNode !== corp) corp.replaceChildren(people, chats, room);
  await drawRoom();
}

const isOpen = (one) => open?.kind === one.kind && open?.id === one.id;

function choose(chat, redraws = true) {
  open = chat;
  quoted = null;
  thread.replaceChildren();
  foot.replaceChildren();
  if (chat?.kind === "robot") act("robot/enters", { userid: me, receiver: chat.id });
  if (redraws) again();
}

function seat(one) {
  const enter = () => {
    me = one.userid;
    open = null;
    foot.replaceChildren();
    again();
  };
  const words = h("span", { class: "words" }, h("b", { text: one.name }), h("small", { text: one.position || "成员" }));
  return h("button", { type: "button", class: "chat-row", "aria-current": one.userid === me ? "true" : null, onclick: enter }, avatar(one.name, colourOf(one.userid), "avatar small"), words);
}

function face(kind, name, id) {
  if (kind === "robot") return h("span", { class: "avatar small robot", "aria-hidden": "true" }, icon("bolt"));
  return avatar(name, colourOf(id), "avatar small");
}

function chatRow(one) {
  const said = one.last?.running ? "正在回答…" : one.last?.content?.slice(0, 60).replace(/[*>\n]+/g, " ").trim();
  const words = h("span", { class: "words" }, h("b", { text: one.name }), h("small", { text: said || one.note }));
  const time = one.last && h("small", { text: hourMinute(one.last.at) });
  return h("button", { type: "button", class: "chat-row", "aria-current": isOpen(one) ? "true" : null, onclick: () => choose(one) }, face(one.kind, one.name, one.id), words, time);
}

async function drawRoom() {
  const chat = open;
  const notes = { robot: "只有同事能问；答案带依据和有效期", group: `在群里写“@${robotName} 问题”`, app: "发消息给应用，应用用 message/send 回答" };
  head.replaceChildren(h("div", { class: "words" }, h("b", { text: chat.name }), h("small", { text: notes[chat.kind] })));
  if (!foot.childElementCount) foot.replaceChildren(quoteBar(), samples(chat), composer(chat.kind === "group" ? "在群里说" : "问一个业务问题", send));
  if (chat.kind === "app") {
    const { lines } = await read(`app?userid=${encodeURIComponent(me)}&agent_id=${chat.id}`);
    show(lines.map((one) => ({ ...one, plain: true })), {});
    return;
  }
  const place = chat.kind === "group" ? `chat_id=${encodeURIComponent(chat.id)}` : `receiver=${encodeURIComponent(chat.id)}`;
  const found = await read(`robot/chat?userid=${encodeURIComponent(me)}&${place}`);
  if (open === chat) show(found.lines, found.names);
}

function show(lines, names) {
  const drawn = [];
  let last = -Infinity;
  for (const line of lines) {
    if (line.at - last > QUIET_SECONDS) drawn.push(h("p", { class: "when", text: separator(line.at) }));
    last = line.at;
    drawn.push(drawLine(line, names));
  }
  if (!drawn.length) drawn.push(h("div", { class: "empty" }, h("b", { text: "还没有消息" }), h("span", { text: "点下面的例子，或者直接打字" })));
  fill(thread, drawn);
}

function drawLine(line, names) {
  const own = line.by === me;
  const name = line.by ? names[line.by] ?? line.by : open.kind === "app" ? open.name : robotName;
  const tag = VIA[line.via] && h("span", { class: "via", text: VIA[line.via] });
  const speaker = (!own || tag) && h("span", { class: "speaker" }, own ? "" : name, tag);
  const content = h("div", { class: "content" }, speaker, line.quote && h("blockquote", { class: "quoted", text: line.quote }), bubble(line), below(line, own));
  return h("div", { class: `row ${own ? "own" : "other"}`, role: "group", "aria-label": name }, line.by ? avatar(name, colourOf(line.by)) : open.kind === "app" ? avatar(name, colourOf(open.id)) : face("robot"), content);
}

function bubble(line) {
  if (line.problem) return h("div", { class: "bubble odd", text: `（${line.problem}）` });
  const dots = line.running && h("span", { class: "spinner small", role: "status", "aria-label": "正在回答" });
  if (line.by || line.plain) return h("div", { class: "bubble", text: line.msgtype && line.msgtype !== "text" ? `［${line.msgtype}］${line.content}` : line.content });
  return h("div", { class: "bubble markdown" }, drawMarkdown(line.content), dots);
}

function below(line, own) {
  const acts = [];
  if (open.kind === "group" && line.by) acts.push(h("button", { type: "button", class: "mini", text: "引用", onclick: () => quote(line) }));
  if (line.feedback_id && !line.running && !line.problem && (open.kind !== "group" || line.asked_by === me)) acts.push(rate(line, 1, "准确"), rate(line, 2, "不准确"));
  return acts.length > 0 && h("div", { class: `below ${own ? "own" : ""}` }, acts);
}

function rate(line, verdict, label) {
  const is = line.feedback === verdict;
  const press = () => act("robot/rates", { userid: me, number: line.number, type: is ? 3 : verdict, chat_id: open.kind === "group" ? open.id : "" });
  return h("button", { type: "button", class: "mini", "aria-pressed": String(is), text: label, onclick: press });
}

function quote(line) {
  quoted = line;
  const field = foot.querySelector("textarea");
  if (!field.value.includes(`@${robotName}`)) field.value = `@${robotName} ${field.value}`;
  foot.querySelector(".quoting").replaceWith(quoteBar());
  field.focus();
}

function quoteBar() {
  const drop = () => {
    quoted = null;
    foot.querySelector(".quoting").replaceWith(quoteBar());
  };
  return h("div", { class: "quoting", hidden: !quoted }, quoted && h("span", { text: `引用：${quoted.content}` }), h("button", { type: "button", class: "mini", text: "取消引用", onclick: drop }));
}

function samples(chat) {
  const field = () => foot.querySelector("textarea");
  const mention = chat.kind === "group" && h("button", { type: "button", class: "mini strong", text: `@${robotName}`, onclick: () => { field().value = `@${robotName} ${field().value}`; field().focus(); } });
  const chips = SAMPLES.map((text) => h("button", { type: "button", class: "mini", text, onclick: () => send(chat.kind === "group" ? `@${robotName} ${text}` : text) }));
  return h("div", { class: "chips", role: "group", "aria-label": "例子" }, mention, chips);
}

async function send(content) {
  const chat = open;
  if (chat.kind === "app") return act("app/says", { userid: me, agent_id: Number(chat.id), content });
  const body = { userid: me, content, quote: quoted?.number ?? 0 };
  const place = chat.kind === "group" ? { chat_id: chat.id } : { receiver: chat.id };
  const sent = await act("robot/says", { ...body, ...place });
  if (sent && quoted) {
    quoted = null;
    foot.querySelector(".quoting").replaceWith(quoteBar());
  }
  return sent;
}
