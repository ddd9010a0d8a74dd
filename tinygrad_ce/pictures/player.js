"use strict";
// Everything shown is set as text, never as markup: names and values are the user's.
const run = JSON.parse(document.getElementById("run").textContent);
const at = (id) => document.getElementById(id);
const [graph, card, slider] = [at("graph"), at("card"), at("slider")];
const boxes = [...graph.querySelectorAll(".v")];
const lines = [...graph.querySelectorAll(".e")].map((e) => [e, ...e.dataset.e.split(" ").map(Number)]);
const still = matchMedia("(prefers-reduced-motion: reduce)");
let now = 0, timer = null, opened = false;

function made(tag, kind, ...inside) {
  const e = document.createElement(tag);
  if (kind) e.className = kind;
  e.append(...inside.filter((x) => x !== null && x !== undefined));
  return e;
}

// Arrays: {s: shape, t: text, d: entries, r, c: rows and columns shown, i, j: which they are}
function map(id, name) {
  const x = run.arrays[id], say = made("figcaption", "");
  const title = (name ? name + " " : "") + (x.s.length ? "(" + x.s.join(", ") + (x.s.length === 1 ? ",)" : ")") : "");
  const figure = made("figure", "");
  if (!x.d || !x.s.length) {
    figure.append(made("div", "row", (name ? name + (x.s.length ? " " + title.slice(name.length + 1) : "") + " = " : "") + x.t));
    return figure;
  }
  const told = Boolean(x.w); // few entries: their numbers are in the cells
  const sizes = x.m || x.d; // complex numbers are shaded by how large they are
  const finite = sizes.map(Number).filter(Number.isFinite);
  const most = Math.max(...finite.map(Math.abs), 0) || 1;
  const place = (k) => (x.s.length === 1 ? `[${x.j[k % x.c]}]` : `[${x.i[Math.floor(k / x.c)]}, ${x.j[k % x.c]}]`);
  const shade = (k) => {
    const number = Number(sizes[k]);
    return Number.isFinite(number)
      ? `rgba(var(${number < 0 ? "--minus" : "--plus"}), ${(0.62 * Math.abs(number) / most).toFixed(3)})`
      : "repeating-linear-gradient(45deg, rgba(var(--plus), .3) 0 2px, transparent 2px 6px)";
  };
  const table = (kind, content) => {
    const rows = [], grid = made("table", kind, made("caption", "unseen", title));
    x.d.forEach((_, k) => {
      if (k % x.c === 0) rows.push(made("tr"));
      const cell = made("td", "", content(k));
      cell.style.background = shade(k);
      cell.title = `${place(k)} = ${x.d[k]}`;
      cell.onpointerenter = cell.onclick = () => { say.textContent = cell.title; };
      rows.at(-1).append(cell);
    });
    grid.append(made("tbody", "", ...rows));
    grid.onpointerleave = () => { say.textContent = summary; };
    return grid;
  };
  const summary = told && !x.p ? title : `${title} ${x.t}${x.p ? "; " + x.p : ""}`;
  say.textContent = summary;
  if (told) {
    figure.append(table("map told", (k) => x.w[k]), say);
    return figure;
  }
  const colours = table("map", () => ""), numbers = made("details", "", made("summary", "", "numbers"));
  colours.setAttribute("aria-hidden", "true"); // the table of numbers says it all
  numbers.ontoggle = () => { if (numbers.children.length < 2) numbers.append(table("map told", (k) => String(x.d[k]))); };
  figure.append(colours, say, numbers);
  return figure;
}

const scalar = (id) => !run.arrays[id].s.length;
const text = (id) => run.arrays[id].t;
const bracketed = (t) => (t.startsWith("-") ? `(${t})` : t);
const equal = (...parts) => [...new Set(parts.filter((p) => p !== null && p !== undefined && p !== ""))].join(" = ");
const slope = (v) => `d${run.vertices[run.root].l}/d${run.vertices[v].l}`;

function summed(a) {
  if (a.before === null) return null;
  if (scalar(a.added)) return made("p", "sum", `${text(a.before)} + ${bracketed(text(a.added))} -> ${text(a.after)}`);
  return made("div", "maps", map(a.before), made("span", "sign", "+"), map(a.added),
    made("span", "sign", "->"), map(a.after));
}

function forward(v) {
  const parts = [made("h2", "", v.f ? `${v.l} = ${v.f}` : v.l)];
  if (v.n) parts.push(made("p", "row", equal(v.n, text(v.v))));
  if (!v.f) parts.push(made("p", "note", run.kinds[v.k]));
  if (v.note) parts.push(made("p", "note", v.note));
  const from = [...new Set(v.o)].map((i) => run.vertices[i]);
  if (from.length) {
    parts.push(made("h3", "", "from"), made("div", "maps", ...from.map((u) => map(u.v, u.l))));
  }
  parts.push(made("h3", "", from.length ? "gives" : "its value"), map(v.v, v.l));
  return parts;
}

