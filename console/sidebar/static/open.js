// Going to one talk in the WeCom client. Outside it the address is there to copy.

import { openFriend, openGroup, openService } from "./sdk.js";

const place = document.getElementById("open");
const line = document.getElementById("open-line");

const WAYS = {
  kf: ({ account, customer }) => openService(account, customer),
  chat: ({ customer }) => openFriend(customer),
  group: ({ account }) => openGroup(account),
};

async function go() {
  line.textContent = "正在打开…";
  try {
    await WAYS[place.dataset.channel](place.dataset);
    line.textContent = "已经打开，请看聊天窗口。";
  } catch (error) {
    const is_outside = error.kind === "outside";
    line.textContent = is_outside ? "现在不在企业微信里，打不开聊天。" : error.say ?? "没有打开，请再试一次。";
    document.getElementById("open-url").textContent = location.href;
    document.getElementById("open-more").hidden = !is_outside;
    document.getElementById("open-acts").hidden = false;
  }
}

if (place) {
  document.getElementById("open-again").addEventListener("click", go);
  go();
}
