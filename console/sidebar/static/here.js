// Beside a group's chat: lead to that group.

import { currentGroup } from "./sdk.js";

const place = document.getElementById("here");

try {
  const chat = await currentGroup();
  const address = `/sidebar/group?chat_id=${encodeURIComponent(chat)}`;
  if (chat && place.dataset.goes) {
    location.replace(address);
  } else if (chat) {
    const link = document.createElement("a");
    link.className = "notice here";
    link.href = address;
    link.textContent = "你正在一个客户群里，看这个群的事";
    place.replaceChildren(link);
    place.hidden = false;
  }
} catch {
  // Not in WeCom, or not beside a chat: the page is complete without it.
}
