// What the parts of the desk share: the page's fields, what is known of the chat beside it, and telling the person.

export const desk = document.getElementById("desk");
export const words = document.getElementById("words");
export const button = document.getElementById("send");
export const shown = document.getElementById("desk-part");
export const { customer, name, entry, service } = desk.dataset;
export const QUERY = `external_userid=${encodeURIComponent(customer)}${entry ? `&entry=${encodeURIComponent(entry)}` : ""}`;

const line = document.getElementById("sdk-line");
const ends = document.getElementById("ends");
const RENEWED = "desk:renewed";

// `canSend`: the client stands beside this customer's chat; `placing`: asking it is under way; `busy`: a sending is.
export const state = { canSend: false, placing: null, busy: false };

export function tell(text, tone = "") {
  line.textContent = text;
  line.className = `sdk-line ${tone}`;
}

export const toast = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

/** Let the person choose: pairs of what a button says and what it does. */
export function offer(choices) {
  ends.replaceChildren(...choices.map(([text, act]) => {
    const one = document.createElement("button");
    one.type = "button";
    one.className = "button";
    one.textContent = text;
    one.addEventListener("click", () => { ends.hidden = true; act(); });
    return one;
  }));
  ends.hidden = false;
}

export const offerNothing = () => { ends.hidden = true; };

/** The session has ended: the page comes back by itself through the platform's login, with the words. */
export function renew() {
  sessionStorage.setItem(RENEWED, "yes");
  location.reload();
}

/** Whether the page has just come back through the login; said once. */
export function isRenewed() {
  const is_renewed = Boolean(sessionStorage.getItem(RENEWED));
  sessionStorage.removeItem(RENEWED);
  return is_renewed;
}
