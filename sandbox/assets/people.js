// The address book: departments, members, their leaders, and how each one behaves when asked to act.

import { act } from "./api.js";
import { colourOf, MOODS, read, startPage } from "./corp_page.js";
import { avatar, h, icon, menu } from "./dom.js";
import { ask, askAll, choose } from "./questions.js";

const corp = document.getElementById("corp");
let chosen = 1;
let found = { departments: [], members: [], left: [] };

const tree = h("nav", { class: "side", "aria-label": "部门" });
const list = h("section", { class: "directory", "aria-label": "成员" });
const again = startPage(draw);

async function draw() {
  if (list.contains(document.activeElement) && document.activeElement.tagName === "SELECT") return;
  found = await read("people");
  if (!found.departments.some((one) => one.department_id === chosen)) chosen = 1;
  if (list.parentNode !== corp) corp.replaceChildren(tree, list);
  const add = h("button", { type: "button", class: "secondary", text: "新建下级部门", onclick: () => ask("新建部门", "部门名称", "", (name) => act("department/add", { name, parent_id: chosen })) });
  tree.replaceChildren(h("h2", { text: "部门" }), ...branch(0, 0), add);
  const shown = found.members.filter((one) => one.departments.some((own) => below(own).includes(chosen)));
  list.replaceChildren(drawHead(shown.length), drawTable(shown), drawLeft());
}

function branch(parent, depth) {
  return found.departments.filter((one) => one.parent_id === parent).flatMap((one) => {
    const count = found.members.filter((member) => member.departments.some((own) => below(own).includes(one.department_id))).length;
    const choose_it = () => {
      chosen = one.department_id;
      again();
    };
    const row = h("button", { type: "button", class: "chat-row department", "aria-current": one.department_id === chosen ? "true" : null, onclick: choose_it }, h("span", { class: "words" }, h("b", { text: one.name })), h("small", { text: String(count) }));
    row.style.paddingLeft = `${8 + depth * 18}px`;
    return [row, ...branch(one.department_id, depth + 1)];
  });
}

/** The department and all above it. */
function below(departmentId) {
  const path = [];
  let one = found.departments.find((department) => department.department_id === departmentId);
  while (one && !path.includes(one.department_id)) {
    path.push(one.department_id);
    one = found.departments.find((department) => department.department_id === one.parent_id);
  }
  return path;
}

const departmentName = (id) => found.departments.find((one) => one.department_id === id)?.name ?? String(id);
const nameOf = (userid) => found.members.find((one) => one.userid === userid)?.name ?? userid;

function drawHead(count) {
  const department = found.departments.find((one) => one.department_id === chosen);
  const entries = () => [
    { label: "改部门名…", act: () => ask("改部门名", "部门名称", department.name, (name) => act("department/update", { department_id: chosen, name })) },
    { label: "指定负责人…", act: () => choose("部门负责人", found.members.map((one) => [one.userid, one.name]), (userid) => act("department/update", { department_id: chosen, leaders: [userid] })) },
    { label: "删除部门", danger: true, act: () => act("department/remove", { department_id: chosen }) },
  ];
  const leaders = department.leaders.length ? `负责人 ${department.leaders.map(nameOf).join("、")}` : "没有负责人";
  return h("header", { class: "room-head" }, h("div", { class: "words" }, h("b", { text: `${department.name}（${count}）` }), h("small", { text: leaders })), h("span", { class: "acts" }, h("button", { type: "button", class: "primary", text: "添加成员", onclick: addMember }), menu("部门操作", icon("dots"), entries)));
}

function addMember() {
  askAll("添加成员", [["userid", "账号", ""], ["name", "姓名", ""], ["position", "职务", ""], ["leader", "直属上级", "", [["", "无"], ...found.members.map((one) => [one.userid, one.name])]]], ({ userid, name, position, leader }) =>
    act("member/add", { userid, name, position, departments: [chosen], leaders: leader ? [leader] : [] }));
}

function drawTable(members) {
  if (!members.length) return h("p", { class: "boot", text: "这个部门还没有成员" });
  const heads = ["姓名", "账号", "部门", "直属上级", "客户", "客户群", "遇到群发和卡片时", ""];
  return h("table", { class: "members" }, h("thead", {}, h("tr", {}, heads.map((text) => h("th", { text })))), h("tbody", {}, members.map(memberRow)));
}

function memberRow(one) {
  const mood = h("select", { "aria-label": `${one.name} 的表现` }, Object.entries(MOODS).map(([value, label]) => h("option", { value, selected: value === one.mood, text: label })));
  mood.addEventListener("change", () => {
    mood.blur();
    act("member/mood", { userid: one.userid, mood: mood.value });
  });
  const entries = () => [
    { label: "看他的手机", act: () => location.assign(`/client?userid=${encodeURIComponent(one.userid)}`) },
    { label: "换部门…", act: () => choose("换到哪个部门", found.departments.map((department) => [String(department.department_id), department.name]), (id) => act("member/update", { userid: one.userid, departments: [Number(id)] })) },
    { label: "换直属上级…", act: () => choose("直属上级", found.members.filter((other) => other.userid !== one.userid).map((other) => [other.userid, other.name]), (leader) => act("member/update", { userid: one.userid, leaders: [leader] })) },
    { label: "离职", danger: true, act: () => act("member/remove", { userid: one.userid }) },
  ];
  const cells = [
    h("td", {}, h("span", { class: "person-name" }, avatar(one.name, colourOf(one.userid), "avatar small"), h("span", {}, h("b", { text: one.name }), h("small", { text: one.position })))),
    h("td", { text: one.userid }),
    h("td", { text: one.departments.map(departmentName).join("、") }),
    h("td", { text: one.leaders.map(nameOf).join("、") || "—" }),
    h("td", { text: String(one.customers) }),
    h("td", { text: String(one.groups) }),
    h("td", {}, mood),
    h("td", {}, menu(`${one.name} 的操作`, icon("dots"), entries)),
  ];
  return h("tr", {}, cells);
}

function drawLeft() {
  if (!found.left.length) return "";
  return h("p", { class: "hint left", text: `已离职：${found.left.map((one) => one.userid).join("、")}` });
}
