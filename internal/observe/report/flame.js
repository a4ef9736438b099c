"use strict";
// What both drawings share: colours of the stylesheet, sizes, the tooltip.
const $ = id => document.getElementById(id);
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;
const clamp = (x, least, most) => Math.max(least, Math.min(most, x));

function fit(canvas, height) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth || canvas.parentElement.clientWidth;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const c = canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  c.font = "12px system-ui, sans-serif";
  c.textBaseline = "middle";
  return [c, width];
}

function tip(event, text) {
  const t = $("tip");
  t.hidden = !text;
  if (!text) return;
  t.textContent = text;
  t.style.left = clamp(event.clientX + 12, 4, innerWidth - t.offsetWidth - 4) + "px";
  t.style.top = (event.clientY + 24 + t.offsetHeight > innerHeight ? event.clientY - t.offsetHeight - 8 : event.clientY + 16) + "px";
}

function amount(value, unit) {
  const sign = value < 0 ? "−" : "", n = Math.abs(value);
  if (unit === "nanoseconds") {
    return sign + (n >= 1e9 ? (n / 1e9).toFixed(2) + " s" : n >= 1e6 ? (n / 1e6).toFixed(1) + " ms" : (n / 1e3).toFixed(0) + " µs");
  }
  if (unit === "bytes") {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let i = 0, x = n;
    while (x >= 1000 && i < units.length - 1) { x /= 1000; i++; }
    return sign + (i ? x.toFixed(1) : x) + " " + units[i];
  }
  return sign + n.toLocaleString("en") + (unit === "count" ? "" : " " + unit);
}

const shortName = name => name.replace(/^.*\/(?=[^/]*$)/, "");

// hue gives each package a colour of its own.
function hue(name) {
  const p = name.replace(/^.*\//, "").split(".")[0];
  let h = 0;
  for (const c of p) h = (h * 31 + c.charCodeAt(0)) % 360;
  return p === "runtime" ? 210 : h % 70;
}

// Flames draws one profile at a time: root on top, callees below.
function Flames(profiles, names) {
  const canvas = $("flame"), row = 19;
  let current = profiles[0], path = [], boxes = [], query = "";
  const size = n => Math.max(Math.abs(n[1]), n.slice(2).reduce((sum, c) => sum + size(c), 0));
  const matches = n => query && names[n[0]].toLowerCase().includes(query);

  function depth(n) { let d = 0; for (let i = 2; i < n.length; i++) d = Math.max(d, depth(n[i])); return d + 1; }

  function matched(n) { return matches(n) ? Math.abs(n[1]) : n.slice(2).reduce((sum, c) => sum + matched(c), 0); }

  function box(c, n, x, y, w, line) {
    const name = n === current.tree ? "all " + amount(current.total, current.unit) : names[n[0]];
    const night = dark(), difference = current.id.startsWith("diff-");
    if (matches(n)) c.fillStyle = css("--hit");
    else if (line === "path") c.fillStyle = css("--soft");
    else if (difference) c.fillStyle = n[1] > 0 ? (night ? "#8e2a2a" : "#ffb3ad") : (night ? "#1d5c34" : "#a9e5b8");
    else c.fillStyle = `hsl(${hue(name)} ${night ? "45% 32%" : "75% 76%"})`;
    c.fillRect(x, y, Math.max(w - 0.6, 0.4), row - 1);
    if (w > 24) {
      c.save();
      c.beginPath(); c.rect(x, y, w - 3, row); c.clip();
      c.fillStyle = css("--text");
      c.fillText(shortName(name), x + 4, y + row / 2);
      c.restore();
    }
    boxes.push([x, y, w, n, line]);
  }

  function draw() {
    const top = path.length ? path[path.length - 1] : current.tree;
    const [c, width] = fit(canvas, (path.length + depth(top)) * row + 2);
    boxes = [];
    path.slice(0, -1).forEach((n, i) => box(c, n, 0, i * row, width, "path"));
    const from = Math.max(path.length - 1, 0) * row;
    (function walk(n, x, y, w) {
      box(c, n, x, y, w);
      const total = size(n);
      for (let i = 2, at = x; i < n.length; i++) {
        const part = w * size(n[i]) / total;
        if (part >= 0.4) walk(n[i], at, y + row, part);
        at += part;
      }
    })(top, 0, from, width);
    const all = size(current.tree);
    $("found").textContent = query ? (matched(current.tree) * 100 / all).toFixed(1) + " % matched" : "";
  }

  function under(event) {
    const r = canvas.getBoundingClientRect(), x = event.clientX - r.left, y = event.clientY - r.top;
    return boxes.find(b => x >= b[0] && x < b[0] + b[2] && y >= b[1] && y < b[1] + row);
  }

  function way(n, from, trail) {
    trail = [...trail, from];
    if (from === n) return trail;
    for (let i = 2; i < from.length; i++) { const t = way(n, from[i], trail); if (t) return t; }
    return null;
  }

  function describe(n) {
    const name = n === current.tree ? "all" : names[n[0]], all = size(current.tree);
    return `${name}: ${amount(n[1], current.unit)}, ${(Math.abs(n[1]) * 100 / all).toFixed(1)} %`;
  }

  function table() {
    const body = $("rows").tBodies[0];
    body.replaceChildren(...current.rows.map(r => {
      const tr = document.createElement("tr");
      for (const text of [names[r[0]], amount(r[1], current.unit), amount(r[2], current.unit)]) tr.insertCell().textContent = text;
      return tr;
    }));
  }

  function show(p) {
    current = p; path = [];
    for (const b of $("tabs").children) b.setAttribute("aria-selected", b.dataset.id === p.id);
    table(); draw();
  }

  for (const p of profiles) {
    const b = document.createElement("button");
    b.textContent = p.title; b.dataset.id = p.id; b.setAttribute("role", "tab");
    b.onclick = () => show(p);
    $("tabs").append(b);
  }
  canvas.onmousemove = e => { const b = under(e); tip(e, b && describe(b[3])); };
  canvas.onmouseleave = e => tip(e, "");
  canvas.onclick = e => {
    const b = under(e);
    if (!b) return;
    path = b[3] === current.tree ? [] : way(b[3], current.tree, []);
    $("what").textContent = describe(b[3]);
    tip(e, ""); draw();
  };
  canvas.onkeydown = e => { if (e.key === "Escape" || e.key === "Backspace") { path.pop(); if (path.length === 1) path = []; draw(); } };
  $("search").oninput = e => { query = e.target.value.trim().toLowerCase(); draw(); };
  $("reset").onclick = () => { path = []; draw(); };
  $("profiles").hidden = false;
  show(current);
  return draw;
}
