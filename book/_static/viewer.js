// Viewers of slices: see lcgan_core/book/pages/viewer.py for the form that this moves.
"use strict";

function valueOf(input) {
  return input.dataset.values ? JSON.parse(input.dataset.values)[input.value] : input.value;
}

// The row with the chosen values. A value that no row has beside those chosen before is disabled.
function chosenRow(form, rows) {
  const fields = new Set(Array.from(form.elements, (input) => input.name).filter((name) => name in rows[0]));
  for (const field of fields) {
    const inputs = [...form.querySelectorAll(`input[name="${field}"]`)];
    const there = (value) => rows.some((row) => row[field] === value);
    let input = inputs[0];
    if (input.type === "radio") {
      for (const each of inputs) each.disabled = !there(each.value);
      input = inputs.find((each) => each.checked && !each.disabled) ?? inputs.find((each) => !each.disabled);
      input.checked = true;
    } else {
      input.setAttribute("aria-valuetext", valueOf(input));
    }
    rows = rows.filter((row) => row[field] === valueOf(input));
  }
  return rows[0];
}

function show(form, rows) {
  const row = chosenRow(form, rows);
  for (const place of form.querySelectorAll("[data-show]")) {
    const value = row[place.dataset.show];
    if (place.tagName !== "IMG") place.textContent = value;
    else if (place.getAttribute("src") !== value) place.src = value;
  }
  const cut = form.elements.cut;
  if (cut) {
    form.style.setProperty("--cut", `${cut.value}%`);
    cut.setAttribute("aria-valuetext", `${cut.value} % of the way`);
  }
}

for (const form of document.querySelectorAll("form.viewer")) {
  const rows = JSON.parse(form.querySelector("script").textContent);
  const update = () => show(form, rows);
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update();
}

// Not every browser loads, when it prints, the still pictures that it has not yet had to show.
addEventListener("beforeprint", () => {
  for (const image of document.querySelectorAll("figure.still img")) image.loading = "eager";
});
