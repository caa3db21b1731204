// One line of a chat as an element. `mine`: which side writes on the right.

import { act } from "./api.js";
import { accountAvatar, avatar, h, icon, showDialog } from "./dom.js";
import { state } from "./store.js";

const URL_PATTERN = /https?:\/\/[^\s<>"'，。；！？、）】》]+/g;
const FAIL_TYPES = {
  0: "原因未知", 1: "客服账号已删除", 2: "应用已关闭", 4: "超过 48 小时", 5: "会话已结束", 6: "超过 5 条",
  8: "企业未认证", 10: "客户拒收", 11: "没有成员登录", 12: "消息类型被禁止", 13: "安全限制",
};
const SPEAKERS = { customer: "客户", api: "机器人", event: "机器人", servicer: "人工客服" };

/** The element of `bubble` in `chat`, seen by the customer (side "customer") or by a servicer ("servicer"). */
export function drawBubble(bubble, chat, side) {
  if (bubble.via === "notice") return h("p", { class: "notice", text: bubble.body.content });
  const own = (bubble.via === "customer") === (side === "customer");
  if (bubble.recalled) {
    const who = own ? "你" : bubble.via === "customer" ? chat.nickname : "对方";
    return h("p", { class: "notice", text: `${who}撤回了一条消息` });
  }
  const content = h("div", { class: "content" }, drawContent(bubble, chat, side));
  if (bubble.via === "servicer" && side === "customer") {
    content.prepend(h("span", { class: "speaker", text: `${nameOf(bubble.servicer_userid)} · 人工` }));
  }
  if (bubble.undelivered !== undefined) {
    content.append(h("span", { class: "failed" }, icon("alert"), `未送达客户：${FAIL_TYPES[bubble.undelivered] ?? "失败"}`));
  }
  const classes = ["row", own ? "own" : "other", bubble.undelivered !== undefined ? "undelivered" : ""];
  const speaker = own ? "我" : SPEAKERS[bubble.via];
  return h("div", { class: classes.join(" "), "data-msgid": bubble.msgid, role: "group", "aria-label": speaker }, face(bubble, chat), content);
}

export const nameOf = (userid) => state.servicers.get(userid)?.name ?? userid;

function face(bubble, chat) {
  if (bubble.via === "customer") return avatar(chat.nickname, chat.avatar);
  if (bubble.via === "servicer") return avatar(nameOf(bubble.servicer_userid), "#3f7de0");
  return accountAvatar();
}

function drawContent(bubble, chat, side) {
  const draw = DRAWINGS[bubble.msgtype];
  return draw ? draw(bubble.body, bubble, chat, side) : unknown(bubble.msgtype);
}

/** A message's content alone, for chats of members. */
export const drawBody = (msgtype, body) => drawContent({ msgtype, body }, {}, "servicer");

function unknown(kind) {
  return h("div", { class: "bubble odd", text: `［${kind}］这种消息暂不能显示` });
}

/** Text with its web addresses as links. */
function linked(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(URL_PATTERN)) {
    pieces.push(text.slice(end, match.index), link(match[0], match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text.slice(end));
  return pieces.filter(Boolean);
}

function link(url, text) {
  if (!/^https?:\/\//.test(url)) return h("span", { text });
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer", text });
}

function text(body) {
  return h("div", { class: "bubble" }, linked(body.content ?? ""));
}

function msgmenu(body, bubble, chat, side) {
  const items = (body.list ?? []).map((item) => menuItem(item, bubble, chat, side));
  return h(
    "div",
    { class: "bubble menu-bubble" },
    body.head_content && h("p", { class: "head" }, linked(body.head_content)),
    items.length > 0 && h("div", { class: "items" }, items),
    body.tail_content && h("p", { class: "tail" }, linked(body.tail_content)),
  );
}

function menuItem(item, bubble, chat, side) {
  const content = item[item.type];
  if (item.type === "text") return h("span", { class: content.no_newline ? "item inline" : "item", text: content.content });
  if (item.type === "view") return h("span", { class: "item" }, link(content.url, content.content));
  if (item.type === "miniprogram") return h("span", { class: "item mini" }, icon("link"), content.content);
  if (side !== "customer") return h("span", { class: "item", text: content.content });
  const { open_kfid, external_userid } = chat;
  const tap = () => act("customer/taps", { open_kfid, external_userid, msgid: bubble.msgid, menu_id: content.id });
  return h("button", { type: "button", class: "item tap", onclick: tap, text: content.content });
}

const mediaUrl = (body) => `/sandbox/media/${encodeURIComponent(body.media_id)}`;

function image(body) {
  if (!body.media_id) return linkCard({ url: body.pic_url, title: "图片", desc: body.pic_url });
  const picture = h("img", { src: mediaUrl(body), alt: "图片", loading: "lazy" });
  picture.addEventListener("error", () => button.replaceWith(h("div", { class: "bubble odd", text: "图片已过期或不存在" })));
  const enlarge = () => showDialog("图片", h("img", { class: "large", src: mediaUrl(body), alt: "图片" }));
  const button = h("button", { type: "button", class: "picture", "aria-label": "查看图片", onclick: enlarge }, picture);
  return button;
}

function voice() {
  return h("div", { class: "bubble voice", "aria-label": "语音 3 秒" }, h("span", { text: "3″" }), icon("wave"));
}

function video() {
  return h("div", { class: "video", "aria-label": "视频" }, icon("play"), h("span", { text: "0:02" }));
}

function file(body, bubble) {
  const size = bubble.media ? readableSize(bubble.media.bytes) : "";
  const words = h("div", {}, h("b", { text: bubble.media?.filename ?? "文件" }), h("small", { text: size }));
  return h("div", { class: "card file" }, words, h("span", { class: "file-icon" }, icon("file")));
}

function readableSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function location(body) {
  const words = h("div", { class: "words" }, h("b", { text: body.name || "位置" }), h("small", { text: body.address ?? "" }));
  return h("div", { class: "card location" }, words, h("div", { class: "map", "aria-hidden": "true" }, icon("pin")));
}

function linkCard(body) {
  const words = h("div", {}, h("b", {}, link(body.url ?? "", body.title ?? "链接")), h("small", { text: body.desc ?? "" }));
  return h("div", { class: "card file" }, words, h("span", { class: "file-icon" }, icon("link")));
}

function miniprogram(body) {
  const thumb = h("div", { class: "mini-cover", "aria-hidden": "true" }, icon("sample"));
  return h("div", { class: "card mini-card" }, h("small", { text: "小程序" }), h("b", { text: body.title ?? "" }), thumb);
}

function businessCard(body) {
  const words = h("div", {}, h("b", { text: body.userid ?? "名片" }), h("small", { text: "个人名片" }));
  return h("div", { class: "card file" }, words, h("span", { class: "file-icon" }, icon("card")));
}

function sticker(body) {
  const name = /^[a-z]+$/.test(body.name ?? "") ? body.name : "hi";
  const box = h("div", { class: "sticker", role: "img", "aria-label": "表情" });
  box.append(icon(`sticker-${name}`, "drawn"));
  return box;
}

const DRAWINGS = {
  text, msgmenu, image, voice, video, file, location, link: linkCard, miniprogram, business_card: businessCard, sticker,
};

/** A bubble in one line of plain text, for lists. */
export function summary(bubble) {
  if (!bubble) return "";
  if (bubble.recalled) return "［撤回了一条消息］";
  const names = {
    image: "图片", voice: "语音", video: "视频", file: "文件", location: "位置", link: "链接", msgmenu: "菜单",
    miniprogram: "小程序", business_card: "名片", sticker: "表情",
  };
  return bubble.body?.content ?? bubble.body?.head_content ?? `［${names[bubble.msgtype] ?? bubble.msgtype}］`;
}
