// Where the page stands: only beside this customer's chat does a tap send; elsewhere the same buttons copy.

import { currentPlace } from "./sdk.js";
import { refresh } from "./desk_editor.js";
import { customer, desk, entry, name, service, shown, state, tell } from "./desk_page.js";

/** Ask the client; `state.placing` lets a tap wait for its answer. */
export function place() {
  state.placing = ask().finally(() => { state.placing = null; });
  return state.placing;
}

async function ask() {
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

function byHand(why, tone = "") {
  state.canSend = false;
  desk.classList.add("is-by-hand");
  nameActs();
  tell(why, tone);
}

/** Let the buttons of the suggestions say what a tap does. */
export function nameActs() {
  const act = desk.classList.contains("is-by-hand") ? "复制" : "发送";
  const menu = document.getElementById("send-menu");
  if (menu) menu.hidden = !state.canSend;
  for (const one of shown.querySelectorAll("[data-send]")) {
    one.textContent = act;
    one.setAttribute("aria-label", `${act}第 ${one.dataset.send} 条`);
  }
}
