// Small dialogs: one field, or one choice.

import { h, showDialog } from "./dom.js";

/** Ask for words and pass them on. */
export function ask(title, label, value, done) {
  const field = h("input", { value, maxlength: "600", "aria-label": label });
  submitForm(title, h("label", {}, label, field), () => done(field.value.trim()));
  field.select();
}

/** Ask to choose one of `options` ([value, label]) and pass its value on. */
export function choose(title, options, done) {
  if (!options.length) {
    showDialog(title, h("div", { class: "dialog-body" }, h("p", { class: "hint", text: "没有可选的人" })));
    return;
  }
  const select = h("select", { "aria-label": title }, options.map(([value, label]) => h("option", { value, text: label })));
  submitForm(title, select, () => done(select.value));
}

/** Ask for several fields ([name, label, value, options?]) and pass an object on. */
export function askAll(title, fields, done) {
  const made = fields.map(([name, label, value, options]) => {
    const field = options ? h("select", { "aria-label": label }, options.map(([key, words]) => h("option", { value: key, selected: key === value, text: words }))) : h("input", { value, "aria-label": label });
    return [name, field, h("label", {}, label, field)];
  });
  submitForm(title, made.map(([, , label]) => label), () => done(Object.fromEntries(made.map(([name, field]) => [name, field.value.trim()]))));
}

function submitForm(title, content, done) {
  const form = h("form", { class: "dialog-body fields", method: "dialog" }, content, h("button", { type: "submit", class: "primary", text: "确定" }));
  const dialog = showDialog(title, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    done();
  });
}
