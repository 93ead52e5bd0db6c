// The menu's buttons that show the pages below an entry have only an icon: give them a name.
"use strict";

for (const summary of document.querySelectorAll(".bd-sidenav summary")) {
  const entry = summary.closest("li").querySelector("a").textContent.trim();
  summary.setAttribute("aria-label", `Pages below ${entry}`);
}
