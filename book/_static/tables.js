// Any <table class="sortable">: a button in each heading sorts by its column, up, then down.
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
