// The little Markdown a robot's answer uses, as elements: bold, quoted lines, numbered lines. Everything else is text.

import { h } from "./dom.js";

export function drawMarkdown(content) {
  const blocks = [];
  let quote = null;
  for (const line of content.split("\n")) {
    if (line.startsWith("> ")) {
      if (!quote) blocks.push((quote = h("div", { class: "marks" })));
      quote.append(h("p", {}, bold(line.slice(2))));
      continue;
    }
    quote = null;
    const item = /^(\d+)\. (.*)$/.exec(line);
    if (item) blocks.push(h("p", { class: "choice-line" }, h("span", { class: "number", text: `${item[1]}.` }), h("span", {}, bold(item[2]))));
    else if (line.trim()) blocks.push(h("p", {}, bold(line)));
    else blocks.push(h("p", { class: "gap" }));
  }
  return blocks;
}

function bold(text) {
  return text.split(/(\*\*[^*]+\*\*)/).map((part) => (/^\*\*[^*]+\*\*$/.test(part) ? h("b", { text: part.slice(2, -2) }) : part));
}
