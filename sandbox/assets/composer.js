// The bar one types in, with the + panel, as at the bottom of a WeChat chat.

import { act, toBase64 } from "./api.js";
import { h, icon, toast } from "./dom.js";
import { SAMPLES, toBlob } from "./samples.js";

const STICKERS = [
  ["hi", "你好"],
  ["thanks", "谢谢"],
  ["ok", "好的"],
  ["cry", "难过"],
];
const LARGEST_BYTES = 20 * 1024 * 1024;

/** The composer of a customer in a chat. `ids`: {open_kfid, external_userid}. */
export function composer(ids, nickname) {
  const field = h("textarea", { rows: "1", maxlength: "2000", placeholder: "发消息", "aria-label": `以${nickname}的身份输入消息`, enterkeyhint: "send" });
  const send = h("button", { type: "submit", class: "send", text: "发送" });
  const more = toolButton("plus", "更多：图片、语音、位置等", () => toggle("tools"));
  const smile = toolButton("smile", "表情", () => toggle("stickers"));
  const hold = holdToTalk(() => sends("voice"));
  const speak = toolButton("voice", "切换到语音", () => setSpeaking(!form.classList.contains("speaking")));
  const form = h("form", { class: "composer", autocomplete: "off" }, speak, field, hold, smile, more, send);
  const panel = h("div", { class: "panel", hidden: true });
  let showing = "";

  function setSpeaking(speaking) {
    form.classList.toggle("speaking", speaking);
    speak.replaceChildren(icon(speaking ? "keyboard" : "voice"));
    speak.setAttribute("aria-label", speaking ? "切换到键盘" : "切换到语音");
    if (speaking) toggle("");
    else field.focus();
  }

  function toggle(name) {
    showing = showing === name ? "" : name;
    panel.hidden = !showing;
    more.setAttribute("aria-expanded", String(showing === "tools"));
    smile.setAttribute("aria-expanded", String(showing === "stickers"));
    if (showing) panel.replaceChildren(PANELS[showing]());
    element.dispatchEvent(new CustomEvent("resized"));
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 104)}px`;
    form.classList.toggle("ready", field.value.trim() !== "");
  }

  async function submit() {
    const content = field.value.trim();
    if (!content) return;
    field.value = "";
    grow();
    if ((await act("customer/says", { ...ids, content })) === null) {
      field.value = content;
      grow();
    }
    field.focus();
  }

  async function sends(msgtype, more_fields = {}) {
    toggle("");
    return act("customer/sends", { ...ids, msgtype, ...more_fields });
  }

  async function sendFile(msgtype, blob, filename) {
    if (blob.size > LARGEST_BYTES) return toast("文件超过 20 MB，微信客服收不到", "error");
    return sends(msgtype, { content: await toBase64(blob), filename });
  }

  const PANELS = {
    tools: () =>
      h(
        "div",
        { class: "grid" },
        picker("照片", "image", "image/png,image/jpeg", (file) => sendFile("image", file, file.name)),
        tool("示例图片", "sample", () => toggle("samples")),
        tool("视频", "video", () => sends("video")),
        tool("位置", "pin", () => sends("location", { body: { latitude: 31.2304, longitude: 121.4737, name: "人民广场", address: "上海市黄浦区人民大道 120 号" } })),
        picker("文件", "file", "", (file) => sendFile("file", file, file.name)),
        tool("名片", "card", () => sends("business_card", { body: { userid: "zhangsan" } })),
        tool("链接", "link", () => sends("link", { body: { title: "一篇理财文章", desc: "朋友圈里看到的", url: "https://example.com/article", pic_url: "" } })),
        tool("语音", "mic", () => sends("voice")),
      ),
    samples: () =>
      h(
        "div",
        { class: "grid samples" },
        SAMPLES.map((sample) => {
          const canvas = sample.draw();
          const pick = async () => sendFile("image", await toBlob(canvas), `${sample.name}.png`);
          return h("button", { type: "button", class: "sample", onclick: pick }, canvas, h("span", { text: sample.name }));
        }),
      ),
    stickers: () =>
      h(
        "div",
        { class: "grid" },
        STICKERS.map(([name, label]) =>
          h("button", { type: "button", class: "sticker-pick", "aria-label": `发送表情：${label}`, onclick: () => sends("sticker", { body: { name } }) }, icon(`sticker-${name}`, "drawn"), h("span", { text: label })),
        ),
      ),
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", grow);
  field.addEventListener("focus", () => showing && toggle(""));
  field.addEventListener("keydown", (event) => {
    // While an input method is composing, Enter chooses a candidate and does not send.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  const element = h("div", { class: "composing" }, form, panel);
  return { element, says: (content) => act("customer/says", { ...ids, content }), focus: () => field.focus() };
}

function toolButton(name, label, act_on) {
  return h("button", { type: "button", class: "plain tool", "aria-label": label, title: label, onclick: act_on }, icon(name));
}

function tool(label, name, pick) {
  return h("button", { type: "button", class: "pick", onclick: pick }, h("span", { class: "pick-face" }, icon(name)), h("span", { text: label }));
}

function picker(label, name, accept, take) {
  const input = h("input", { type: "file", accept: accept || null, class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => input.files[0] && take(input.files[0]));
  const button = tool(label, name, () => input.click());
  button.append(input);
  input.addEventListener("click", (event) => event.stopPropagation());
  return button;
}

function holdToTalk(done) {
  const button = h("button", { type: "button", class: "hold", text: "按住 说话" });
  const set = (holding) => {
    button.classList.toggle("holding", holding);
    button.textContent = holding ? "松开 发送" : "按住 说话";
  };
  let holding = false;
  button.addEventListener("pointerdown", () => {
    holding = true;
    set(true);
  });
  const release = (sending) => {
    if (!holding) return;
    holding = false;
    set(false);
    if (sending) done();
  };
  button.addEventListener("pointerup", () => release(true));
  button.addEventListener("pointerleave", () => release(false));
  button.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      done();
    }
  });
  return button;
}
