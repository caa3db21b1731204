// The bar at the top: virtual time, fast-forward, how the application is doing, and the switches of the page.

import { act } from "./api.js";
import { longTime, now, pace, rate, setClock } from "./clock.js";
import { h, icon, menu, toast } from "./dom.js";
import { emit, on, state } from "./store.js";

const JUMPS = [["+10 分钟", 600], ["+6 小时", 6 * 3600], ["+1 天", 24 * 3600]];
const RATES = [[1, "1 倍（正常）"], [10, "10 倍"], [60, "60 倍（1 秒 = 1 分钟）"], [600, "600 倍（1 秒 = 10 分钟）"], [3600, "3600 倍（1 秒 = 1 小时）"], [0, "暂停"]];
const SHOW_SERVICERS = "sandbox-show-servicers";
const ROOMY_PIXELS = 1100;

const PAGES = [["/", "客户手机"], ["/client", "员工手机"], ["/groups", "客户群"], ["/people", "通讯录"], ["/bot", "问机器人"]];

/** `isChat`: the page of customers' phones, with its own two buttons. */
export function drawBar(bar, isChat = true) {
  const date = h("span", { class: "date" });
  const time = h("b", { class: "time" });
  const speed = h("span", { class: "speed" });
  const clock = h("div", { class: "clock", role: "timer", "aria-label": "沙盒时间" }, icon("clock"), date, time, speed);
  const next = h("button", { type: "button", class: "jump", text: "到下一件事", title: "快进，直到有卡片、群发或提醒送到员工手机上", onclick: () => setPace(pace() === "next" ? "hand" : "next") });
  const auto = h("button", { type: "button", class: "jump", text: "自动快进", title: "没事时快，有事时慢：一周两三分钟", onclick: () => setPace(pace() === "auto" ? "hand" : "auto") });
  const jumps = h("div", { class: "jumps", role: "group", "aria-label": "快进" }, next, auto, JUMPS.map(jumpButton), speedMenu());
  const later = menu("快进", icon("clock"), () => [
    { label: pace() === "next" ? "停在这里" : "到下一件事", act: () => setPace(pace() === "next" ? "hand" : "next") },
    { label: pace() === "auto" ? "停下自动快进" : "自动快进（一周两三分钟）", act: () => setPace(pace() === "auto" ? "hand" : "auto") },
    ...JUMPS.map(([label, seconds]) => ({ label: `快进 ${label}`, act: () => jump(label, seconds) })),
    ...RATES.map(([value, label]) => ({ label: `速度：${label}`, act: () => setRate(value) })),
  ], "menu later");
  const health = h("span", { class: "health", role: "status" });
  const faults = h("button", { type: "button", class: "bar-button", "aria-expanded": "false", onclick: () => emit("toggle-drawer", {}) }, icon("bolt"), h("span", { class: "word", text: "故障" }), h("span", { class: "count", hidden: true }));
  const add = h("button", { type: "button", class: "bar-button", onclick: () => emit("ask-customer", {}) }, icon("person-add"), h("span", { class: "word", text: "添加客户" }));
  const people = h("button", { type: "button", class: "bar-button people-button", onclick: () => showServicers(!isShown()) }, icon("headset"), h("span", { class: "word", text: "接待人员" }));
  bar.replaceChildren(...[
    pageMenu(),
    h("div", { class: "brand" }, h("img", { src: "/assets/logo.svg", alt: "", width: "26", height: "26" }), h("span", {}, h("b", { text: "沙盒" }), h("small", { text: "像在微信里一样试用" }))),
    h("nav", { class: "pages", "aria-label": "页面" }, PAGES.map(pageLink)),
    clock,
    jumps,
    later,
    h("span", { class: "space" }),
    health,
    isChat && add,
    faults,
    isChat && people,
  ].filter(Boolean));
  faults.setAttribute("aria-label", "故障与接口");
  add.setAttribute("aria-label", "添加客户");

  function tick() {
    const read = longTime(now());
    date.textContent = `${read.date} ${read.weekday}`;
    time.textContent = read.time;
    speed.hidden = rate() === 1;
    speed.textContent = rate() === 0 ? "已暂停" : `${rate()} 倍速`;
    next.setAttribute("aria-pressed", String(pace() === "next"));
    auto.setAttribute("aria-pressed", String(pace() === "auto"));
    clock.classList.toggle("paused", rate() === 0);
  }
  setInterval(tick, 250);
  tick();

  function drawHealth() {
    const [look, words, why] = judge();
    health.className = `health ${look}`;
    health.textContent = words;
    health.title = why;
  }

  function drawFaults() {
    const count = state.faults.filter((one) => one.count === null || one.count > 0).length;
    const badge = faults.querySelector(".count");
    badge.hidden = count === 0;
    badge.textContent = String(count);
    faults.classList.toggle("on", count > 0);
  }

  const isShown = () => !document.getElementById("servicers").hidden;
  function showServicers(shown) {
    document.getElementById("servicers").hidden = !shown;
    people.setAttribute("aria-pressed", String(shown));
    sessionStorage.setItem(SHOW_SERVICERS, shown ? "yes" : "no");
  }

  on("clock", tick);
  on("online", drawHealth);
  on("callbacks", drawHealth);
  on("faults", drawFaults);
  on("drawer", ({ shown }) => faults.setAttribute("aria-expanded", String(shown)));
  if (isChat) on("ready", () => showServicers((sessionStorage.getItem(SHOW_SERVICERS) ?? (innerWidth > ROOMY_PIXELS ? "yes" : "no")) === "yes"));
  drawHealth();
}

