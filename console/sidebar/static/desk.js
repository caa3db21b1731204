// The advisor's desk beside one customer's chat: suggestions, the editor and one tap to send. The server looks at the
// words again before it hands them over, and learns what the client said; nothing here decides what may be said.

import { SdkError, openService } from "./sdk.js";
import { tellKept } from "./reports.js";
import { post } from "./server.js";
import { connect } from "./stream.js";
import { addPhrase, clear, draft, fieldsOf, put, refresh, restore, verdict } from "./desk_editor.js";
import { button, customer, desk, isRenewed, renew, shown, state, tell, toast, words } from "./desk_page.js";
import { ended, look, toNewest } from "./desk_part.js";
import { place } from "./desk_place.js";
import { watchQuick } from "./desk_quick.js";
import { clearIf, copy, deliver, reportSeen } from "./desk_sending.js";

// Without a stream the part is asked for so often.
const LOOK_MS = 8000;

/** Send what stands in the editor; where nothing can be sent by a tap, copy it. */
async function submit() {
  if (!words.value.trim() || state.busy || verdict.isBlocked()) return;
  const fields = fieldsOf();
  if (!state.canSend) await copy(fields);
  else if (await deliver(fields)) clearIf(fields);
}

desk.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!button.disabled) submit();
});

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
    await reportSeen(tapped.dataset.key, tapped.dataset.end === "yes");
  } else if (tapped.dataset.menu) {
    if (await deliver({ menu: tapped.dataset.menu })) toast("菜单已发送");
  } else if ("edit" in tapped.dataset) {
    const { text, ...from } = offered(tapped);
    put(text, from);
  } else if ("send" in tapped.dataset) {
    tapped.disabled = true;
    await sendOffered(offered(tapped));
    tapped.disabled = false;
  } else if ("refuse" in tapped.dataset) {
    const { one, suggestion } = offered(tapped);
    one.classList.add("is-gone");
    await post(`/sidebar/suggestions/${suggestion}/refuse`);
    if (draft.suggestion === suggestion) clear();
    look();
  }
});

async function sendOffered({ text, suggestion, line }) {
  if (state.placing) {
    tell("正在连接…");
    await state.placing;
  }
  // Who has this one in the editor means the words as they stand there.
  if (draft.suggestion === suggestion && words.value.trim()) {
    await submit();
  } else if (!state.canSend) {
    put(text, { suggestion, line });
    await copy(fieldsOf());
  } else if (!(await deliver({ text, suggestion, line })) && !words.value.trim()) {
    put(text, { suggestion, line });
  }
}

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

const quick = watchQuick(words, { customer, take: addPhrase });

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
    const { text, ...from } = offered(one.firstElementChild);
    put(text, from);
  }
});

// --- the page opens -----------------------------------------------------------------------------------------

restore();
toNewest();
// Fonts and styles may come later than this.
addEventListener("load", toNewest);
document.fonts.ready.then(toNewest);
refresh();
place().then(() => {
  if (isRenewed() && words.value) tell("已重新登录，请再点一次。");
});
tellKept();

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
