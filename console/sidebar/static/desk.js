// The advisor's desk beside one customer's chat: suggestions, the editor and one tap to send. The server looks at the
// words again before it hands them over, and learns what the client said; nothing here decides what may be said.

import { SdkError, currentPlace, openService, send } from "./sdk.js";
import { insist, part, post } from "./server.js";
import { connect } from "./stream.js";
import { watchQuick } from "./desk_quick.js";
import { watchWords } from "./desk_verdict.js";

const desk = document.getElementById("desk");
const words = document.getElementById("words");
const button = document.getElementById("send");
const line = document.getElementById("sdk-line");
const ends = document.getElementById("ends");
const count = document.getElementById("count");
const shown = document.getElementById("desk-part");
const { customer, name, entry, service } = desk.dataset;
const QUERY = `external_userid=${encodeURIComponent(customer)}${entry ? `&entry=${encodeURIComponent(entry)}` : ""}`;
const DRAFT = `desk:${document.body.dataset.viewer}:${customer}`;
const LONG = 500;
const RENEWED = "desk:renewed";
// Without a stream the part is asked for so often.
const LOOK_MS = 8000;

const newNonce = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// What the editor holds: the suggestion it came from, what it is about, and a key for one sending of it.
const draft = { suggestion: "", line: "", nonce: newNonce() };
const state = { canSend: false, busy: false, why: "" };

function tell(text, tone = "") {
  line.textContent = text;
  line.className = `sdk-line ${tone}`;
}

const toast = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

// --- the editor ---------------------------------------------------------------------------------------------

const verdict = watchWords(words, {
  about: () => ({ line: draft.line, conversation: desk.dataset.talk, recipient: customer }),
  changed: refresh,
  take: (text) => put(text, { suggestion: draft.suggestion, line: draft.line }),
});

function refresh() {
  const text = words.value.trim();
  count.textContent = text.length >= LONG ? `${text.length} 字` : "";
  words.style.height = "auto";
  words.style.height = `${Math.min(words.scrollHeight + 2, innerHeight * 0.34)}px`;
  button.disabled = !text || !state.canSend || state.busy || verdict.isBlocked();
  document.getElementById("copy").disabled = !text || state.busy || verdict.isBlocked();
  if (text) sessionStorage.setItem(DRAFT, JSON.stringify({ text: words.value, suggestion: draft.suggestion, line: draft.line }));
  else sessionStorage.removeItem(DRAFT);
}

function put(text, { suggestion = "", line: about = "" } = {}) {
  words.value = text;
  Object.assign(draft, { suggestion, line: about, nonce: newNonce() });
  mark();
  words.focus();
  words.setSelectionRange(text.length, text.length);
  words.scrollTop = 0;
  verdict.look();
  refresh();
}

function mark() {
  for (const one of shown.querySelectorAll("[data-suggestion]")) {
    one.classList.toggle("is-chosen", one.dataset.suggestion === draft.suggestion && draft.suggestion !== "");
  }
}

words.addEventListener("input", () => {
  if (!words.value.trim()) Object.assign(draft, { suggestion: "", line: "", nonce: newNonce() });
  mark();
  refresh();
});

// --- sending ------------------------------------------------------------------------------------------------

async function begin(fields) {
  const { status, said } = await post(`/sidebar/customer/begin?${QUERY}`, fields);
  if (status === 401) throw new SdkError("login", "登录刚过期，正在重新登录，写的字还在。");
  if (status === 404 || status === 403) throw new SdkError("gone", "你已经不在接待这位客户，发不了了。");
  if (status === 429) throw new SdkError("rate", "点得太快了，请过几秒再试。");
  if (status !== 200) throw Object.assign(new SdkError("refused", said.refused ?? "服务器暂时没有回应，请稍后再点一次。"), { said });
  return said;
}

const report = (key, isSent, error = "") => insist(`/sidebar/customer/sent?${QUERY}`, { key, is_sent: isSent ? "yes" : "no", error });

/** Send what `fields` name. Returns whether the client took all of it. */
async function deliver(fields) {
  if (state.busy) return false;
  state.busy = true;
  desk.dataset.busy = "yes";
  ends.hidden = true;
  refresh();
  tell("正在发送…");
  let begun = null;
  try {
    begun = await begin(fields);
    nonces.delete(fields.suggestion);
    await say(begun);
    toast("已发送");
    tell("");
    return true;
  } catch (error) {
    fail(error, fields, begun);
    return false;
  } finally {
    state.busy = false;
    delete desk.dataset.busy;
    refresh();
    look();
  }
}

