"use strict";
const { texts, records } = JSON.parse(document.getElementById("data").textContent);
const names = ["implementation", "device", "dtype", "clause", "level", "sign", "outcome", "probe", "choice", "grade", "message"];
const all = records.map((row) => ({
  ...Object.fromEntries(names.map((name, i) => [name, texts[row[i]]])),
  diagnosis: row[names.length].map((n) => texts[n]),
  worst: row[names.length + 1],
}));
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
}

function heading(id) {
  return document.getElementById(id)?.querySelector("h4").textContent ?? id;
}

function open(title) {
  dialog.querySelector("h2").textContent = title;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function showRecord(r) {
  body.replaceChildren();
  const list = element("dl", "");
  const told = {
    outcome: `${r.sign} ${r.outcome.replace("_", " ")}`, implementation: r.implementation, device: r.device, dtype: r.dtype, level: r.level,
    "worst error": r.worst === null ? null : `${r.worst < 1e5 ? Number(r.worst.toPrecision(3)) : r.worst.toExponential(1)} times its bound`, probe: r.probe, choice: r.choice,
    "looks like": r.diagnosis.join(", "), arithmetic: r.grade,
  };
  for (const [name, text] of Object.entries(told)) {
    if (text) { element("dt", name, list); element("dd", text, list); }
  }
  if (r.message) element("pre", r.message);
  clauseText(r.clause, !r.message);
  open(heading(r.clause));
}

function showClause(id) {
  body.replaceChildren();
  clauseText(id, true);
  open(heading(id));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-r]");
  const link = event.target.closest("a[href^='#']");
  const id = link?.getAttribute("href").slice(1);
  if (button) showRecord(all[button.dataset.r]);
  else if (id && document.getElementById(id)?.matches("article")) { event.preventDefault(); showClause(id); }
  else if (event.target === dialog) dialog.close();
});

// A clause in the address is shown, as the links of a page do.
function reveal() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (place?.matches("article")) { place.closest("details").open = true; place.scrollIntoView(); }
}
addEventListener("hashchange", reveal);
reveal();

// One stop of the tab key for each table; arrow keys move inside.
for (const table of document.querySelectorAll(".matrix")) {
  table.querySelectorAll("td button").forEach((button, n) => { button.tabIndex = n ? -1 : 0; });
  table.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const cell = event.target.closest("td");
    if (!cell || !(down || right)) return;
    event.preventDefault();
    let row = cell.parentElement, column = cell.cellIndex;
    do {
      column += right;
      if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    } while (row && row.cells[column] && (row.hidden || !row.cells[column].offsetParent || !row.cells[column].querySelector("button")));
    row?.cells[column]?.querySelector("button")?.focus();
  });
}

const form = document.getElementById("filters");
if (form) {
  const rows = [...document.querySelectorAll(".matrix tbody tr")].map((row) => {
    const cells = [...row.cells].slice(1);
    const said = cells.flatMap((cell) => {
      const r = all[cell.firstElementChild?.dataset.r];
      return r ? [r.probe, r.choice, r.grade, r.message, ...r.diagnosis] : [];
    });
    const id = row.cells[0].querySelector(".clause").textContent.toLowerCase();
    return { row, cells, id, text: [row.cells[0].textContent, ...said].join(" ").toLowerCase() };
  });
  const hiding = document.head.appendChild(document.createElement("style"));
  const apply = () => {
    const { text, norm, level, outcome, subject } = Object.fromEntries(new FormData(form));
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = outcome.split(" ").filter(Boolean);
    hiding.textContent = subject ? hidden(subject) : "";
    let shown = 0;
    for (const { row, cells, id, text } of rows) {
      const of_subject = cells.filter((cell) => !subject || cell.classList.contains(`i${subject}`));
      row.hidden = !(
        words.every((word) => /^[a-z]+-\d+$/.test(word) ? word === id : text.includes(word)) && (!level || row.dataset.level === level) &&
        (!norm || row.closest(".norm").dataset.norm === norm) && of_subject.length > 0 &&
        (!wanted.length || of_subject.some((cell) => wanted.some((name) => cell.classList.contains(name)))));
      shown += !row.hidden;
    }
    const filtered = norm || level || outcome || subject || words.length;
    for (const section of document.querySelectorAll(".norm")) {
      section.hidden = filtered && !section.querySelector("tbody tr:not([hidden])");
    }
    form.querySelector("output").textContent = `${shown} of ${rows.length} clauses`;
  };
  const count = form.elements.subject?.options.length - 1 || 0;
  const hidden = (subject) => Array.from({ length: count }, (_, i) => i).filter((i) => String(i) !== subject)
    .map((i) => `.i${i}`).join(", ") + " { display: none !important; }";
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
