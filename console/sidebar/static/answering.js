// Sending or copying an answer of the FAQ into the group beside which the page stands. The server writes the attempt down
// before it hands over the words. What left, or may have left, is never offered for another tap: the person is asked.

import { report, isKept, tellKept } from "./reports.js";
import { currentGroup, send } from "./sdk.js";
import { post } from "./server.js";

const { chat, group } = document.getElementById("chat").dataset;
const ends = document.getElementById("ends");
const words = document.getElementById("ends-words");
const choices = document.getElementById("ends-choices");
// What was handed over here and not ended yet: { question, key }.
const PENDING = `answering:${chat}`;

const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));
const path = (question) => `/sidebar/questions/${question}`;

function tell(text, offered = []) {
  words.textContent = text;
  choices.replaceChildren(...offered.map(([label, act]) => {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "button";
    one.textContent = label;
    one.addEventListener("click", act, { once: true });
    return one;
  }));
  choices.hidden = offered.length === 0;
  ends.hidden = false;
  ends.scrollIntoView({ block: "center" });
}

function reload(done = "") {
  location.replace(`/sidebar/group?chat_id=${encodeURIComponent(chat)}${done ? `&done=${done}` : ""}`);
}

/** Tell the server how it ended, and the person what that means. */
async function end(question, key, isSent, error = "") {
  tell("正在记录…");
  const { isTold, status } = await report(`${path(question)}/sent`, { key, is_sent: isSent ? "yes" : "no", error });
  if (isTold) sessionStorage.removeItem(PENDING);
  if (status === 401) location.reload();
  else if (!isTold) waitForRecord(isSent ? "已发出，记录稍后补，不用再点。" : "没有发出，记录稍后补。");
  else if (isSent) reload("answered");
  else ends.hidden = true;
}

/** Its end is known here and not yet to the server: nothing to tap until it is. */
function waitForRecord(text) {
  tell(text);
  document.addEventListener("reported", () => {
    sessionStorage.removeItem(PENDING);
    reload();
  }, { once: true });
}

function ask(question, key, text, [yes, no] = ["看到了", "没看到"]) {
  tell(text, [[yes, () => end(question, key, true)], [no, () => end(question, key, false, "not seen")]]);
}

async function isCopied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** Have the attempt written down; returns the words, null when they are not handed out. */
async function begin({ question, faq, say: how }, again) {
  const { status, said } = await post(`${path(question)}/begin`, again ? { faq_id: faq, again: "yes" } : { faq_id: faq });
  if (status === 200) {
    sessionStorage.setItem(PENDING, JSON.stringify({ question, key: said.key }));
    return said;
  }
  if (status === 401) location.reload();
  else if (said.again) tell(said.refused, [["群里没有，再来一次", () => act({ question, faq, say: how }, true)]]);
  else say(status === 429 ? "点得太快了，请过几秒再试。" : said.refused || "请刷新后再点一次。");
  return null;
}

async function sendOne({ question }, { key, messages }) {
  try {
    for (const message of messages) await send(message);
  } catch (error) {
    if (error.kind === "silent") {
      ask(question, key, `企业微信没有回应，不知道发出去没有。“${group}”里看到那段答复了吗？`);
      return;
    }
    await end(question, key, false, error.message);
    say(error.say ?? "没有发出去，请稍后再试。");
    return;
  }
  await end(question, key, true);
}

async function copyOne({ question }, { key, messages }) {
  const text = messages.map((message) => message.text.content).join("\n");
  const lead = (await isCopied(text)) ? `已复制，请到“${group}”里粘贴发出。` : `复制不了，请长按选中下面这段，到“${group}”里发出。\n${text}\n`;
  ask(question, key, `${lead}发出去了吗？`, ["发出去了", "没有发"]);
}

let isBusy = false;

async function act(wanted, again = false) {
  if (isBusy) return;
  isBusy = true;
  try {
    if (wanted.say === "send") {
      const here = await currentGroup();
      if (here !== chat) {
        say(here ? `你打开的是另一个群，请到“${group}”里发。` : `请到“${group}”的聊天工具栏里打开，或点复制。`);
        return;
      }
    }
    const begun = await begin(wanted, again);
    if (begun) await (wanted.say === "send" ? sendOne : copyOne)(wanted, begun);
  } catch (error) {
    say(error.say ?? "网络不通，请稍后再试。");
  } finally {
    isBusy = false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-say], [data-end]");
  if (!button || button.disabled) return;
  button.disabled = true;
  const { question, key, end: ended } = button.dataset;
  if (ended) await end(question, key, ended === "yes", ended === "yes" ? "" : "not seen");
  else await act(button.dataset);
  button.disabled = false;
});

const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
if (pending && isKept(pending.key)) {
  waitForRecord("上次的结果正在补记…");
  tellKept();
} else if (pending) {
  ask(pending.question, pending.key, `上次点了发送或复制，没有记下结果。“${group}”里看到那段答复了吗？`);
}