async function say(begun) {
  let sent = 0;
  try {
    for (const message of begun.messages) {
      await send(message);
      sent += 1;
    }
  } catch (error) {
    // A part that went out is out; the rest is told to the person.
    await report(begun.key, sent > 0, `${error.message}${sent ? ` (${sent}/${begun.messages.length})` : ""}`);
    if (sent) throw new SdkError("partly", `只发出了前 ${sent} 段，共 ${begun.messages.length} 段。请复制其余的自己发。`);
    throw error;
  }
  await report(begun.key, true);
}

function fail(error, fields, begun) {
  tell(error.say ?? "网络不通，请稍后再点一次。写的字还在。", error.kind === "cancel" ? "" : "bad");
  if (error.kind === "login") renew();
  if (error.said?.why === "blocked") verdict.look();
  if (error.said?.again) offer([["没有，再发一次", () => deliver({ ...fields, again: "yes", nonce: newNonce() })]]);
  const byClient = begun && !["cancel", "partly"].includes(error.kind);
  if (byClient) {
    draft.nonce = newNonce();
    if (fields.text) offer([["复制后自己发", () => copy(fields)]]);
  } else if (begun) {
    draft.nonce = newNonce();
  }
}

/** The session has ended: the page comes back by itself through the platform's login, with the words. */
function renew() {
  sessionStorage.setItem(RENEWED, "yes");
  location.reload();
}

function offer(choices) {
  ends.replaceChildren(...choices.map(([text, act]) => {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "button";
    one.textContent = text;
    one.addEventListener("click", () => { ends.hidden = true; act(); });
    return one;
  }));
  ends.hidden = false;
}

const fieldsOf = () => ({ text: words.value, suggestion: draft.suggestion, line: draft.line, nonce: draft.nonce });

function clear() {
  words.value = "";
  Object.assign(draft, { suggestion: "", line: "", nonce: newNonce() });
  mark();
  verdict.look();
  refresh();
}

desk.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  if (await deliver(fieldsOf())) clear();
});

// --- copying: what the client cannot send goes out by hand, and the person says whether it did ----------------

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

async function copy(fields) {
  if (state.busy) return;
  state.busy = true;
  refresh();
  try {
    const { key, text } = await begin({ ...fields, nonce: newNonce(), again: "yes" });
    const done = await isCopied(text);
    tell(done ? `已复制，请到和${name}的聊天里粘贴发出。发出去了吗？` : "复制不了，请长按文字自己选。发出去了吗？", done ? "" : "warn");
    const end = (isSent) => async () => {
      await report(key, isSent, isSent ? "" : "copied, not sent");
      tell(isSent ? "已记下。" : "好，没有记成发送。");
      if (isSent) clear();
      look();
    };
    offer([["发出去了", end(true)], ["没有发", end(false)]]);
  } catch (error) {
    fail(error, fields, null);
  } finally {
    state.busy = false;
    refresh();
  }
}

document.getElementById("copy").addEventListener("click", () => copy(fieldsOf()));

// --- suggestions --------------------------------------------------------------------------------------------

const offered = (element) => {
  const one = element.closest("[data-suggestion]");
  return { one, text: one.querySelector(".offer-text").textContent, suggestion: one.dataset.suggestion, line: one.dataset.about };
};

shown.addEventListener("click", async (event) => {
  const tapped = event.target.closest("button");
  if (!tapped || tapped.disabled) return;
  if (tapped.dataset.end) {
    tapped.disabled = true;
    await report(tapped.dataset.key, tapped.dataset.end === "yes", tapped.dataset.end === "yes" ? "" : "not seen");
    look();
  } else if (tapped.dataset.menu) {
    if (await deliver({ menu: tapped.dataset.menu, nonce: newNonce() })) toast("菜单已发送");
  } else if ("edit" in tapped.dataset) {
    const { text, suggestion, line: about } = offered(tapped);
    put(text, { suggestion, line: about });
  } else if ("send" in tapped.dataset) {
    await sendOffered(tapped);
  } else if ("refuse" in tapped.dataset) {
    const { one, suggestion } = offered(tapped);
    one.classList.add("is-gone");
    await post(`/sidebar/suggestions/${suggestion}/refuse`);
    if (draft.suggestion === suggestion) clear();
    look();
  }
});

