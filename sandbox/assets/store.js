// What the page knows, kept fresh by server-sent events. Views subscribe to kinds of change.

import { load } from "./api.js";
import { setClock } from "./clock.js";

export const state = {
  ready: false,
  online: false,
  accounts: [],
  customers: new Map(), // external_userid: customer
  servicers: new Map(), // userid: servicer
  desk: new Map(), // key: chat in state 2 or 3
  chats: new Map(), // key: {chat, bubbles, total}; only those a view has asked for
  faults: [],
  callbacks: {},
  suggestions: [],
  repeat: "refuse",
};

const listeners = new Map();

/** Call `listener(content)` on each change of this kind; returns how to stop. */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(listener);
  return () => listeners.get(kind).delete(listener);
}

export function emit(kind, content) {
  for (const listener of [...(listeners.get(kind) ?? [])]) listener(content);
}

export const keyOf = (one) => `${one.open_kfid} ${one.external_userid}`;

/** Load a chat once and keep it live from then on. */
export async function openChat(external_userid, open_kfid, again = false) {
  const key = keyOf({ external_userid, open_kfid });
  if (state.chats.has(key) && !again) return state.chats.get(key);
  const query = new URLSearchParams({ external_userid, open_kfid, limit: "200" });
  const found = await load(`transcript?${query}`);
  state.chats.set(key, found);
  emit("loaded", { open_kfid, external_userid });
  return found;
}

async function refresh() {
  const found = await load("state");
  setClock(found.clock);
  Object.assign(state, {
    accounts: found.accounts,
    faults: found.faults,
    callbacks: found.callbacks,
    suggestions: found.suggestions,
    repeat: found.repeat,
  });
  state.customers = new Map(found.customers.map((one) => [one.external_userid, one]));
  state.servicers = new Map(found.servicers.map((one) => [one.userid, one]));
  state.desk = new Map(found.desk.map((one) => [keyOf(one), one]));
  const known = [...state.chats.values()].map(({ chat }) => chat);
  await Promise.all(known.map((chat) => openChat(chat.external_userid, chat.open_kfid, true).catch(() => null)));
  state.online = true;
  const first = !state.ready;
  state.ready = true;
  emit(first ? "ready" : "refreshed", {});
  for (const kind of ["online", "clock", "callbacks", "faults", "desk"]) emit(kind, {});
}

const receive = {
  bubble({ open_kfid, external_userid, bubble }) {
    const open = state.chats.get(keyOf({ open_kfid, external_userid }));
    if (!open || open.bubbles.some((one) => one.number === bubble.number)) return;
    open.bubbles.push(bubble);
    emit("bubble", { open_kfid, external_userid, bubble });
  },
  chat(chat) {
    const key = keyOf(chat);
    if (chat.state === 2 || chat.state === 3) state.desk.set(key, chat);
    else state.desk.delete(key);
    const open = state.chats.get(key);
    if (open) open.chat = chat;
    emit("chat", chat);
    emit("desk", {});
  },
  recalled({ open_kfid, external_userid, msgid }) {
    const open = state.chats.get(keyOf({ open_kfid, external_userid }));
    const bubble = open?.bubbles.find((one) => one.msgid === msgid);
    if (bubble) bubble.recalled = true;
    emit("recalled", { open_kfid, external_userid, msgid });
  },
  customer(customer) {
    state.customers.set(customer.external_userid, customer);
    emit("customer", customer);
  },
  servicer(servicer) {
    state.servicers.set(servicer.userid, servicer);
    emit("desk", {});
  },
  clock(clock) {
    setClock(clock);
    emit("clock", {});
  },
  corp(content) {
    emit("corp", content);
  },
  faults({ faults }) {
    state.faults = faults;
    emit("faults", {});
  },
  callbacks(callbacks) {
    state.callbacks = callbacks;
    emit("callbacks", {});
  },
};

/** Connect and stay connected; every (re)connection loads everything anew. */
export function connect() {
  const source = new EventSource("/sandbox/live");
  const reload = () => refresh().catch(() => offline());
  const offline = () => {
    state.online = false;
    emit("online", {});
  };
  source.addEventListener("hello", reload);
  source.addEventListener("resync", reload);
  source.addEventListener("error", offline);
  for (const [kind, take] of Object.entries(receive)) {
    source.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  }
  // Another process may move the shared clock; its time is asked for now and then.
  setInterval(() => {
    if (state.online) load("clock").then(receive.clock).catch(() => {});
  }, 5000);
}
