// Questions and reports to our own server.

const TIMEOUT_MS = 20_000;
// Older clients have no such signal; there the browser's own patience holds.
const soon = () => AbortSignal.timeout?.(TIMEOUT_MS);

/** POST fields as this page's person; returns status and the JSON of the answer. Throws when nobody answers. */
export async function post(path, fields = {}) {
  const answer = await fetch(path, {
    method: "POST",
    keepalive: true,
    signal: soon(),
    headers: { Accept: "application/json", "X-CSRF-Token": document.body.dataset.csrf },
    body: new URLSearchParams(fields),
  });
  const is_json = (answer.headers.get("Content-Type") ?? "").startsWith("application/json");
  return { status: answer.status, said: is_json ? await answer.json() : {} };
}

/** Whether asking once more may bring another answer: the server was busy, or asked for patience. */
export const isPassing = (status) => status >= 500 || status === 408 || status === 429;

/** The same, tried again while the network fails or the server is busy; for reports that must not get lost. */
export async function insist(path, fields, tries = 5) {
  for (let number = 1; ; number += 1) {
    try {
      const answer = await post(path, fields);
      if (!isPassing(answer.status) || number === tries) return answer;
    } catch (error) {
      if (number === tries) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** number));
  }
}

/** GET a part of a page, or POST fields for it; returns status, the HTML and its mark. Throws when nobody answers. */
export async function part(path, fields = null) {
  const headers = { Accept: "application/json" };
  if (fields) headers["X-CSRF-Token"] = document.body.dataset.csrf;
  const signal = soon();
  const answer = await fetch(path, fields ? { method: "POST", headers, signal, body: new URLSearchParams(fields) } : { headers, signal });
  return { status: answer.status, html: answer.status === 200 ? await answer.text() : "", mark: answer.headers.get("X-Mark") ?? "" };
}