const isHere = (path) => location.pathname === path;

function pageLink([path, label]) {
  return h("a", { href: path, "aria-current": isHere(path) ? "page" : null, text: label });
}

/** The pages as a menu, where the bar is narrow. */
function pageMenu() {
  const here = PAGES.find(([path]) => isHere(path)) ?? PAGES[0];
  return menu("换页面", h("span", { class: "page-now" }, here[1], icon("chevron")), () =>
    PAGES.map(([path, label]) => ({ label, act: () => location.assign(path) })), "menu page-menu");
}

/** How the application takes its callbacks: look, words, and why. */
function judge() {
  const kf = state.callbacks.kf;
  if (!state.online) return ["bad", "沙盒未连接", "页面会自动重连"];
  if (!kf) return ["idle", "没有 kf 回调地址", "配置里没有名为 kf 的 receiver"];
  if (kf.last_error && kf.waiting) return ["bad", "回调未送达，正在重试", `${kf.last_error}；${kf.waiting} 条等待重试`];
  if (kf.last_error) return ["bad", "回调未送达", `${kf.last_error}；已放弃 ${kf.given_up} 条，应用会在轮询时取到`];
  const told = Object.values(state.callbacks).reduce((sum, one) => sum + one.delivered, 0);
  if (!kf.delivered && told) return ["good", "应用已接通", `已送达 ${told} 条回调，还没有客户消息`];
  if (kf.delivered) return ["good", "应用已接通", `已送达 ${kf.delivered} 条回调`];
  return ["idle", "等待第一条消息", `回调将发往 ${kf.url}`];
}

function jumpButton([label, seconds]) {
  return h("button", { type: "button", class: seconds < 3600 ? "jump short" : "jump", text: label, title: `沙盒时间快进 ${label.slice(1)}`, onclick: () => jump(label, seconds) });
}

async function jump(label, seconds) {
  const clock = await act("clock/jump", { seconds });
  if (!clock) return;
  setClock(clock);
  emit("clock", {});
  toast(`沙盒时间已快进 ${label.slice(1)}`);
}

async function setRate(value) {
  const clock = await act("clock/rate", { rate: value });
  if (!clock) return;
  setClock(clock);
  emit("clock", {});
}

async function setPace(mode) {
  const clock = await act("clock/pace", { mode });
  if (!clock) return;
  setClock(clock);
  emit("clock", {});
}

function speedMenu() {
  return menu("倍速", h("span", { class: "jump" }, "倍速", icon("chevron")), () => [
    ...RATES.map(([value, label]) => ({ label, act: () => setRate(value) })),
    ...JUMPS.map(([label, seconds]) => ({ label: `快进 ${label}`, act: () => jump(label, seconds) })),
  ]);
}
