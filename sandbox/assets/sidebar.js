// The chat toolbar of the client: a page of the app in a frame, and the other half of ww.js, which speaks to it.

import { act, load } from "./api.js";
import { h, icon, toast } from "./dom.js";

const KEPT = "sandbox-sidebar-url";
const SENDING = ["text", "image", "video", "file", "news", "miniprogram"];
const NO_CONTEXT = "fail without context of external contact";
const ENTRIES = { group: "group_chat_tools", friend: "single_chat_tools", kf: "single_kf_tools" };
const KINDS = { group_chat_tools: "group", single_chat_tools: "single", single_kf_tools: "kf" };
const WITH_CUSTOMER = ["single_chat_tools", "single_kf_tools"];
// What a real client says when something is wrong (errMsg after the colon), to be tried in front of the page.
const TROUBLES = [
  ["", "SDK 正常"],
  ["fail no permission", "没有权限"],
  ["fail 40093 invalid signature", "签名无效 40093"],
  ["fail 42012", "凭证用错 42012"],
  ["fail 92002", "不是本企业 92002"],
  ["fail 85005", "域名未校验 85005"],
  [NO_CONTEXT, "不在聊天里"],
  ["cancel", "用户取消"],
  ["silent", "没有回应"],
];

/**
 * `context()` tells who holds the phone and which chat is open; `sent()` is called after a message went out,
 * `goTo(chat)` when a page leads to another chat.
 */
export function createSidebar(context, sent, goTo) {
  const frame = h("iframe", { title: "应用页面", referrerpolicy: "no-referrer-when-downgrade", allow: "clipboard-write" });
  const address = h("input", { type: "url", placeholder: "侧边栏页面的地址，http://…", "aria-label": "侧边栏页面的地址" });
  const form = h("form", { class: "address" }, address, h("button", { type: "submit", class: "primary", text: "打开" }));
  const log = h("ol", { class: "sdk-log", "aria-label": "JS-SDK 调用" });
  const away = h("a", { class: "secondary", target: "_blank", rel: "noopener", text: "新标签页" });
  const close = h("button", { type: "button", class: "plain", "aria-label": "关闭侧边栏", onclick: () => { element.hidden = true; } }, icon("close"));
  const note = h("p", { class: "hint", text: "在聊天里打开「侧边栏」，应用页面会显示在这里；点卡片里的链接也在这里打开。页面里引用 /assets/ww.js 就能用 ww.sendChatMessage。" });
  const trouble = h("select", { "aria-label": "SDK 异常", title: "让 JS-SDK 像真实客户端那样出错" }, ...TROUBLES.map(([value, text]) => h("option", { value, text })));
  const element = h("aside", { class: "sidebar", "aria-label": "侧边栏", hidden: true }, h("header", {}, h("h2", { text: "侧边栏" }), trouble, away, close), form, note, frame, log);
  let entry = "normal";
  let signed = { corp: false, agent: false };

  function go(url) {
    if (!/^https?:\/\//.test(url)) {
      toast("地址应以 http:// 或 https:// 开头", "error");
      return;
    }
    element.hidden = false;
    signed = { corp: false, agent: false };
    address.value = away.href = frame.src = url;
    note.hidden = true;
    log.replaceChildren();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    localStorage.setItem(KEPT, address.value.trim());
    go(address.value.trim());
  });

  /** Open the toolbar of a chat, or forget the chat. */
  function show(chat) {
    entry = chat ? ENTRIES[chat.kind] : "normal";
    // A servicer works with the toolbar open; in other chats it is opened by hand.
    if (element.hidden && !(chat?.kind === "kf" && innerWidth > 1000)) return;
    if (chat) toggle(true);
  }

  async function toggle(again = false) {
    if (!element.hidden && !again) {
      element.hidden = true;
      return;
    }
    element.hidden = false;
    const { sidebar_url, sidebar_urls } = await load("state");
    const known = localStorage.getItem(KEPT) || sidebar_urls[KINDS[entry]] || sidebar_url;
    address.value = known ?? "";
    if (known) go(known);
    else note.hidden = false;
  }

  window.addEventListener("message", async (event) => {
    const asked = event.data;
    if (event.source !== frame.contentWindow || asked?.sandboxWw !== 1) return;
    if (trouble.value === "silent") return;
    const result = await answer(asked, event.origin);
    log.append(h("li", { class: result.errMsg.endsWith(":ok") ? "" : "wrong", text: result.errMsg }));
    while (log.children.length > 3) log.firstChild.remove();
    event.source.postMessage({ sandboxWw: 1, id: asked.id, result }, event.origin);
  });

  async function answer({ api, params = {} }, origin) {
    const say = (words, more = {}) => ({ errMsg: `${api}:${words}`, errCode: words === "ok" ? 0 : -1, ...more });
    const { userid, open } = context();
    if (trouble.value && !(trouble.value === "cancel" && api !== "sendChatMessage")) return say(trouble.value);
    if (api === "config" || api === "agentConfig") {
      if (new URL(params.url).origin !== origin) return say("fail 40093 invalid signature");
      const kind = api === "config" ? "corp" : "agent";
      const judged = await act("sidebar/verify", { ...params, kind });
      signed[kind] = Boolean(judged?.good);
      return say(judged?.good ? "ok" : `fail ${judged?.problem ?? "no permission"}`);
    }
    if (api === "getContext") return say("ok", { entry });
    if (!signed.agent) return say("fail no permission");
    if (api === "getCurExternalContact") return WITH_CUSTOMER.includes(entry) ? say("ok", { userId: open.id }) : say(NO_CONTEXT);
    if (api === "getCurExternalChat") return entry === "group_chat_tools" ? say("ok", { chatId: open.id }) : say(NO_CONTEXT);
    if (api === "openEnterpriseChat") {
      if (params.chatId) goTo({ kind: "group", id: params.chatId });
      else if (params.externalUserIds) goTo({ kind: "friend", id: [params.externalUserIds].flat()[0].split(";")[0] });
      else return say("fail invalid userIds");
      return say("ok", { chatId: params.chatId ?? "" });
    }
    if (api === "navigateToKfChat") {
      if (!params.openKfId || !params.externalUserId) return say("fail invalid openKfId");
      goTo({ kind: "kf", id: params.externalUserId, open_kfid: params.openKfId });
      return say("ok");
    }
    if (api !== "sendChatMessage") return say("fail not supported in the sandbox");
    if (entry === "normal" || !open) return say(NO_CONTEXT);
    const may_send = entry === "single_kf_tools" ? [...SENDING, "msgmenu"] : SENDING;
    if (!may_send.includes(params.msgtype)) return say("fail invalid msgtype");
    if (params.news?.imgUrl && !/^https?:\/\//.test(params.news.imgUrl)) return say("fail invalid imgUrl");
    const chat = open.kind === "group" ? { chat_id: open.id } : { external_userid: open.id, open_kfid: open.open_kfid ?? "" };
    const { enterChat, ...message } = params;
    const done = await act("sidebar/send", { userid, ...chat, message });
    if (done === null) return say("fail");
    if (enterChat) toast("已发送到聊天");
    sent();
    return say("ok");
  }

  return { element, show, toggle, openPage: go };
}
