// Charts that tell their values: see lcgan_core/book/figures/hover.py. plotly.js, 5 MB, is fetched from
// this book only where a chart comes near the window.
"use strict";

const PLOTLY = new URL("plotly.min.js", document.currentScript.src);
let plotly;

function library() {
  plotly ??= new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: PLOTLY, onload: done, onerror: failed });
    document.head.append(script);
  });
  return plotly;
}

// CSS variables stand for colours and fonts: their values are the theme's.
function themed(text) {
  const style = getComputedStyle(document.documentElement);
  return JSON.parse(text.replace(/"(--[\w-]+)"/g, (_, name) => JSON.stringify(style.getPropertyValue(name).trim())));
}

function draw(plot) {
  const { data, layout } = themed(plot.nextElementSibling.textContent);
  return Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
}

// Arrow keys go through the points of all lines, one line after the other.
function step(plot, by) {
  const points = plot.data.flatMap((line, curveNumber) => line.text.map((_, pointNumber) => ({ curveNumber, pointNumber })));
  plot.at = (plot.at + by + points.length) % points.length;
  const { curveNumber, pointNumber } = points[plot.at];
  Plotly.Fx.hover(plot, [{ curveNumber, pointNumber }]);
  const { text, customdata } = plot.data[curveNumber];
  return { text: text[pointNumber], customdata: customdata[pointNumber] };
}

async function start(charts) {
  await library();
  new MutationObserver(() => charts.querySelectorAll(".plot").forEach(draw)).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
  for (const plot of charts.querySelectorAll(".plot")) {
    const title = plot.previousElementSibling.textContent;
    // what is told leads to the row that it comes from; the paper's values have none
    const tell = ({ text, customdata: href }) => {
      const told = `${title}: ${text.replaceAll("<br>", ", ")}`;
      const link = href && Object.assign(document.createElement("a"), { className: "origin", href, textContent: told });
      charts.querySelector(".hovered").replaceChildren(link || told);
    };
    plot.at = 0;
    await draw(plot);
    plot.on("plotly_hover", ({ points: [point] }) => tell(point));
    plot.addEventListener("focus", () => plot.matches(":focus-visible") && tell(step(plot, 0)));
    plot.addEventListener("blur", () => Plotly.Fx.unhover(plot));
    plot.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      tell(step(plot, by));
    });
  }
}

for (const charts of document.querySelectorAll(".charts")) {
  charts.hidden = false;
  new IntersectionObserver((seen, watch) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    start(charts);
  }, { rootMargin: "400px" }).observe(charts);
}
