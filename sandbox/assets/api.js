// Calls to the sandbox's control API.

import { toast } from "./dom.js";

export async function load(path) {
  const answer = await fetch(`/sandbox/${path}`, { headers: { Accept: "application/json" } });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `HTTP ${answer.status}`);
  return content;
}

/** Post to the control API; says what went wrong on the page and returns null then. */
export async function act(path, body = {}) {
  try {
    const answer = await fetch(`/sandbox/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const content = await answer.json();
    if (answer.ok) return content;
    toast(content.error ?? `沙盒没有接受（HTTP ${answer.status}）`, "error");
  } catch {
    toast("连接不上沙盒，请确认它仍在运行", "error");
  }
  return null;
}

/** The content of a file as base64, for the control API. */
export async function toBase64(blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(",") + 1);
}
