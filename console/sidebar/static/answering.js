// Sending an answer of the FAQ into the group beside which the page stands.

import { currentGroup, send } from "./sdk.js";
import { insist, post } from "./server.js";

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
    const path = `/sidebar/questions/${button.dataset.question}`;
    const { status, said } = await post(`${path}/begin`, { faq_id: button.dataset.faq });
    if (status !== 200) {
      say(said.refused === "login" || !said.refused ? "请刷新后再点一次。" : said.refused);
      return;
    }
    try {
      for (const message of said.messages) await send(message);
    } catch (error) {
      await insist(`${path}/sent`, { key: said.key, is_sent: "no", error: error.message });
      throw error;
    }
    await insist(`${path}/sent`, { key: said.key, is_sent: "yes", error: "" });
    location.replace(`/sidebar/group?chat_id=${encodeURIComponent(chat)}&done=answered`);
  } catch (error) {
    say(error.say ?? "网络不通，请稍后再试。");
  } finally {
    button.disabled = false;
  }
});
