"use strict";
const { texts, dtypes, subjects, columns, groups } = JSON.parse(document.getElementById("data").textContent);
const SIGNS = { pass: "✓", known_failure: "k", not_offered: "–", not_started: "·" };
const CLASSES = { "✗": "fail", "!": "should", k: "known", "·": "unstarted", "✓": "pass", "–": "none" };
const SAID = {
  pass: "✓ holds", fail: "✗ does not hold", error: "✗ raised an error", crash: "✗ crashed", timeout: "✗ took too long",
  known_failure: "✗ does not hold, as declared", not_offered: "– not offered", not_started: "· not started",
};

// What is known of a clause and an implementation: one entry for the dtypes that came out alike.
const all = groups.map(([subject, clause, level, entries]) => ({
  subject, clause: texts[clause], level: texts[level],
  entries: entries.map(([bits, outcome, worst = null, probe = 0, grade = 0, choice = 0, message = 0, diagnosis = []]) => ({
    dtypes: dtypes.filter((_, n) => bits & (1 << n)), outcome: texts[outcome], worst, numbers: [probe, grade, choice, ...(message || []), ...diagnosis],
    probe: texts[probe], grade: texts[grade], choice: texts[choice], diagnosis: diagnosis.map((n) => texts[n]).join(", "),
    message: message ? message.map((n) => texts[n]).join("\n") : null,
  })),
}));
const byPlace = new Map(all.map((group) => [`${group.subject} ${group.clause}`, group]));

function shownAs(group, entry) {
  const sign = SIGNS[entry.outcome] ?? (group.level === "should" ? "!" : "✗");
  return CLASSES[sign];
}

const dialog = document.getElementById("detail");
const body = dialog.querySelector("div");

// What a report says is put in as text, never as markup.
function element(tag, text, parent = body) {
  const made = document.createElement(tag);
  made.textContent = text;
  parent.append(made);
  return made;
}

function clauseText(id, open) {
  const article = document.getElementById(id);
  if (!article) return;
  const box = element("details", "");
  box.open = open;
  element("summary", "What the clause says", box);
  const copy = article.cloneNode(true);
  copy.removeAttribute("id");
  copy.querySelector("h4").remove();
  box.append(copy);
  const link = element("a", `${id} in its place on this page`);
  link.href = `#${id}`;
  link.className = "jump";
}

function heading(id) {
  return document.getElementById(id)?.querySelector("h4").textContent ?? id;
}

function open(title) {
  dialog.querySelector("h2").textContent = title;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// All dtypes of a group, or one of them.
function showGroup(group, dtype) {
  body.replaceChildren();
  element("p", `${subjects[group.subject]} · ${group.level}`).className = "lead";
  const entries = group.entries.filter((e) => !dtype || e.dtypes.some(([name]) => name === dtype));
  const label = (entry) => entry.dtypes.filter(([name]) => !dtype || name === dtype).map(([, short]) => short).join(", ");
  const told = {
    dtype: label, outcome: (e) => (group.level === "should" ? SAID[e.outcome].replace("✗", "!") : SAID[e.outcome]),
    "worst error": (e) => e.worst !== null && `${e.worst < 1e5 ? e.worst : e.worst.toExponential(1)} times its bound`,
    probe: (e) => e.probe, choice: (e) => e.choice, "looks like": (e) => e.diagnosis, arithmetic: (e) => e.grade,
  };
  const box = element("div", "");
  box.className = "entries";
  for (const entry of entries) {
    const list = element("dl", "", box);
    list.className = shownAs(group, entry);
    for (const [name, say] of Object.entries(told)) {
      if (say(entry)) { element("dt", name, list); element("dd", say(entry), list); }
    }
  }
  const messages = new Map();
  for (const e of entries.filter((e) => e.message)) messages.set(e.message, [...(messages.get(e.message) ?? []), e]);
  const reasons = new Set();  // first lines; what several begin with is said once
  for (const [message, of] of messages) {
    const [reason] = message.split("\n", 1);
    if (messages.size > 1) element("h3", of.map(label).join(", "));
    element("pre", reasons.has(reason) ? `…${message.slice(reason.length)}` : message);
    reasons.add(reason);
  }
  clauseText(group.clause, !messages.size);
  open(heading(group.clause));
}

function showClause(id) {
  body.replaceChildren();
  clauseText(id, true);
  open(heading(id));
}

// A cell's group is named by its place: the clause of its row, the implementation and the dtype of its column.
const norm_of = (cell) => cell.closest(".norm").dataset.norm;
const clause_of = (row) => row.cells[0].querySelector(".clause").textContent;

function showCell(cell) {
  const [subject, dtype] = columns[norm_of(cell)][cell.cellIndex - 1];
  const group = byPlace.get(`${subject} ${clause_of(cell.parentElement)}`);
  if (group) showGroup(group, dtype);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-r]");
  const cell = event.target.closest(".matrix td");
  const link = event.target.closest("a[href^='#']");
  const id = link?.getAttribute("href").slice(1);
  const place = id && document.getElementById(id);
  if (button) showGroup(all[button.dataset.r]);
  else if (cell) { stand(cell); showCell(cell); }
  else if (link?.dataset.s) { event.preventDefault(); reach(place, Number(link.dataset.s)); }
  else if (link?.className === "jump") dialog.close();
  else if (place?.matches("article")) { event.preventDefault(); showClause(id); }
  else if (event.target === dialog) dialog.close();
});

