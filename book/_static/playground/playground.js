// The playground: see lcgan_core/book/pages/playground.py for the section that this moves. Weights are
// scripts, because a page that was opened from a folder may load nothing else.
"use strict";

const playgroundWeights = {};
const UNDOS = 50;
const STEP = 4; // pixels that an arrow key moves the brush with Shift

function playground(section) {
  const find = (selector) => section.querySelector(selector);
  const facts = JSON.parse(find("script").textContent);
  const { size, classes, colors } = facts;
  const [start, panel, said] = [find(".start"), find(".panel"), find("[data-said]")];
  const [guide, drawn, marks, painted] = ["guide", "drawn", "marks", "painted"].map((name) => find(`canvas.${name}`));
  const labels = new Uint8Array(size * size);
  const undos = [];
  const asked = { seed: 1, busy: false, again: false };
  const loaded = {};
  const place = { x: size / 2, y: size / 2, shown: false };
  let worker;
  let last = null; // where the pointer was while it draws

  const value = (name) => find(`input[name="${name}"]:checked`).value;
  const radius = () => Number(find('input[name="brush-size"]').value) / 2;

  function pixels(canvas, color) {
    const image = new ImageData(size, size);
    for (let k = 0; k < size * size; k++) image.data.set(color(k), 4 * k);
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function expanded(runs) {
    const out = new Uint8Array(size * size);
    let at = 0;
    for (const [label, length] of runs) out.fill(label, at, (at += length));
    return out;
  }

  function centres() {
    const sums = classes.map(() => [0, 0, 0]);
    labels.forEach((label, k) => {
      if (!label) return;
      const sum = sums[label - 1];
      sum[0] += 1;
      sum[1] += (k % size) + 0.5;
      sum[2] += Math.floor(k / size) + 0.5;
    });
    return sums;
  }

  // Letters beside the colours, and the brush of whoever draws with keys.
  function mark() {
    const [context, scale] = [marks.getContext("2d"), marks.width / size];
    context.clearRect(0, 0, marks.width, marks.height);
    Object.assign(context, { font: `600 ${5 * scale}px sans-serif`, textAlign: "center", textBaseline: "middle", lineWidth: scale });
    centres().forEach(([count, x, y], k) => {
      if (!count) return;
      context.strokeStyle = "#000";
      context.fillStyle = "#fff";
      context.strokeText(classes[k], (x / count) * scale, (y / count) * scale);
      context.fillText(classes[k], (x / count) * scale, (y / count) * scale);
    });
    if (!place.shown) return;
    context.strokeStyle = "#fff";
    context.setLineDash([scale, scale]);
    context.beginPath();
    context.arc((place.x + 0.5) * scale, (place.y + 0.5) * scale, Math.max(radius(), 1) * scale, 0, 2 * Math.PI);
    context.stroke();
  }

  function show() {
    pixels(drawn, (k) => (labels[k] ? [...colors[labels[k]], 255] : [0, 0, 0, 0]));
    mark();
  }

  function stamp(x, y) {
    const [label, reach] = [Number(value("brush")), radius()];
    for (let row = Math.ceil(y - reach); row <= y + reach; row++) {
      for (let column = Math.ceil(x - reach); column <= x + reach; column++) {
        const inside = (row - y) ** 2 + (column - x) ** 2 <= reach ** 2;
        if (inside && row >= 0 && row < size && column >= 0 && column < size) labels[row * size + column] = label;
      }
    }
  }

  function line(from, to) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
    for (let k = 0; k <= steps; k++) stamp(from.x + ((to.x - from.x) * k) / steps, from.y + ((to.y - from.y) * k) / steps);
    show();
  }

  function remember() {
    undos.push(labels.slice());
    if (undos.length > UNDOS) undos.shift();
  }

  function replace(mask) {
    labels.set(mask);
    show();
    paint();
  }

  function inWords() {
    const areas = centres().map(([count], k) => (count ? `${classes[k]} ${count} pixels` : "")).filter(Boolean);
    return areas.length ? areas.join(", ") : "no bleeding";
  }

  function generator() {
    return facts.generators.find(({ name }) => name === value("generator"));
  }

  function load(one) {
    loaded[one.name] ??= new Promise((done, failed) => {
      said.textContent = `Loading the generator trained on ${one.patients} patients, ${one.megabytes} MB …`;
      const script = document.createElement("script");
      script.src = one.file;
      script.onload = () => {
        const network = { ...playgroundWeights[one.name], size, code: one.code, matched: one.matched };
        delete playgroundWeights[one.name];
        script.remove();
        done(network);
      };
      script.onerror = () => failed(new Error(`The weights ${one.file} are missing; build the book again.`));
      document.head.append(script);
    });
    return loaded[one.name];
  }

  // One picture at a time; what was changed meanwhile is painted next.
  async function paint() {
    if (asked.busy) {
      asked.again = true;
      return;
    }
    asked.busy = true;
    section.dataset.state = "painting";
    const one = generator();
    try {
      const network = await load(one);
      worker.postMessage({ name: one.name, network: one.sent ? null : network, labels, seed: asked.seed });
      one.sent = true;
    } catch (error) {
      delete loaded[one.name];
      asked.busy = asked.again = false;
      said.textContent = error.message;
      section.dataset.state = "failed";
    }
  }

  function receive({ data: { grey, name, seed, milliseconds } }) {
    pixels(painted, (k) => [grey[k], grey[k], grey[k], 255]);
    asked.busy = false;
    const one = facts.generators.find((each) => each.name === name);
    said.textContent =
      `Painted around ${inWords()} by the generator trained on ${one.patients} patients, ` +
      `noise ${seed}, in ${Math.round(milliseconds)} ms.`;
    painted.setAttribute("aria-label", `Synthetic slice: ${said.textContent}`);
    section.dataset.milliseconds = milliseconds;
    section.dataset.state = "painted";
    if (asked.again) {
      asked.again = false;
      paint();
    }
  }

  function at(event) {
    const box = drawn.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * size - 0.5, y: ((event.clientY - box.top) / box.height) * size - 0.5 };
  }

  function moved(event) {
    if (!last) return;
    const next = at(event);
    line(last, next);
    last = next;
  }

  function lifted() {
    if (!last) return;
    last = null;
    paint();
  }

  function resize(by) {
    const input = find('input[name="brush-size"]');
    input.value = Number(input.value) + by;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function key(event) {
    const step = event.shiftKey ? STEP : 1;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      place.x = Math.min(Math.max(place.x + dx, 0), size - 1);
      place.y = Math.min(Math.max(place.y + dy, 0), size - 1);
      mark();
    } else if (event.key === "Enter" || event.key === " ") {
      remember();
      line(place, place);
      paint();
    } else if (event.key === "+" || event.key === "-") {
      resize(event.key === "+" ? 1 : -1);
    } else return;
    event.preventDefault();
  }

  marks.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    marks.setPointerCapture(event.pointerId);
    remember();
    last = at(event);
    line(last, last);
  });
  marks.addEventListener("pointermove", moved);
  marks.addEventListener("pointerup", lifted);
  marks.addEventListener("pointercancel", lifted);
  marks.addEventListener("keydown", key);
  for (const type of ["focus", "blur"]) {
    marks.addEventListener(type, () => {
      place.shown = type === "focus" && marks.matches(":focus-visible");
      mark();
    });
  }

  const presses = {
    undo: () => undos.length && replace(undos.pop()),
    clear: () => { remember(); replace(new Uint8Array(size * size)); },
    noise: () => { asked.seed += 1; paint(); },
    example: (button) => { remember(); replace(expanded(facts.examples[button.value])); },
    save: () => Object.assign(document.createElement("a"), { href: painted.toDataURL(), download: "simulated-slice.png" }).click(),
  };
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) presses[button.name](button);
  });
  panel.addEventListener("input", ({ target }) => {
    if (target.name === "generator") paint();
    if (target.name === "brush-size") target.setAttribute("aria-valuetext", `${target.value} pixels`);
  });

  start.addEventListener("click", () => {
    const source = `${playgroundEngine}\n${playgroundWorker}\nplaygroundWorker(playgroundEngine());`;
    worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onmessage = receive;
    worker.onerror = (event) => {
      asked.busy = asked.again = false;
      said.textContent = `Painting failed: ${event.message}`;
      section.dataset.state = "failed";
    };
    const head = expanded(facts.head);
    pixels(guide, (k) => (head[k] ? [58, 58, 58, 255] : [0, 0, 0, 255]));
    start.hidden = true;
    panel.hidden = false;
    replace(expanded(facts.examples[0] ?? [[0, size * size]]));
    marks.focus();
  });
  start.hidden = false;
}

document.querySelectorAll("section.playground").forEach(playground);
