// Beside a chat: lead to that group or that customer.

import { currentPlace } from "./sdk.js";

const place = document.getElementById("here");
const PAGES = {
  group: { address: "/sidebar/group?chat_id=", words: "你正在一个客户群里，看这个群的事" },
  customer: { address: "/sidebar/customer?external_userid=", words: "你正在和一位客户聊天，看这位客户" },
};

try {
  const beside = await currentPlace();
  const page = beside?.id && PAGES[beside.kind];
  const address = page && page.address + encodeURIComponent(beside.id) + (beside.kind === "customer" ? `&entry=${beside.entry}` : "");
  if (page && place.dataset.goes) {
    location.replace(address);
  } else if (page) {
    const link = document.createElement("a");
    link.className = "notice here";
    link.href = address;
    link.textContent = page.words;
    place.replaceChildren(link);
    place.hidden = false;
  }
} catch {
  // Not in WeCom, or not beside a chat: the page is complete without it.
}
