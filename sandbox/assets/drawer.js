// The drawer of faults, callbacks and API calls: what goes wrong on demand, in plain words.

import { act, load } from "./api.js";
import { h, icon, toast } from "./dom.js";
import { emit, on, state } from "./store.js";

const REFRESH_MILLISECONDS = 2000;

const GROUPS = [
  ["回调（企业微信 → 应用）", [
    ["每条回调送两次", "应用应只回答一次", { kind: "duplicate" }],
    ["回调乱序", "后一条先到", { kind: "reorder" }],
    ["丢掉一半回调", "应用靠轮询取回", { kind: "drop", probability: 0.5 }],
    ["回调迟到 8 秒", "客户会觉得慢，但不应丢", { kind: "late", seconds: 8 }],
    ["回调签名错误", "应用应拒绝，且不留下任何内容", { kind: "bad_signature" }],
  ]],
  ["客户联系（成员、客户、客户群的事件）", [
    ["丢掉两成事件", "应用应靠定时核对补齐", { kind: "drop", match: "contacts", probability: 0.2 }],
    ["每个事件送两次", "进群退群不应重复计算", { kind: "duplicate", match: "contacts" }],
    ["事件乱序", "后一个先到", { kind: "reorder", match: "contacts", probability: 0.5 }],
    ["事件迟到 20 秒", "欢迎语会来不及", { kind: "late", match: "contacts", seconds: 20 }],
    ["三成接口繁忙（-1）", "群发、群详情等应退避重试", { kind: "errcode", match: "externalcontact/*", code: -1, probability: 0.3 }],
    ["建好群发后断线", "任务已建，应用却不知道", { kind: "reset", match: "externalcontact/add_msg_template", when: "after", count: 1 }],
  ]],
  ["接口（应用 → 企业微信）", [
    ["接口慢 3 秒", "每次调用都等 3 秒", { kind: "delay", seconds: 3 }],
    ["三成调用返回 502", "还没处理就失败，可以重试", { kind: "http", code: 502, probability: 0.3 }],
    ["三成发送后断线", "消息已送到客户，应用却不知道", { kind: "reset", match: "kf/send_msg", when: "after", probability: 0.3 }],
    ["三成系统繁忙（-1）", "可以退避后重试", { kind: "errcode", code: -1, probability: 0.3 }],
    ["频率超限（45009）", "发消息被限流", { kind: "errcode", code: 45009, match: "kf/send_msg" }],
    ["并发超限（45033）", "三成调用被拒", { kind: "errcode", code: 45033, probability: 0.3 }],
  ]],
  ["凭证与权限", [
    ["凭证失效一次（42001）", "应用应换一次凭证并继续", { kind: "expire_tokens", count: 1 }],
    ["凭证永远无效（40014）", "应用应停下来说清楚，而不是一直重试", { kind: "errcode", code: 40014 }],
    ["IP 不在白名单（60020）", "要在管理后台设置企业可信 IP", { kind: "errcode", code: 60020 }],
    ["没有接口权限（48002）", "应用未获授权", { kind: "errcode", code: 48002, match: "kf/*" }],
  ]],
];

export function drawDrawer(drawer) {
  const calls = h("table", { class: "calls" });
  const posts = h("div", { class: "posts" });
  const switches = [];
  const close = h("button", { type: "button", class: "plain", "aria-label": "关闭", onclick: () => show(false) }, icon("close"));
  const calm = h("button", { type: "button", class: "secondary", text: "全部恢复正常", onclick: () => act("faults/remove", {}) });
  drawer.replaceChildren(
    h("header", {}, h("h2", { text: "故障与接口" }), calm, close),
    h(
      "div",
      { class: "drawer-body" },
      h("p", { class: "hint", text: "打开开关，看应用怎样应对。故障只影响沙盒，不会改动应用。" }),
      ...GROUPS.map(([title, faults]) => h("section", {}, h("h3", { text: title }), ...faults.map((one) => faultSwitch(one, switches)))),
      h("section", {}, h("h3", { text: "回调投递" }), posts),
      h("section", {}, h("h3", { text: "接口调用次数" }), calls),
    ),
  );

  let timer = 0;
  function show(shown) {
    drawer.hidden = !shown;
    clearInterval(timer);
    if (shown) {
      refresh();
      timer = setInterval(refresh, REFRESH_MILLISECONDS);
      close.focus();
    }
    emit("drawer", { shown });
  }

  async function refresh() {
    try {
      const stats = await load("stats");
      state.faults = stats.faults;
      state.callbacks = stats.callbacks;
      emit("faults", {});
      drawPosts(posts, stats.callbacks);
      drawCalls(calls, stats.counts);
    } catch {
      calls.replaceChildren(h("caption", { text: "暂时读不到，稍后自动重试" }));
    }
  }

  on("toggle-drawer", () => show(drawer.hidden));
  on("faults", () => switches.forEach((draw) => draw()));
  drawer.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
}

const same = (fault, wanted) =>
  Object.entries({ match: "*", probability: 1, when: "before", ...wanted }).every(([name, value]) => name === "count" || fault[name] === value);

function faultSwitch([label, why, wanted], switches) {
  const box = h("input", { type: "checkbox", role: "switch", "aria-label": label });
  const struck = h("small", { class: "struck" });
  const present = () => state.faults.find((one) => same(one, wanted));
  box.addEventListener("change", async () => {
    const fault = present();
    if (box.checked) await act("faults", wanted);
    else if (fault) await act("faults/remove", { fault_id: fault.fault_id });
  });
  switches.push(() => {
    const fault = present();
    box.checked = Boolean(fault && (fault.count === null || fault.count > 0));
    struck.textContent = fault?.struck ? `已发生 ${fault.struck} 次` : "";
  });
  return h("label", { class: "fault" }, h("span", {}, h("b", { text: label }), h("small", { text: why })), struck, box);
}

function drawPosts(posts, callbacks) {
  posts.replaceChildren(
    ...Object.entries(callbacks).map(([name, one]) => {
      const check = h("button", { type: "button", class: "secondary", text: "检查地址", onclick: () => verify(name) });
      const counts = `送达 ${one.delivered}　失败 ${one.failed_attempts}　放弃 ${one.given_up}　丢弃 ${one.dropped}`;
      return h("div", { class: "post" }, h("div", {}, h("b", { text: name }), h("small", { text: one.url }), h("small", { text: counts }), one.last_error && h("small", { class: "wrong", text: one.last_error })), check);
    }),
  );
}

async function verify(receiver) {
  const found = await act("callbacks/verify", { receiver });
  if (found) toast(found.good ? "地址通过验证" : `没有通过：${found.problem}`, found.good ? "" : "error");
}

function drawCalls(table, counts) {
  if (!counts.length) {
    table.replaceChildren(h("caption", { text: "还没有调用" }));
    return;
  }
  const rows = counts.map(({ endpoint, outcome, count }) => {
    const words = outcome === 0 ? "成功" : outcome < -1 ? `HTTP ${-outcome}` : String(outcome);
    return h("tr", { class: outcome === 0 ? "" : "wrong" }, h("td", { text: endpoint }), h("td", { text: words }), h("td", { text: String(count) }));
  });
  table.replaceChildren(h("thead", {}, h("tr", {}, h("th", { text: "接口" }), h("th", { text: "结果" }), h("th", { text: "次数" }))), h("tbody", {}, rows));
}
