// What happens while the page is open, told by the server (console/sidebar/stream.py). Only ids come; whoever listens
// fetches its own part. After a broken line the missed events come first; a page nobody looks at does not listen.

const KINDS = ["message", "round", "whisper", "step"];
const HIDDEN_MS = 60_000;
const LONGEST_WAIT_MS = 30_000;
// Coming back at once would meet the same answer.
const FINAL = ["login", "gone"];

/**
 * Listen. `onEvent({ kind, ...data })`: kind is message, round, whisper (conversation and the row's id), step (group),
 * hello (the line stands; fetch again if in doubt) or bye (why: "login" and "gone" are final, reload the page).
 * `conversations`: ids the page shows; `group`: our id of its group; `since`: the mark the page was rendered with.
 * Returns { close }.
 */
export function connect(onEvent, { conversations = [], group = "", since = "" } = {}) {
  let source = null;
  let last = since;
  let waits = 0;
  let timer = 0;
  let hiding = 0;
  let is_final = false;

  const address = () => {
    const query = new URLSearchParams();
    if (conversations.length) query.set("conversation", conversations.join(","));
    if (group) query.set("group", group);
    if (last) query.set("since", last);
    return `/sidebar/stream?${query}`;
  };

  const again = () => {
    if (is_final || document.visibilityState === "hidden") return;
    waits = Math.min(waits + 1, 6);
    clearTimeout(timer);
    timer = setTimeout(open, Math.min(LONGEST_WAIT_MS, 500 * 2 ** waits) * (0.75 + Math.random() / 2));
  };

  const leave = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  const hear = (kind) => (event) => {
    if (event.lastEventId) last = event.lastEventId;
    if (kind === "hello") waits = 0;
    onEvent({ kind, ...JSON.parse(event.data) });
  };

  function open() {
    leave();
    source = new EventSource(address());
    for (const kind of [...KINDS, "hello"]) source.addEventListener(kind, hear(kind));
    source.addEventListener("bye", (event) => {
      const { why } = JSON.parse(event.data);
      leave();
      is_final = FINAL.includes(why);
      // Too many pages of one person: this one listens again when somebody looks at it.
      if (why !== "many") again();
      onEvent({ kind: "bye", why });
    });
    source.addEventListener("error", () => {
      // The browser comes back by itself while the state is CONNECTING.
      if (source?.readyState !== EventSource.CLOSED) return;
      leave();
      again();
    });
  }

  const look = () => {
    clearTimeout(hiding);
    if (document.visibilityState === "hidden") hiding = setTimeout(leave, HIDDEN_MS);
    else if (!source && !is_final) open();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", look);
  look();

  return {
    close() {
      is_final = true;
      leave();
    },
  };
}
