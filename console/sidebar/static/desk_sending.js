// Words on their way to the customer: begun on the server, sent by the client, ended by a report. What the client cannot
// send is copied, and the person says whether it went out. Words that left are never offered for a second tap.

import { SdkError, send } from "./sdk.js";
import { report as tellServer } from "./reports.js";
import { isPassing, post } from "./server.js";
import { clear, draft, put, refresh, verdict } from "./desk_editor.js";
import { QUERY, desk, name, offer, offerNothing, renew, state, tell, toast, words } from "./desk_page.js";
import { look } from "./desk_part.js";

const LATER = "已发出，记录稍后补。";
const newNonce = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// What a sending is of: one key for each until the server has answered it. A tap whose answer got lost on the way asks
// again under the same key, so that it is one sending.
const subjectOf = (fields) => fields.suggestion || fields.menu || "typed";
const unanswered = new Map();
// The client said nothing about these words: { begun, sent, fields }.
let unknown = null;

/** Begin. Returns { key, text, messages }; throws SdkError with `said` where the server refuses. */
async function begin(fields) {
  const subject = subjectOf(fields);
  const lost = unanswered.get(subject);
  if (lost && lost.text !== fields.text) {
    await withdraw(lost);
    unanswered.delete(subject);
  }
  const asked = { ...fields, nonce: unanswered.get(subject)?.nonce ?? newNonce() };
  unanswered.set(subject, asked);
  const { status, said } = await post(`/sidebar/customer/begin?${QUERY}`, asked);
  // Also a refusal is an answer: the next tap is another sending.
  if (status === 200 || status === 409) unanswered.delete(subject);
  if (status === 401) throw new SdkError("login", "登录刚过期，正在重新登录，写的字还在。");
  if (status === 404 || status === 403) throw new SdkError("gone", "你已经不在接待这位客户，发不了了。");
  if (status === 429) throw new SdkError("rate", "点得太快了，请过几秒再试。");
  if (status !== 200) throw Object.assign(new SdkError("refused", said.refused ?? "服务器暂时没有回应，请稍后再点一次。"), { said });
  return said;
}

/** End what was begun with other words and never handed over. */
async function withdraw(lost) {
  const { status, said } = await post(`/sidebar/customer/begin?${QUERY}`, lost);
  if (isPassing(status)) throw new SdkError("rate", "服务器暂时没有回应，请稍后再点一次。");
  if (status === 200) await report(said, 0, "the words changed before they were handed over");
}

/** Report how many parts of a sending went out. Returns { isTold }; what is not told is told later. */
const report = (begun, sent, error = "") => tellServer(`/sidebar/customer/sent?${QUERY}`, {
  key: begun.key,
  is_sent: sent > 0 ? "yes" : "no",
  error,
  parts_sent: String(sent),
  parts: String(begun.messages.length),
});

/** The person's word for a sending of which the page knows the key alone. */
export async function reportSeen(key, isSeen) {
  if (unknown?.begun.key === key) {
    unknown = null;
    offerNothing();
  }
  await tellServer(`/sidebar/customer/sent?${QUERY}`, { key, is_sent: isSeen ? "yes" : "no", error: isSeen ? "" : "not seen" });
  look();
}

