// Judging by keyboard: 1, 2, 3 choose, J and K go on and back, Ctrl+Enter sends. Everything works without this file.

const groups = [...document.querySelectorAll("[data-judge]")];
let here = -1;

const show = (place) => {
  groups[here]?.classList.remove("is-here");
  document.querySelectorAll("mark.is-here").forEach((one) => one.classList.remove("is-here"));
  here = Math.max(0, Math.min(groups.length - 1, place));
  const group = groups[here];
  if (!group) return;
  const list = group.closest("details");
  if (list) list.open = true;
  group.classList.add("is-here");
  group.scrollIntoView({ block: "nearest" });
  const marks = document.querySelectorAll(`mark[data-finding="${group.dataset.finding ?? ""}"]`);
  marks.forEach((one) => one.classList.add("is-here"));
  marks[0]?.scrollIntoView({ block: "center" });
};

const isTyping = (target) => target.matches("textarea, select, input:not([type=radio])");

document.addEventListener("keydown", (event) => {
  const form = document.getElementById("verdicts");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    if (form && !form.querySelector("fieldset")?.disabled) form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "j" || event.key === "k") {
    event.preventDefault();
    show(here + (event.key === "j" ? 1 : -1));
  } else if ("123".includes(event.key)) {
    const choice = groups[Math.max(here, 0)]?.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
    if (!choice || choice.matches(":disabled")) return;
    event.preventDefault();
    choice.checked = true;
    choice.focus();
    if (here < 0) show(0);
  }
});

document.addEventListener("focusin", (event) => {
  const place = groups.indexOf(event.target.closest("[data-judge]"));
  if (place >= 0 && place !== here) show(place);
});

if (groups.length && !document.querySelector("#verdicts > fieldset")?.disabled) show(0);