// A tap whose answer got lost on the way asks again under the same key, so that it is one sending.
const nonces = new Map();

async function sendOffered(tapped) {
  const { text, suggestion, line: about } = offered(tapped);
  if (!state.canSend) {
    put(text, { suggestion, line: about });
    await copy(fieldsOf());
    return;
  }
  tapped.disabled = true;
  const isEdited = draft.suggestion === suggestion;
  if (!nonces.has(suggestion)) nonces.set(suggestion, newNonce());
  if (await deliver({ text, suggestion, line: about, nonce: nonces.get(suggestion) })) {
    if (isEdited) clear();
  } else if (!words.value.trim()) {
    put(text, { suggestion, line: about });
  }
  tapped.disabled = false;
}

// --- the part that changes ----------------------------------------------------------------------------------

let marked = "";
let looking = null;
let isOver = false;
let again = false;

/** Fetch the part; while one is under way, once more afterwards. `waits`: suggestions come by themselves. */
async function look(waits = false) {
  if (isOver) return;
  if (looking) {
    again = true;
    return;
  }
  looking = fetchPart(waits).finally(() => {
    looking = null;
    if (again) {
      again = false;
      look();
    }
  });
}

async function fetchPart(waits) {
  try {
    const url = `${shown.dataset.url}${marked ? `&mark=${marked}` : ""}${waits ? "&wait=1" : ""}`;
    const { status, html, mark: newMark } = await part(url);
    document.getElementById("offline").hidden = true;
    if (status === 401) renew();
    if (status === 404) ended();
    if (status === 200) show(html, newMark);
  } catch {
    document.getElementById("offline").hidden = false;
  }
}

function show(html, newMark) {
  const open = [...shown.querySelectorAll("details[id][open]")].map((one) => one.id);
  const focused = document.activeElement?.closest("[data-suggestion]")?.dataset.suggestion;
  const isAtEnd = atNewest();
  const before = document.getElementById("lines")?.scrollTop ?? 0;
  marked = newMark;
  shown.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) shown.querySelector(`[data-suggestion="${focused}"] .offer-text`)?.focus({ preventScroll: true });
  mark();
  nameActs();
  // Whoever reads further up stays there.
  if (isAtEnd) toNewest();
  else document.getElementById("lines")?.scrollTo(0, before);
}

function ended(why = "会话已经结束，或转给了别的同事。") {
  isOver = true;
  state.canSend = false;
  state.why = why;
  tell(why, "warn");
  refresh();
}

const NEAR_PX = 60;

function atNewest() {
  const lines = document.getElementById("lines");
  return !lines || lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PX;
}

function toNewest() {
  const lines = document.getElementById("lines");
  if (lines) lines.scrollTop = lines.scrollHeight;
}

document.getElementById("ask-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = document.getElementById("asked");
  const find = document.getElementById("find");
  if (!asked.value.trim()) {
    asked.focus();
    return;
  }
  find.disabled = true;
  find.textContent = "正在找…";
  try {
    const { status, html, mark: newMark } = await part(`/sidebar/customer/ask?${QUERY}`, { asked: asked.value });
    if (status === 401) location.reload();
    if (status === 200) {
      show(html, newMark);
      document.getElementById("round")?.scrollIntoView({ block: "start" });
    }
  } catch {
    toast("网络不通，请稍后再试。");
  }
  find.disabled = false;
  find.textContent = "找建议";
});

// --- the next customer: in WeCom to that chat, elsewhere to that page ----------------------------------------

shown.addEventListener("click", async (event) => {
  const next = event.target.closest("[data-kf]");
  if (!next || !state.canSend) return;
  event.preventDefault();
  try {
    await openService(next.dataset.kf, next.dataset.who);
  } catch {
    location.assign(next.href);
  }
});

// --- giving the customer back to the bot --------------------------------------------------------------------

const giveBack = document.getElementById("give-back");
let isSure = false;