function edge(a) {
  const target = run.vertices[a.from], source = run.vertices[a.to];
  const twice = target.o.filter((i) => i === a.to).length > 1 && a.arg ? ` (operand ${a.arg})` : "";
  const parts = [made("p", "note", a.aside ? `shown to ${source.l}, past which it goes` : `to ${source.l}${twice}`)];
  if (a.local) {
    const value = a.value !== null && scalar(a.value) ? text(a.value) : null;
    parts.push(made("p", "row", `d${target.l}/d${source.l} = ${equal(a.local, a.localn, value)}`));
    if (a.value !== null && !scalar(a.value) && isNaN(a.local)) parts.push(map(a.value, `d${target.l}/d${source.l}`));
  }
  if (a.rule) parts.push(made("p", "row", `${a.to === run.root ? "" : slope(a.to)} gets ${equal(a.rule, a.rulen, scalar(a.added) ? text(a.added) : null)}`));
  if (!a.local && a.uses.length) {
    parts.push(made("div", "maps", ...a.uses.map((i) => map(run.vertices[i].v, run.vertices[i].l))));
  }
  if (!scalar(a.added) || !a.rule) parts.push(map(a.added, `to ${source.l}`));
  parts.push(a.before === null ? null : made("p", "note", "added to what is there"), summed(a));
  return made("div", "edge", ...parts.filter(Boolean));
}

function backward(step, v) {
  const parts = [made("h2", "", slope(step.v))];
  if (v.note) parts.push(made("p", "note", v.note));
  const came = step.arrived.map((i) => run.arrivals[i]);
  parts.push(made("h3", "", "arrives"));
  if (step.v === run.root) parts.push(made("p", "note", "The way back begins here, with"));
  if (came.length > 1) {
    const twice = (a) => came.filter((b) => b.from === a.from).length > 1;
    for (const a of came) parts.push(made("p", "row", `from ${run.vertices[a.from].l}${twice(a) && a.arg ? ` (operand ${a.arg})` : ""}${a.aside ? ", only shown" : ""}${scalar(a.added) ? ": " + text(a.added) : ""}`), scalar(a.added) ? null : map(a.added));
    for (const a of came) parts.push(summed(a));
    parts.push(made("h3", "", "whole gradient"));
  } else if (came.length) parts.push(made("p", "note", `from ${run.vertices[came[0].from].l}`));
  parts.push(map(v.g, slope(step.v)));
  if (v.hook) parts.push(made("p", "note", "A hook changed it on arrival."));
  if (step.sent.length) {
    parts.push(made("h3", "", "goes on"), ...step.sent.map((i) => edge(run.arrivals[i])));
  } else if (v.k === "parameter") {
    parts.push(made("p", "note", "A leaf: backward() adds this to its .grad."));
  }
  return parts.filter(Boolean);
}

function spoken(step, v) {
  const what = step.back ? `gradient of ${v.l}: ${text(v.g)}` : `${v.f ? `${v.l} = ${v.f}` : v.l}: ${text(v.v)}`;
  const sum = (a) => `${text(a.before)} + ${bracketed(text(a.added))} -> ${text(a.after)}`;
  const grown = (a) => (a.before === null ? "" : scalar(a.added) ? `, ${sum(a)}` : `, added to what is there -> ${text(a.after)}`);
  const sums = step.arrived.map((i) => run.arrivals[i]).map(grown).join("");
  const sent = step.sent.map((i) => run.arrivals[i]).filter((a) => !a.aside)
    .map((a) => `. To ${run.vertices[a.to].l}: ${equal(a.rule, a.rulen, text(a.added))}${grown(a)}`).join("");
  return `Step ${now + 1} of ${run.steps.length}, ${step.back ? "backward" : "forward"}: ${what}${sums}${sent}`;
}

