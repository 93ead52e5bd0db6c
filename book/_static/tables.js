// Any <table class="sortable">: a button in each heading sorts by its column, up, then down. A long table
// has a field above it that leaves the rows with all of its words.
"use strict";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(?=$|[\s%(])/i;

// A number at the beginning of a cell counts as that number: "−.053 (−.1 to 0)", "2.5%", ".35".
function keyOf(row, column) {
  const text = row.cells[column].textContent.trim().replaceAll("−", "-");
  const number = text.match(NUMBER);
  return number ? parseFloat(number[0]) : text;
}

// Numbers before words, whichever way the numbers go.
function compare(a, b, way) {
  if (typeof a === "number" && typeof b === "number") return way * (a - b);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return way * a.localeCompare(b, "en", { numeric: true });
}

function sort(table, heading) {
  const way = heading.ariaSort === "ascending" ? -1 : 1;
  for (const other of heading.parentElement.cells) other.ariaSort = null;
  heading.ariaSort = way > 0 ? "ascending" : "descending";
  for (const body of table.tBodies) {
    const keyed = Array.from(body.rows, (row) => [keyOf(row, heading.cellIndex), row]);
    keyed.sort(([a], [b]) => compare(a, b, way));
    body.append(...keyed.map(([, row]) => row));
  }
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.tHead.rows[table.tHead.rows.length - 1].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, heading));
  }
}

const LONG = 30;

// Leave the rows that contain every word.
function filter(table, field, count) {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const row of table.tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    left += row.hidden ? 0 : 1;
  }
  count.textContent = `${left} of ${table.tBodies[0].rows.length} rows`;
}

for (const table of document.querySelectorAll("table.rows, table.sortable")) {
  if (table.tBodies[0].rows.length < LONG) continue;
  const [label, field, count] = ["label", "input", "output"].map((tag) => document.createElement(tag));
  field.type = "search";
  field.placeholder = "gan recall EDH";
  label.className = "filter";
  label.append("Rows with the words ", field, count);
  table.before(label);
  field.addEventListener("input", () => filter(table, field, count));
  filter(table, field, count);
  // a link that leads to a row must find it
  window.addEventListener("hashchange", () => {
    field.value = "";
    filter(table, field, count);
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  });
}
