// What may not be said, told while somebody types. Only the newest answer counts; the server looks again at sending.

const WAIT_MS = 250;
const place = document.getElementById("verdict");
const ALARMS = { open: "已告诉合规，等他们看", agreed: "合规同意是误报，规则会改", declined: "合规看过：不是误报" };

/**
 * Watch a field. `about()`: what the words belong to; `changed()`: the verdict is another; `take(text)`: put a rewrite in.
 * Returns { look, isBlocked }; `look(true)` asks although nothing changed, as after a refusal of the server's.
 */
export function watchWords(field, { about, changed, take }) {
  let timer = 0;
  let number = 0;
  let asking = null;
  let checked = "";
  let blocked = false;

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(), WAIT_MS);
  });

  async function look(isAnew = false) {
    clearTimeout(timer);
    const text = field.value.trim();
    asking?.abort();
    if (!text) {
      show(null);
      return;
    }
    const asked = JSON.stringify({ text, ...about() });
    if (asked === checked && !isAnew) return;
    number += 1;
    const mine = number;
    asking = new AbortController();
    try {
      const answer = await fetch("/sidebar/check", {
        method: "POST",
        signal: asking.signal,
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf },
        body: asked,
      });
      // A check that fails blocks nothing: the server looks again before the words leave.
      const said = answer.ok ? await answer.json() : null;
      if (mine === number) {
        checked = asked;
        show(said, text);
      }
    } catch (error) {
      if (error.name !== "AbortError" && mine === number) show(null);
    }
  }

  function show(said, text = "") {
    const isOurs = said?.qualified === false;
    blocked = Boolean(said?.blocked) || isOurs;
    if (!said) checked = "";
    const parts = [];
    if (isOurs) parts.push(sentence(unqualified(said.colleagues ?? []), "bad"));
    else if (said?.introduction) parts.push(sentence(`发送时自动加在前面：${said.introduction}`, "intro"));
    const problems = (said?.problems ?? []).filter((one) => one.label !== "REGISTRATION" || !isOurs);
    for (const one of problems) parts.push(problem(one, text));
    const wrong = problems.filter((one) => one.is_blocking && one.label !== "REGISTRATION");
    if (said?.rewrite || wrong.length) parts.push(acts(said, text, wrong.length > 0));
    place.replaceChildren(...parts);
    place.className = `verdict ${blocked ? "bad" : problems.length ? "warn" : ""}`;
    place.hidden = parts.length === 0;
    field.setAttribute("aria-invalid", String(blocked));
    changed();
  }

  function acts(said, text, isWrong) {
    const row = document.createElement("div");
    row.className = "verdict-acts";
    const isShort = !isWrong && said.missing.length > 0;
    if (isShort) row.append(sentence(`还缺一句：${said.missing.join("")}`, "told"));
    if (said.rewrite) row.append(act(isShort ? "补上" : "换成可以说的", () => take(said.rewrite)));
    if (isWrong && !said.alarm) row.append(act("这是误报", (button) => tellFalse(button, text)));
    if (isWrong && said.alarm) row.append(sentence(ALARMS[said.alarm] + (said.alarm_note ? `：${said.alarm_note}` : ""), "told"));
    return row;
  }

  async function tellFalse(button, text) {
    button.disabled = true;
    const answer = await fetch("/sidebar/false-alarms", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": document.body.dataset.csrf },
      body: JSON.stringify({ text, ...about() }),
    }).catch(() => null);
    button.textContent = answer?.ok ? "已告诉合规，等他们看" : "没有送到，请再点一次";
    button.disabled = Boolean(answer?.ok);
  }

  return { look, isBlocked: () => blocked };
}

function sentence(text, tone) {
  const one = document.createElement("p");
  one.className = tone;
  one.textContent = text;
  return one;
}

function unqualified(colleagues) {
  const names = colleagues.map((one) => one.name).join("、");
  return `你没有这条业务线有效的执业登记，请转给有登记的同事${names ? `：${names}` : ""}。`;
}

function problem({ span, message }, text) {
  const one = document.createElement("p");
  const [start, end] = span ?? [0, 0];
  if (end > start) {
    const said = document.createElement("mark");
    said.textContent = text.slice(start, end).slice(0, 24);
    one.append(said, " ");
  }
  one.append(message);
  return one;
}

function act(text, tapped) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = "button small";
  one.textContent = text;
  one.addEventListener("click", () => tapped(one));
  return one;
}