/** Send what `fields` name. Returns whether the client took all of it. */
export async function deliver(fields) {
  if (state.busy) return false;
  if (unknown && subjectOf(unknown.fields) === subjectOf(fields) && unknown.fields.text === fields.text) {
    askIfSeen();
    return false;
  }
  state.busy = true;
  desk.dataset.busy = "yes";
  offerNothing();
  refresh();
  tell("正在发送…");
  let begun = null;
  try {
    begun = await begin(fields);
    const isTold = await say(begun);
    toast(isTold ? "已发送" : LATER);
    tell(isTold ? "" : LATER);
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

/** Hand the messages to the client. Returns whether the server knows; throws where not all went out. */
async function say(begun) {
  let sent = 0;
  try {
    for (const message of begun.messages) {
      await send(message);
      sent += 1;
    }
  } catch (error) {
    // It may have gone out all the same; nobody may call it failed before the person has looked.
    if (error.kind === "silent") throw Object.assign(error, { sent });
    // A part that went out is out; the rest is told to the person.
    await report(begun, sent, `${error.message}${sent ? ` (${sent}/${begun.messages.length})` : ""}`);
    if (sent) throw Object.assign(new SdkError("partly", `只发出了前 ${sent} 段，共 ${begun.messages.length} 段。`), { sent });
    throw error;
  }
  // From here on the words are sent, whatever becomes of the report.
  const { isTold } = await report(begun, sent);
  return isTold;
}

function fail(error, fields, begun) {
  tell(error.say ?? "网络不通，请稍后再点一次。写的字还在。", error.kind === "cancel" ? "" : "bad");
  if (error.kind === "login") renew();
  if (["blocked", "unqualified", "stopped"].includes(error.said?.why)) verdict.look(true);
  if (error.said?.again) offer([["没有，再发一次", () => deliver({ ...fields, again: "yes" }).then((isSent) => isSent && clearIf(fields))]]);
  if (!begun) return;
  if (error.kind === "silent") {
    unknown = { begun, fields, sent: error.sent };
    askIfSeen();
  } else if (error.kind === "partly") {
    takeRest(begun, fields, error.sent);
  } else if (error.kind !== "cancel" && fields.text) {
    offer([["复制后自己发", () => copy(fields)]]);
  }
}

function askIfSeen() {
  const { begun, fields, sent } = unknown;
  const parts = begun.messages.length;
  tell(`企业微信没有回应，不知道${parts > 1 ? `第 ${sent + 1} 段` : ""}发出去没有。聊天里看到它了吗？`, "warn");
  const end = (isSeen) => async () => {
    unknown = null;
    const out = sent + (isSeen ? 1 : 0);
    const { isTold } = await report(begun, out, isSeen && out === parts ? "" : `not seen (${out}/${parts})`);
    if (out === parts) clearIf(fields);
    else if (out) takeRest(begun, fields, out);
    if (out === parts) tell(isTold ? "已记下。" : LATER);
    if (!out) tell("好，没有记成发送。可以再点一次发送。");
    look();
  };
  offer([["看到了", end(true)], ["没看到", end(false)]]);
}

/** Give back the parts that did not go out; the others must not be sent once more. */
function takeRest(begun, fields, sent) {
  const rest = begun.messages.slice(sent).map((one) => one.text.content).join("\n");
  const told = `只发出了前 ${sent} 段，共 ${begun.messages.length} 段。`;
  if (!words.value.trim() || words.value === fields.text) {
    put(rest);
    tell(`${told}其余的在回复框里，可以再点发送。`, "bad");
  } else {
    tell(told, "bad");
    offer([["把其余的放进回复框", () => put(rest)]]);
  }
}

/** Empty the editor when it still holds what went out; what was written meanwhile stays. */
export function clearIf(fields) {
  if (words.value === fields.text) clear();
  else if (fields.suggestion && draft.suggestion === fields.suggestion) draft.suggestion = "";
}

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

export async function copy(fields) {
  if (state.busy) return;
  state.busy = true;
  refresh();
  try {
    const begun = await begin({ ...fields, again: "yes" });
    const done = await isCopied(begun.text);
    tell(done ? `已复制，请到和${name}的聊天里粘贴发出。发出去了吗？` : "复制不了，请长按文字自己选。发出去了吗？", done ? "" : "warn");
    const end = (isSent) => async () => {
      const { isTold } = await report(begun, isSent ? begun.messages.length : 0, isSent ? "" : "copied, not sent");
      tell(isSent ? (isTold ? "已记下。" : LATER) : "好，没有记成发送。");
      if (isSent) clearIf(fields);
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

document.addEventListener("reported", () => {
  if (document.getElementById("sdk-line").textContent === LATER) tell("");
  look();
});