giveBack?.addEventListener("click", async () => {
  if (!isSure) {
    isSure = true;
    giveBack.textContent = "再点一次：结束接待，交还机器人";
    return;
  }
  giveBack.disabled = true;
  try {
    const { status } = await post(`/sidebar/handovers/${giveBack.dataset.handover}/give-back`);
    if (status === 401) renew();
    if (status !== 200) throw new SdkError("refused", "现在交不回去，请过一会儿再试。");
    giveBack.textContent = "已交还";
    ended("已交还给机器人，客户再说话由机器人接着答。");
  } catch (error) {
    giveBack.disabled = false;
    tell(error.say ?? "网络不通，请稍后再点一次。", "bad");
  }
});

// --- keys ---------------------------------------------------------------------------------------------------

const quick = watchQuick(words, {
  customer,
  take: (text, about) => put(words.value.trim() ? `${words.value.trimEnd()}\n${text}` : text, words.value.trim() ? draft : { line: about }),
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === words) {
    event.preventDefault();
    desk.requestSubmit();
  } else if (event.key === "/" && (!isTyping || (event.target === words && !words.value))) {
    event.preventDefault();
    quick.open();
  } else if (!isTyping && !event.ctrlKey && !event.altKey && !event.metaKey && /^[1-3]$/.test(event.key)) {
    const one = shown.querySelectorAll("[data-suggestion]")[Number(event.key) - 1];
    if (!one) return;
    event.preventDefault();
    const { text, suggestion, line: about } = offered(one.firstElementChild);
    put(text, { suggestion, line: about });
  }
});

// --- where the page stands ----------------------------------------------------------------------------------

async function place() {
  try {
    const beside = await currentPlace();
    if (beside?.kind === "customer" && beside.id === customer) {
      if (beside.entry === "single_kf_tools" && entry !== beside.entry) location.replace(`/sidebar/customer?external_userid=${encodeURIComponent(customer)}&entry=${beside.entry}`);
      if (beside.entry === "contact_profile") byHand("从资料页打开时不能直接发。复制文字自己发，或到聊天的工具栏里打开。");
      else if (service && beside.entry !== "single_kf_tools") byHand("你打开的是单聊，这里是微信客服的会话。请到客服会话的工具栏里打开。");
      else mayBeSent();
    } else if (beside) {
      byHand(`你打开的是另一个聊天。请到和${name}的聊天里打开，免得发错。`);
    } else {
      byHand(`请到和${name}的聊天工具栏里打开，一点就发；或复制文字自己发。`);
    }
  } catch (error) {
    byHand(error.say ?? String(error), error.kind === "outside" ? "" : "warn");
  }
  refresh();
}

function mayBeSent() {
  state.canSend = true;
  desk.classList.remove("is-by-hand");
  nameActs();
}

/** Here nothing can be sent by a tap: the same buttons copy. */
function byHand(why, tone = "") {
  state.canSend = false;
  state.why = why;
  desk.classList.add("is-by-hand");
  nameActs();
  tell(why, tone);
}

function nameActs() {
  const act = desk.classList.contains("is-by-hand") ? "复制" : "发送";
  const menu = document.getElementById("send-menu");
  if (menu) menu.hidden = !state.canSend;
  for (const one of shown.querySelectorAll("[data-send]")) {
    one.textContent = act;
    one.setAttribute("aria-label", `${act}第 ${one.dataset.send} 条`);
  }
}

const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
if (kept?.text) put(kept.text, kept);
words.blur();
toNewest();
// Fonts and styles may come later than this.
addEventListener("load", toNewest);
document.fonts.ready.then(toNewest);
refresh();
place().then(() => {
  if (sessionStorage.getItem(RENEWED) && words.value) tell("已重新登录，请再点一次。");
  sessionStorage.removeItem(RENEWED);
});

if (desk.dataset.talk) {
  let late = 0;
  connect(({ kind, why }) => {
    clearTimeout(late);
    if (kind === "bye" && why === "login") location.reload();
    // The suggestions of a new message are told of by themselves; should they not be, the page looks for them.
    if (kind === "message") late = setTimeout(() => look(), 1500);
    look(kind === "message");
  }, { conversations: [desk.dataset.talk] });
}
// A talk that has not begun has no stream; and a stream that broke shall not leave an old page.
setInterval(() => { if (document.visibilityState === "visible" && !state.busy) look(); }, desk.dataset.talk ? LOOK_MS * 4 : LOOK_MS);