// One stop of the tab key for each table; arrow keys move inside.
const inner = (cell) => cell.querySelector("a") ?? cell;
function stand(cell) {
  cell.closest(".grid").querySelectorAll("td [tabindex='0'], td[tabindex='0']").forEach((other) => { other.tabIndex = -1; });
  inner(cell).tabIndex = 0;
  inner(cell).focus();
}
for (const table of document.querySelectorAll(".grid")) {
  table.querySelectorAll("td a").forEach((link) => { link.tabIndex = -1; });
  const first = table.querySelector("td");
  if (first) inner(first).tabIndex = 0;
  table.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const cell = event.target.closest("td");
    if (!cell) return;
    if (event.key === "Enter" && inner(cell) === cell) { event.preventDefault(); showCell(cell); }
    if (!(down || right)) return;
    event.preventDefault();
    let row = cell.parentElement, column = cell.cellIndex;
    do {
      column += right;
      if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    } while (row && row.cells[column] && (row.hidden || row.cells[column].hidden));
    if (row?.cells[column]?.matches("td")) stand(row.cells[column]);
  });
}

// A norm's matrix with one implementation in view, and in it what does not hold first.
function reach(section, subject) {
  form.reset();
  apply();
  history.pushState(null, "", `#${section.id}`);
  section.scrollIntoView();
  const column = columns[section.dataset.norm].findIndex(([i]) => i === subject) + 1;
  const cells = [...section.querySelectorAll(".matrix tbody tr")].map((row) => row.cells[column]);
  stand(cells.find((cell) => cell.matches(".fail") || cell.querySelector(".fail")) ?? cells.find((cell) => cell.matches(".should") || cell.querySelector(".should")) ?? cells[0]);
}

const form = document.getElementById("filters");
const rows = [...document.querySelectorAll(".matrix tbody tr")].map((row) => ({ row, id: clause_of(row), title: row.cells[0].textContent.toLowerCase() }));
let narrowed = "";

// What is asked for stands in the address too.
function apply() {
  const given = new FormData(form);
  const { text, norm, level, outcome, impl = "" } = Object.fromEntries(given);
  const wanted = outcome.split(" ").filter(Boolean);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => ({
    word, exact: /^[a-z]+-\d+$/.test(word), found: new Set(texts.flatMap((text, n) => (text?.toLowerCase().includes(word) ? [n] : []))),
  }));
  const among = subjects.flatMap((title, i) => (!impl || title === impl ? [i] : []));
  let shown = 0;
  for (const { row, id, title } of rows) {
    const of_norm = columns[norm_of(row)];
    const entries = among.filter((i) => of_norm.some(([j]) => i === j)).map((i) => byPlace.get(`${i} ${id}`)).filter(Boolean).flatMap((g) => g.entries.map((e) => [g, e]));
    row.hidden = !(
      entries.length && (!level || row.dataset.level === level) && (!norm || norm_of(row) === norm) &&
      (!wanted.length || entries.some(([g, e]) => wanted.includes(shownAs(g, e)))) &&
      words.every(({ word, exact, found }) => exact ? word === id.toLowerCase() : title.includes(word) || entries.some(([, e]) => e.numbers.some((n) => found.has(n)))));
    shown += !row.hidden;
  }
  const filtered = norm || level || outcome || impl || words.length;
  for (const section of document.querySelectorAll(".norm")) {
    const [left, whole] = [section.querySelectorAll("tbody tr:not([hidden])").length, section.querySelectorAll("tbody tr").length];
    section.hidden = filtered && !left;
    section.querySelector(".count").textContent = left < whole ? `${left} of ${whole}` : whole;
  }
  if (impl !== narrowed) {
    narrowed = impl;
    for (const cell of document.querySelectorAll("[data-i], .matrix td")) {
      cell.hidden = !among.includes(Number(cell.dataset.i ?? columns[norm_of(cell)][cell.cellIndex - 1][0]));
    }
  }
  const fields = [...form.querySelectorAll("select, input")];
  fields.forEach((field) => field.classList.toggle("set", field.value !== ""));
  const said = fields.filter((field) => field.value).map((field) => field.selectedOptions?.[0].textContent ?? `“${field.value}”`);
  form.querySelector("output").textContent = [`${shown} of ${rows.length} clauses`, ...said].join(" · ");
  const kept = new URLSearchParams([...given].filter(([, value]) => value)).toString();
  if (kept) history.replaceState(null, "", `#${kept}`);
  else if (location.hash.includes("=")) history.replaceState(null, "", location.pathname + location.search);
}

// The address names filters, a clause or a package; what it names is shown.
function reveal() {
  const named = decodeURIComponent(location.hash.slice(1));
  if (form && named.includes("=")) {
    form.reset();
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (form.elements[name]) form.elements[name].value = value;
    apply();
    form.scrollIntoView();
    return;
  }
  const place = document.getElementById(named);
  const box = place?.closest("details");
  if (box) { box.open = true; place.scrollIntoView(); }
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  if (!location.hash.includes("=")) apply();
}
addEventListener("hashchange", reveal);
reveal();
