// Messages of apps as a member's client shows them: texts, cards with buttons, mass sends that wait.

import { act } from "./api.js";
import { drawBody } from "./bubbles.js";
import { duration, hourMinute, now, separator } from "./clock.js";
import { h, icon } from "./dom.js";

/** One app message. `openPage(url)`: show a page of the app beside the phone. */
export function drawAppMessage(message, userid, openPage) {
  const time = h("p", { class: "when", text: separator(message.at) });
  if (message.recalled) return h("div", { class: "app-message" }, time, h("p", { class: "notice", text: "应用撤回了一条消息" }));
  const draw = DRAWINGS[message.msgtype] ?? ((body) => h("div", { class: "bubble" }, markdownText(body.content ?? `［${message.msgtype}］`)));
  return h("div", { class: "app-message", "data-msgid": message.msgid }, time, draw(message.body, message, userid, openPage));
}

const DRAWINGS = { text: drawText, textcard: drawTextCard, markdown: drawMarkdown, template_card: drawCard };

/** Text of an app may hold links written as HTML; everything else in it is text. */
function drawText(body, _message, _userid, openPage) {
  const parts = (body.content ?? "").split(/(<a\s+href="[^"]*">[^<]*<\/a>)/);
  const pieces = parts.map((part) => {
    const found = /^<a\s+href="([^"]*)">([^<]*)<\/a>$/.exec(part);
    return found ? pageLink(found[1], found[2], openPage) : part;
  });
  return h("div", { class: "bubble" }, pieces);
}

function drawTextCard(body, _message, _userid, openPage) {
  const lines = (body.description ?? "").replace(/<br\s*\/?>/g, "\n").replace(/<[^>]*>/g, "");
  return h("div", { class: "app-card" }, h("b", { text: body.title }), h("p", { text: lines }), h("footer", {}, pageLink(body.url, body.btntxt || "详情", openPage)));
}

function drawMarkdown(body) {
  return h("div", { class: "app-card" }, markdownText(body.content ?? ""));
}

function markdownText(content) {
  const plain = content.replace(/<\/?font[^>]*>/g, "").replace(/^#+\s*/gm, "").replace(/[*`]/g, "");
  return h("p", { text: plain });
}

function pageLink(url, label, openPage) {
  if (!/^https?:\/\//.test(url ?? "")) return h("span", { text: label });
  return h("button", { type: "button", class: "link", text: label, onclick: () => openPage(url) });
}

function drawCard(body, message, userid, openPage) {
  const shown = message.shown ?? {};
  const card = shown.card ?? body;
  const done = shown.replace_name || card.replace_text;
  const rows = (card.horizontal_content_list ?? []).map((row) =>
    h("div", { class: "pair" }, h("dt", { text: row.keyname }), h("dd", {}, row.type === 1 ? pageLink(row.url, row.value, openPage) : row.value ?? "")));
  const selection = drawSelection(card.button_selection, done);
  const buttons = (card.button_list ?? []).map((button) => drawButton(button, { message, userid, openPage, selection, done }));
  const jumps = (card.jump_list ?? []).map((jump) => pageLink(jump.url, jump.title, openPage));
  const action = card.card_action?.url && pageLink(card.card_action.url, "查看", openPage);
  const menu = (card.action_menu?.action_list ?? []).map((entry) =>
    h("button", { type: "button", class: "link", text: entry.text, onclick: () => tap(message, userid, entry.key, selection) }));
  return h(
    "article",
    { class: "app-card", "aria-label": card.main_title?.title ?? "卡片" },
    card.source?.desc && h("small", { text: card.source.desc }),
    h("b", { text: card.main_title?.title ?? "" }),
    card.main_title?.desc && h("p", { class: "desc", text: card.main_title.desc }),
    card.sub_title_text && h("p", { text: card.sub_title_text }),
    rows.length > 0 && h("dl", {}, rows),
    selection.element,
    done ? h("p", { class: "done", text: done }) : buttons.length > 0 && h("div", { class: "buttons" }, buttons),
    (jumps.length > 0 || action || menu.length > 0) && h("footer", {}, jumps, action, menu),
  );
}

function drawSelection(selection, done) {
  if (!selection || done) return { element: null, chosen: () => ({}) };
  const options = selection.option_list.map((one) => h("option", { value: one.id, selected: one.id === selection.selected_id, text: one.text }));
  const select = h("select", { "aria-label": selection.title ?? "选择" }, options);
  return { element: h("label", { class: "choice" }, selection.title ?? "", select), chosen: () => ({ [selection.question_key]: [select.value] }) };
}

function drawButton(button, { message, userid, openPage, selection }) {
  const look = button.style === 1 || button.style === undefined ? "primary" : "secondary";
  const press = () => (button.type === 1 ? openPage(button.url) : tap(message, userid, button.key, selection));
  return h("button", { type: "button", class: look, text: button.text, onclick: press });
}

const tap = (message, userid, key, selection) => act("member/taps", { msgid: message.msgid, userid, key, selected: selection.chosen() });

/** A mass send that waits for the member, or what became of it. */
export function drawMass(task, userid) {
  const state = task.cancelled && !task.confirmed_at ? "已被企业停止" : task.confirmed_at ? `${hourMinute(task.confirmed_at)} 已发送` : `等待确认 ${duration(now() - task.created_at)}`;
  const waits = !task.cancelled && !task.confirmed_at;
  const counts = [["送达", 1], ["不是好友", 2], ["已达上限", 3]]
    .map(([label, status]) => [label, task.targets.filter((one) => one.status === status).length])
    .filter(([, count]) => count > 0)
    .map(([label, count]) => `${label} ${count}`);
  const names = task.targets.map((one) => one.name);
  const to = names.length ? `${names.slice(0, 3).join("、")}${names.length > 3 ? ` 等 ${names.length} 个` : ""}` : task.open_choice ? "由我选择客户群" : "";
  return h(
    "article",
    { class: `app-card mass ${waits ? "waits" : ""}`, "aria-label": "群发任务" },
    h("header", {}, h("small", { text: task.personal ? "我的群发" : "企业群发" }), h("small", { class: "state", text: state })),
    h("p", { class: "to" }, icon("wave"), task.chat_type === "group" ? `发到客户群：${to}` : `发给客户：${to}`),
    task.text && h("p", { class: "words", text: task.text }),
    task.attachments.map((one) => drawBody(one.msgtype, one[one.msgtype])),
    task.reminded.length > 0 && h("p", { class: "reminded", text: `管理员已提醒 ${task.reminded.length} 次` }),
    counts.length > 0 && h("p", { class: "desc", text: counts.join("　") }),
    waits && h("div", { class: "buttons" }, h("button", { type: "button", class: "primary", text: "确认发送", onclick: () => act("mass/confirm", { msgid: task.msgid, userid }) })),
  );
}
