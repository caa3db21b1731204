// Sending a step's text by one tap. The server writes the attempt down before it hands over the text, and afterwards
// learns what the client said; a page that was closed in between asks the person what became of it.

import { canOpenChats, currentGroup, openGroup, send } from "./sdk.js";
import { isKept, report as tellServer, tellKept } from "./reports.js";
import { post } from "./server.js";

const place = document.getElementById("sending");
const line = document.getElementById("sdk-line");
const button = document.getElementById("send");
const byHand = document.getElementById("by-hand");
const { step, chat, group } = place.dataset;
const PATH = `/sidebar/steps/${step}`;
const PENDING = `sending:${step}`;

function tell(words, tone = "") {
  line.textContent = words;
  line.className = `sdk-line ${tone}`;
}

function offer(words, act) {
  const extra = document.createElement("button");
  extra.type = "button";
  extra.className = "button block";
  extra.textContent = words;
  extra.addEventListener("click", act);
  line.after(extra);
  return extra;
}

function letByHand(words, tone = "warn") {
  tell(words, tone);
  button.hidden = true;
  byHand.classList.add("is-main");
}

function done() {
  location.replace(`${PATH}?done=sent`);
}

/** Report. Returns { isTold, refused }; what cannot be told now is told later by itself. */
async function report(key, isSent, error) {
  const { isTold, status, said } = await tellServer(`${PATH}/sent`, { key, is_sent: isSent ? "yes" : "no", error });
  if (isTold) localStorage.removeItem(PENDING);
  if (status === 401) location.reload();
  return { isTold, refused: said.refused ?? "" };
}

/** Its end is known here and not yet to the server: nothing to tap until it is. */
function waitForRecord(key, words, after = () => location.replace(PATH)) {
  letByHand(words);
  byHand.hidden = true;
  document.addEventListener("reported", ({ detail }) => {
    if (detail !== key) return;
    localStorage.removeItem(PENDING);
    after();
  });
}

/** The last sending was cut off before its end was told. */
function askWhatBecame(key) {
  letByHand(`上次点了发送，没有收到结果。“${group}”里看到那段文字了吗？`);
  byHand.hidden = true;
  const answers = [["看到了", true], ["没看到", false]].map(([words, isSent]) =>
    offer(words, async () => {
      for (const one of answers) one.disabled = true;
      const { isTold } = await report(key, isSent, isSent ? "" : "not seen");
      if (!isTold) waitForRecord(key, "网络不通，已记在这里，稍后补上。");
      else if (isSent) done();
      else location.reload();
    }));
}

async function connect() {
  try {
    const here = await currentGroup();
    if (here === chat) {
      tell(`会发到“${group}”`);
      button.disabled = false;
    } else if (here) {
      letByHand(`你打开的是另一个群。请到“${group}”的工具栏里打开，免得发错。`, "bad");
      if (canOpenChats()) offer("打开这个群", goThere);
    } else {
      letByHand(`请到“${group}”的聊天工具栏里打开，一点就发；或复制文字自己发。`, "");
      if (canOpenChats()) offer("打开这个群", goThere);
    }
  } catch (error) {
    letByHand(error.say ?? String(error), error.kind === "outside" ? "" : "warn");
  }
}

async function goThere() {
  try {
    await openGroup(chat);
  } catch (error) {
    tell(error.say ?? String(error), "warn");
  }
}

async function sendAll({ key, messages, missing }) {
  const left = [...missing];
  let isSent = false;
  let problem = null;
  for (const message of messages) {
    try {
      await send(message);
      isSent = true;
    } catch (error) {
      problem = error;
      // Without the words there is nothing to hang a picture on.
      if (!isSent) break;
      left.push(message.news?.title ?? message.msgtype);
    }
  }
  // The words may be in the chat: not reported, so that nothing invites a second tap.
  if (!isSent && problem?.kind === "silent") {
    askWhatBecame(key);
    return;
  }
  const { isTold, refused } = await report(key, isSent, problem ? problem.message : "");
  if (isSent && !isTold) {
    waitForRecord(key, `已发出，记录稍后补。${left.length ? `还没发出去的，请自己补发：${left.join("、")}` : ""}`, left.length ? undefined : done);
  } else if (!isSent) {
    tell(problem?.say ?? "没有可发的内容。", "bad");
    button.disabled = false;
    byHand.classList.add("is-main");
  } else if (refused) {
    tell(refused, "warn");
  } else if (left.length) {
    letByHand(`文字已发出。还有没发出去的，请自己补发：${left.join("、")}`);
    offer("好的", done);
  } else {
    done();
  }
}

async function begin(again) {
  button.disabled = true;
  button.dataset.busy = "yes";
  tell("正在发送…");
  try {
    const { status, said } = await post(`${PATH}/begin`, again ? { again: "yes" } : {});
    if (status === 401) {
      location.reload();
    } else if (status !== 200) {
      letByHand(said.refused ?? "现在发不了，请刷新看看。");
      if (said.again) {
        const repeat = offer("群里没有，再发一次", () => {
          repeat.remove();
          begin(true);
        });
      }
    } else {
      localStorage.setItem(PENDING, said.key);
      await sendAll(said);
    }
  } catch (error) {
    tell(error.say ?? "网络不通，请稍后再点一次。", "bad");
    button.disabled = false;
  }
}

button.addEventListener("click", () => begin(false));

const pending = localStorage.getItem(PENDING);
if (pending && isKept(pending)) {
  waitForRecord(pending, "上次的结果正在补记…");
  tellKept();
} else if (pending) {
  askWhatBecame(pending);
} else {
  connect();
}
