// Virtual time on the page, and how it reads. The zone is Beijing's, whatever the reader's machine says.

const ZONE = "Asia/Shanghai";
const parts = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  weekday: "short",
  hourCycle: "h23",
});
const anchor = { now: Date.now() / 1000, rate: 1, pace: "hand", seen: performance.now() };

export function setClock(clock) {
  anchor.now = clock.now;
  anchor.rate = clock.rate;
  anchor.pace = clock.pace;
  anchor.seen = performance.now();
}

export const rate = () => anchor.rate;
/** What the rate follows: hand, auto (slower when something arrives) or next (fast until something arrives). */
export const pace = () => anchor.pace;
export const now = () => anchor.now + ((performance.now() - anchor.seen) / 1000) * anchor.rate;

function split(at) {
  const found = {};
  for (const part of parts.formatToParts(new Date(at * 1000))) found[part.type] = part.value;
  return found;
}

const dayNumber = (at) => Math.floor((at + 8 * 3600) / 86400);

export function hourMinute(at) {
  const { hour, minute } = split(at);
  return `${hour}:${minute}`;
}

export function longTime(at) {
  const { year, month, day, weekday, hour, minute, second } = split(at);
  return { date: `${year}-${month}-${day}`, weekday, time: `${hour}:${minute}:${second}` };
}

/** As WeChat writes it above messages: 21:30, 昨天 21:30, 星期五 21:30, 2026年11月3日 21:30. */
export function separator(at) {
  const days = dayNumber(now()) - dayNumber(at);
  const { year, month, day, weekday } = split(at);
  if (days <= 0) return hourMinute(at);
  if (days === 1) return `昨天 ${hourMinute(at)}`;
  if (days < 7) return `${weekday.replace("周", "星期")} ${hourMinute(at)}`;
  return `${year}年${Number(month)}月${Number(day)}日 ${hourMinute(at)}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} 秒`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} 分钟`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} 小时`;
  return `${Math.floor(seconds / 86400)} 天`;
}