// On the way back: at each edge that a gradient goes along, the local derivative.
function label(step, v) {
  graph.querySelector(".labels")?.remove();
  if (!step.back) return;
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
  group.setAttribute("class", "labels");
  const found = new Map(); // what is said at each line
  for (const a of step.sent.map((i) => run.arrivals[i])) {
    const line = lines.find(([, s, t]) => s === run.vertices[a.to].b && t === v.b);
    if (!line || a.aside) continue; // both are in one box of repeated steps
    const value = a.value !== null && scalar(a.value) ? text(a.value) : null;
    const said = a.local ? `d${v.l}/d${run.vertices[a.to].l} = ${equal(a.local, a.localn, value)}`
      : `${slope(a.to)} gets ${a.rule || "…"}`;
    const path = line[0].querySelector(".line");
    found.set(path, (found.get(path) || new Set()).add(said));
  }
  const sorted = [...found].map(([path, said]) => [path.getPointAtLength(0).x, path, [...said]]);
  sorted.sort((a, b) => a[0] - b[0]);
  const rows = { end: 0, start: 0 };
  sorted.forEach(([x, path, said], k) => {
    let length = path.getTotalLength();
    const end = path.getPointAtLength(length);
    const side = k === 0 && (sorted.length > 1 || x < end.x - 1) ? "end" : "start";
    while (length > 0 && path.getPointAtLength(length).y > end.y - 13) length -= 2;
    const aside = Math.abs(path.getPointAtLength(length).x - end.x) + 7; // where the line bends away
    for (const one of said) {
      const e = document.createElementNS("http://www.w3.org/2000/svg", "text");
      e.setAttribute("x", end.x + (side === "end" ? -aside : aside));
      e.setAttribute("y", end.y - 1 - 13 * rows[side]++);
      e.setAttribute("class", `small ${side}`);
      e.textContent = one.length > 40 ? one.slice(0, 39) + "…" : one;
      group.append(e);
    }
  });
  graph.querySelector("svg > g").append(group);
}

function show(n) {
  now = Math.max(0, Math.min(run.steps.length - 1, n));
  const step = run.steps[now], v = run.vertices[step.v];
  const way = made("p", "way", `step ${now + 1} of ${run.steps.length} · `, made("b", "", step.back ? "backward" : "forward"));
  card.replaceChildren(way, ...(step.back ? backward(step, v) : forward(v)));
  card.className = graph.className = step.back ? "back" : "";
  card.scrollTop = 0;
  const before = run.steps.slice(0, now + 1);
  const there = new Set(before.filter((s) => !s.back).map((s) => run.vertices[s.v].b));
  const known = new Set(before.filter((s) => s.back).map((s) => run.vertices[s.v].b));
  boxes.forEach((box, i) => {
    box.classList.toggle("ahead", !there.has(i));
    box.classList.toggle("known", known.has(i));
    box.classList.toggle("now", i === v.b);
  });
  const next = new Set(step.back ? step.sent.map((i) => run.vertices[run.arrivals[i].to].b) : v.o.map((i) => run.vertices[i].b));
  for (const [line, a, b] of lines) {
    line.classList.toggle("ahead", !there.has(b));
    line.classList.toggle("now", b === v.b && next.has(a));
  }
  label(step, v);
  const box = boxes[v.b].getBoundingClientRect(), frame = graph.getBoundingClientRect();
  graph.scrollBy({ left: box.x + box.width / 2 - frame.x - frame.width / 2,
    top: box.y + box.height / 2 - frame.y - frame.height / 2, behavior: still.matches || !opened ? "auto" : "smooth" });
  opened = true;
  slider.value = now + 1;
  slider.setAttribute("aria-valuetext", `${now + 1} of ${run.steps.length}, ${step.back ? "backward" : "forward"}, ${v.l}`);
  at("count").textContent = `${now + 1} / ${run.steps.length}`;
  // Not `disabled`: who walks by keyboard would lose the button under the finger at the end.
  for (const id of ["first", "back"]) at(id).setAttribute("aria-disabled", String(now === 0));
  for (const id of ["last", "next"]) at(id).setAttribute("aria-disabled", String(now === run.steps.length - 1));
  at("spoken").textContent = spoken(step, v);
  try { history.replaceState(null, "", "#" + (now + 1)); } catch { /* a notebook's frame has no address */ }
  if (now === run.steps.length - 1) play(false);
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => show(now + 1), 1600) : null;
  at("play").textContent = on ? "stop" : "play";
  at("play").setAttribute("aria-pressed", String(on));
}

// A picture that is a little too wide is made smaller; one that is much too wide can be scrolled.
const drawn = graph.querySelector("svg");
drawn.style.minWidth = `${0.8 * drawn.getAttribute("width")}px`;

const linked = () => (parseInt(location.hash.slice(1), 10) || 1) - 1;
slider.max = run.steps.length;
slider.oninput = () => show(slider.value - 1);
at("first").onclick = () => show(0);
at("back").onclick = () => show(now - 1);
at("next").onclick = () => show(now + 1);
at("last").onclick = () => show(run.steps.length - 1);
at("play").onclick = () => play(timer === null);
addEventListener("hashchange", () => show(linked()));
boxes.forEach((box, i) => {
  box.onclick = () => {
    const here = run.steps.map((s, n) => [s, n]).filter(([s]) => run.vertices[s.v].b === i);
    const same = here.filter(([s]) => s.back === run.steps[now].back);
    if (here.length) show((same[0] || here[0])[1]);
  };
});
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === slider) return;
  const steps = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: run.steps.length - 1 };
  if (event.key in steps) show(steps[event.key]);
  else if (event.key === " " && event.target.tagName !== "BUTTON") play(timer === null);
  else return;
  event.preventDefault();
});
show(linked());
