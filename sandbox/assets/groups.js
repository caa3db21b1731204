// Customer groups: the chat as everybody in it sees it, who is there, and what people may do.

import { act } from "./api.js";
import { summary } from "./bubbles.js";
import { longTime } from "./clock.js";
import { colourOf, composer, drawLines, fill, read, startPage } from "./corp_page.js";
import { avatar, h, menu, icon } from "./dom.js";
import { ask, choose } from "./questions.js";

const STATUS = ["", "群主已离职", "继承中", "已继承"];
const SCENES = { 1: "受邀", 2: "邀请链接", 3: "扫码" };
const corp = document.getElementById("corp");
let chatId = new URLSearchParams(location.search).get("chat_id") ?? "";
let speaker = "";
let people = [];

const side = h("nav", { class: "side", "aria-label": "客户群" });
const head = h("header", { class: "room-head" });
const thread = h("div", { class: "thread", tabindex: "0" });
const voice = h("select", { "aria-label": "以谁的身份发言" });
const room = h("section", { class: "group-room", "aria-label": "群聊" }, head, thread, h("label", { class: "voice-of" }, "以谁的身份发言", voice), composer("在群里说", (content) => act("group/says", { chat_id: chatId, who: voice.value, content })));
const members = h("aside", { class: "side wide", "aria-label": "群成员" });
voice.addEventListener("change", () => {
  speaker = voice.value;
  again();
});

const again = startPage(draw);

async function draw() {
  const { groups } = await read("groups");
  people = (await read("people")).members;
  const shown = groups.filter((one) => !one.dismissed);
  if (!shown.some((one) => one.chat_id === chatId)) chatId = shown[0]?.chat_id ?? "";
  const make = h("button", { type: "button", class: "primary wide", text: "新建客户群", onclick: create });
  side.replaceChildren(h("h2", { text: `客户群 ${shown.length}` }), ...shown.map(row), make);
  if (!chatId) {
    corp.replaceChildren(side, h("p", { class: "boot", text: "还没有客户群，点左边「新建客户群」" }));
    return;
  }
  const found = await read(`group?chat_id=${encodeURIComponent(chatId)}`);
  if (room.parentNode !== corp) corp.replaceChildren(side, room, members);
  drawHead(found);
  drawVoices(found.members);
  fill(thread, drawLines(found.lines, found.names, speaker));
  drawMembers(found);
}

function row(one) {
  const enter = () => {
    chatId = one.chat_id;
    thread.replaceChildren();
    again();
  };
  const words = h("span", { class: "words" }, h("b", { text: one.name }), h("small", { text: STATUS[one.status] || summary(one.last) }));
  return h("button", { type: "button", class: "chat-row", "aria-current": one.chat_id === chatId ? "true" : null, onclick: enter }, avatar(one.name, colourOf(one.chat_id), "avatar small"), words, h("small", { text: String(one.size) }));
}

function drawHead({ group, mass_used }) {
  const entries = () => [
    { label: "改群名…", act: () => ask("改群名", "群名", group.name, (name) => act("group/rename", { chat_id: chatId, name })) },
    { label: "写群公告…", act: () => ask("群公告", "内容（留空为清除）", group.notice, (notice) => act("group/notice", { chat_id: chatId, notice })) },
    { label: "转让群主…", act: () => choose("转让给谁", staffOptions((one) => one.userid !== group.owner), (userid) => act("group/owner", { chat_id: chatId, userid })) },
    { label: "选入群欢迎语…", act: () => chooseTemplate(group) },
    { label: "让群活起来（20 位客户，7 天）", act: () => act("group/live", { chat_id: chatId, joins: 20, join_hours: 24 }) },
    { label: "解散群", danger: true, act: () => act("group/dismiss", { chat_id: chatId }) },
  ];
  const owner = people.find((one) => one.userid === group.owner)?.name ?? `${group.owner}（已离职）`;
  head.replaceChildren(
    h("div", { class: "words" }, h("b", { text: `${group.name}（${group.size}）` }), h("small", { text: `群主 ${owner} · 本期已群发 ${mass_used} 次${group.status ? ` · ${STATUS[group.status]}` : ""}` })),
    menu("群操作", icon("dots"), entries),
  );
}

async function chooseTemplate(group) {
  const { templates } = await read(`client?userid=${encodeURIComponent(group.owner)}`);
  const options = [["", "不用欢迎语"], ...templates.map((one) => [one.template_id, one.text?.content ?? "（只有附件）"])];
  choose("入群欢迎语", options, (template_id) => act("group/template", { chat_id: chatId, template_id }));
}

function drawVoices(list) {
  if (!list.some((one) => one.id === speaker)) speaker = (list.find((one) => !one.is_staff) ?? list[0])?.id ?? "";
  voice.replaceChildren(...list.map((one) => h("option", { value: one.id, selected: one.id === speaker, text: `${one.name}${one.is_staff ? "（员工）" : ""}` })));
}

function drawMembers({ group, members: list }) {
  const customers = list.filter((one) => !one.is_staff).length;
  const scan = h("button", { type: "button", class: "secondary", text: "客户扫码进群", onclick: () => ask("扫码进群", "新客户的昵称", "", joinNew) });
  const invite = h("button", { type: "button", class: "secondary", text: "拉同事进群", onclick: () => choose("拉谁进群", staffOptions((one) => !list.some((here) => here.id === one.userid)), (userid) => act("group/join", { chat_id: chatId, who: [userid], scene: 1, invitor: group.owner })) });
  members.replaceChildren(
    h("h2", { text: `群成员 ${list.length}（客户 ${customers}）` }),
    h("div", { class: "acts" }, scan, invite),
    group.notice && h("p", { class: "announcement", text: `公告：${group.notice}` }),
    ...list.map((one) => memberRow(one, group)),
  );
}

function memberRow(one, group) {
  const role = one.id === group.owner ? "群主" : group.admins.includes(one.id) ? "管理员" : one.is_staff ? "员工" : SCENES[one.join_scene];
  const joined = longTime(one.joined_at);
  const words = h("span", { class: "words" }, h("b", { text: one.name }), h("small", { text: `${role} · ${joined.date.slice(5)} ${joined.time.slice(0, 5)} 进群` }));
  const leave = (scene) => act("group/quit", { chat_id: chatId, who: [one.id], scene });
  const entries = () => [
    ...(one.is_staff ? [{ label: group.admins.includes(one.id) ? "取消管理员" : "设为管理员", act: () => act("group/admin", { chat_id: chatId, userid: one.id, is_admin: !group.admins.includes(one.id) }) }] : []),
    { label: "自己退群", act: () => leave(0) },
    { label: "移出群聊", danger: true, act: () => leave(1) },
  ];
  return h("div", { class: "chat-row" }, avatar(one.name, colourOf(one.id), "avatar small"), words, one.id !== group.owner && menu(`${one.name} 的操作`, icon("dots"), entries));
}

const staffOptions = (fits) => people.filter(fits).map((one) => [one.userid, one.name]);

async function joinNew(nickname) {
  const made = await act("customers", { nickname });
  if (made) await act("group/join", { chat_id: chatId, who: [made.customers[0].external_userid], scene: 3 });
}

function create() {
  choose("谁来建群", people.filter((one) => one.follows).map((one) => [one.userid, one.name]), (owner) =>
    ask("新建客户群", "群名", "理财新手营", async (name) => {
      const made = await act("group/create", { owner, name });
      if (made) chatId = made.chat_id;
      again();
    }));
}
