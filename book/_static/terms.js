// A term of the glossary shows its definition where it is pointed at or has the keyboard's focus.
"use strict";

const told = document.createElement("div");
told.className = "definition";
told.id = "definition";
told.setAttribute("role", "tooltip");
told.hidden = true;

function tell(term) {
  told.textContent = term.dataset.definition;
  told.hidden = false;
  term.setAttribute("aria-describedby", told.id);
  const place = term.getBoundingClientRect();
  const left = Math.min(place.left, document.documentElement.clientWidth - told.offsetWidth - 8);
  const below = place.bottom + 4;
  const fits = below + told.offsetHeight < window.innerHeight;
  told.style.left = `${Math.max(8, left) + window.scrollX}px`;
  told.style.top = `${(fits ? below : place.top - told.offsetHeight - 4) + window.scrollY}px`;
}

function hush(term) {
  told.hidden = true;
  term.removeAttribute("aria-describedby");
}

const terms = document.querySelectorAll("a[data-definition]");
if (terms.length) document.body.append(told);
for (const term of terms) {
  for (const event of ["mouseenter", "focus"]) term.addEventListener(event, () => tell(term));
  for (const event of ["mouseleave", "blur"]) term.addEventListener(event, () => hush(term));
  term.addEventListener("keydown", (event) => event.key === "Escape" && hush(term));
}
