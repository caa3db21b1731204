// What the client said of a sending, told to the server. A report that does not get through is kept in this tab and told
// later; the server takes the same report twice without harm, and the first end counts.

import { isPassing, post } from "./server.js";

const KEPT = `reports:${document.body.dataset.viewer}`;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60_000;

const read = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
const write = (all) => (all.length ? sessionStorage.setItem(KEPT, JSON.stringify(all)) : sessionStorage.removeItem(KEPT));

let timer = 0;
let wait = FIRST_WAIT_MS;

/** Tell once. Returns { isTold, status, said }; what the login or the network held back stays for `tellKept`. */
async function tell({ path, fields }) {
  try {
    const { status, said } = await post(path, fields);
    // 401 and 403: the login or this page's token has ended; the page comes back with new ones.
    const isTold = !isPassing(status) && status !== 401 && status !== 403;
    if (isTold) write(read().filter((one) => one.fields.key !== fields.key));
    return { isTold, status, said };
  } catch {
    return { isTold: false, status: 0, said: {} };
  }
}

/** Report; what could not be told now is told by itself later, with the event "reported" on the document. */
export async function report(path, fields) {
  const one = { path, fields };
  // Before it is told: a page that is closed meanwhile tells it when it is opened again.
  write([...read().filter((kept) => kept.fields.key !== fields.key), one]);
  const answer = await tell(one);
  if (!answer.isTold) later();
  return answer;
}

/** Whether the end of a sending waits here to be told. */
export const isKept = (key) => read().some((one) => one.fields.key === key);

/** Tell what was kept. Returns whether all of it is told. */
export async function tellKept() {
  clearTimeout(timer);
  for (const one of read()) {
    const { isTold } = await tell(one);
    if (!isTold) {
      later();
      return false;
    }
    document.dispatchEvent(new CustomEvent("reported", { detail: one.fields.key }));
  }
  wait = FIRST_WAIT_MS;
  return true;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(tellKept, wait);
  wait = Math.min(wait * 2, LONGEST_WAIT_MS);
}

addEventListener("online", () => tellKept());
