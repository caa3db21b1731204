// Sending an answer of the FAQ into the group beside which the page stands.

import { currentGroup, send } from "./sdk.js";
import { insist } from "./server.js";

const { chat, group } = document.getElementById("chat").dataset;

const say = (words) => document.dispatchEvent(new CustomEvent("say", { detail: words }));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-say]");
  if (!button || button.disabled) return;
  button.disabled = true;
  try {
    const here = await currentGroup();
    if (here !== chat) {
      say(here ? `你打开的是另一个群，请到“${group}”里发。` : `请到“${group}”的聊天工具栏里打开，或点复制。`);
      return;
    }
    await send({ msgtype: "text", text: { content: document.getElementById(button.dataset.say).textContent } });
    const fields = { faq_id: button.dataset.faq };
    await insist(`/sidebar/questions/${button.dataset.question}/answered`, fields);
    location.replace(`/sidebar/group?chat_id=${encodeURIComponent(chat)}&done=answered`);
  } catch (error) {
    say(error.say ?? "网络不通，请稍后再试。");
  } finally {
    button.disabled = false;
  }
});
