// The timeline: Ps, the collector, throttling, counts of goroutines, tasks, log lines.
function Times(d, names, work) {
  const canvas = $("time"), left = 92, laneHeight = 17;
  let from = 0, to = d.length, chosen = -1, query = "", lit = null, rows = [], ticking = false, relist = 0, listed = "";
  const wall = us => new Date((d.zero + us) / 1000).toISOString().slice(11, 23);
  const span = us => us >= 1e6 ? (us / 1e6).toFixed(2) + " s" : us >= 1e3 ? (us / 1e3).toFixed(2) + " ms" : us + " µs";
  const x = (us, width) => left + (us - from) / (to - from) * (width - left);
  for (const list of ["long", "cells", "ranges", "tasks", "regions", "lines", "throttle", "states", "heap", "goal"]) {
    d[list] = (d[list] || []).sort((a, b) => a[0] - b[0]);
  }
  const visible = list => list.filter(e => e[0] <= to && e[0] + e[1] >= from);
  const found = text => query && text.toLowerCase().includes(query);

  // stack puts what overlaps into lanes, so many at most.
  function stack(list, most) {
    const ends = [];
    return visible(list).map(e => {
      let lane = ends.findIndex(end => end <= e[0]);
      if (lane < 0) { if (ends.length === most) return null; lane = ends.length; }
      ends[lane] = e[0] + e[1];
      return [lane, e];
    }).filter(Boolean);
  }

  function lanes() {
    const all = [{ title: "log", kind: "lines", height: 22 }];
    if (d.throttle.length) all.push({ title: "throttled", kind: "throttle", height: 20 });
    if (d.ranges.length) all.push({ title: "collector", kind: "ranges", height: 4 * 9 });
    for (let p = 0; p < d.procs; p++) all.push({ title: "P" + p, kind: "proc", proc: p, height: laneHeight });
    if (d.states.length) all.push({ title: "goroutines", kind: "states", height: 64 });
    if (d.heap.length) all.push({ title: "heap", kind: "heap", height: 48 });
    if (d.tasks.length) all.push({ title: "tasks", kind: "tasks", height: 6 * 11 });
    if (d.regions.length) all.push({ title: "regions", kind: "regions", height: 3 * 11 });
    return all;
  }

  const colour = name => name.startsWith("runtime.gc") || name.startsWith("runtime.bg") ? css("--gc") : css("--run");
  function bar(c, e, y, h, width, style, label, lane) {
    const a = Math.max(x(e[0], width), left), b = Math.min(x(e[0] + e[1], width), width);
    c.fillStyle = style;
    c.fillRect(a, y, Math.max(b - a, 0.7), h);
    if (b - a > 40 && h > 9) {
      c.save(); c.beginPath(); c.rect(a, y, b - a, h); c.clip();
      c.fillStyle = css("--page"); c.fillText(shortName(label), a + 3, y + h / 2); c.restore();
    }
    rows.push([a, y, Math.max(b - a, 3), h, e, lane]);
  }

  const paint = {
    lines(c, l, y, width) {
      for (const [i, e] of d.lines.entries()) {
        if (e[0] < from || e[0] > to) continue;
        c.fillStyle = i === chosen ? css("--link") : found(e[2] + " " + e[3]) ? css("--hit") : e[1] <= 3 ? css("--mark") : e[1] === 4 ? css("--gc") : css("--dim");
        c.fillRect(x(e[0], width) - (i === chosen ? 1.5 : 0.5), y + (e[1] <= 4 ? 0 : 5), i === chosen ? 3 : 1, e[1] <= 4 ? 20 : 15);
        rows.push([x(e[0], width) - 3, y, 6, 22, e, "lines"]);
      }
    },
    throttle(c, l, y, width) {
      for (const e of visible(d.throttle)) bar(c, e, y + 2, 16, width, css("--mark"), e[2].toFixed(0) + " ms", "throttle");
    },
    ranges(c, l, y, width) {
      const lane = n => n.startsWith("stop-the-world") ? 0 : n.startsWith("GC concurrent") ? 1 : n.includes("assist") ? 2 : 3;
      for (const e of visible(d.ranges)) {
        const n = names[e[2]], k = lane(n);
        bar(c, e, y + k * 9, 8, width, k === 0 ? css("--mark") : k === 2 ? css("--ready") : css("--gc"), n, "ranges");
      }
    },
    proc(c, l, y, width) {
      for (const e of visible(d.cells)) {
        if (e[2] !== l.proc) continue;
        c.globalAlpha = 0.25 + 0.75 * e[4] / 100;
        bar(c, e, y, laneHeight - 2, width, colour(names[e[3]]), "", "cells");
        c.globalAlpha = 1;
      }
      for (const e of visible(d.long)) {
        if (e[2] === l.proc) bar(c, e, y, laneHeight - 2, width, e[5] ? css("--sys") : colour(names[e[3]]), names[e[3]], "long");
      }
    },
    states(c, l, y, width) {
      const shown = d.states.filter(s => s[0] >= from && s[0] <= to);
      const most = Math.max(1, ...shown.map(s => s[1] + s[2] + s[4] + Math.min(s[3], 200)));
      const styles = [[1, "--run"], [2, "--ready"], [4, "--sys"], [3, "--wait"]];
      shown.forEach((s, i) => {
        const a = x(s[0], width), b = i + 1 < shown.length ? x(shown[i + 1][0], width) : a + 2;
        let base = y + 62;
        for (const [k, style] of styles) {
          const h = (k === 3 ? Math.min(s[k], 200) : s[k]) / most * 60;
          c.fillStyle = css(style); c.fillRect(a, base - h, Math.max(b - a, 1), h); base -= h;
        }
        rows.push([a, y, Math.max(b - a, 1), 62, s, "states"]);
      });
    },
    heap(c, l, y, width) {
      const most = Math.max(1, ...d.heap.map(s => s[1]), ...d.goal.map(s => s[1] < 2 ** 50 ? s[1] : 0));
      for (const [list, style] of [[d.goal, "--dim"], [d.heap, "--link"]]) {
        c.strokeStyle = css(style); c.beginPath();
        let begun = false;
        for (const s of list) {
          if (s[0] < from || s[0] > to || s[1] >= 2 ** 50) continue;
          const at = [x(s[0], width), y + 46 - s[1] / most * 44];
          begun ? c.lineTo(...at) : c.moveTo(...at); begun = true;
          if (list === d.heap) rows.push([at[0] - 2, y, 4, 46, s, "heap"]);
        }
        c.stroke();
      }
    },
    tasks(c, l, y, width) {
      for (const [lane, e] of stack(d.tasks, 6)) {
        bar(c, e, y + lane * 11, 10, width, lit && e[3] === lit || found(names[e[2]] + " " + e[3]) ? css("--hit") : css("--link"), names[e[2]], "tasks");
      }
    },
    regions(c, l, y, width) {
      for (const [lane, e] of stack(d.regions, 3)) bar(c, e, y + lane * 11, 10, width, found(names[e[2]]) ? css("--hit") : css("--sys"), names[e[2]], "regions");
    },
  };

  function draw() {
    ticking = false;
    const all = lanes(), height = all.reduce((sum, l) => sum + l.height + 4, 24);
    const [c, width] = fit(canvas, height);
    rows = [];
    axis(c, width, height);
    let y = 22;
    for (const l of all) {
      c.fillStyle = css("--dim");
      c.fillText(l.title, 6, y + Math.min(l.height, 20) / 2);
      paint[l.kind](c, l, y, width);
      y += l.height + 4;
    }
    if (chosen >= 0) {
      const at = x(d.lines[chosen][0], width);
      if (at >= left) { c.fillStyle = css("--link"); c.fillRect(at - 0.5, 0, 1, height); }
    }
    clearTimeout(relist);
    relist = setTimeout(list, 150);
    $("range").textContent = wall(from) + " to " + wall(to) + " UTC, " + span(Math.round(to - from));
  }

  function axis(c, width, height) {
    const raw = (to - from) / Math.max((width - left) / 110, 1), power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= raw);
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const at = x(t, width);
      c.fillStyle = css("--line"); c.fillRect(at, 18, 1, height);
      c.fillStyle = css("--dim"); if (at < width - 70) c.fillText(wall(t), at + 2, 9);
    }
  }

  const later = () => { if (!ticking) { ticking = true; requestAnimationFrame(draw); } };
  function zoom(factor, centre) {
    const length = clamp((to - from) * factor, 20, d.length), part = (centre - from) / (to - from);
    from = clamp(centre - length * part, 0, d.length - length); to = from + length; later();
  }
  function move(us) { const length = to - from; from = clamp(from + us, 0, d.length - length); to = from + length; later(); }

  function describe(e, lane) {
    const n = i => names[i];
    switch (lane) {
      case "lines": return `${wall(e[0])} ${e[2]}`;
      case "throttle": return `throttled for ${e[2].toFixed(1)} ms in ${span(e[1])}, all CPUs together`;
      case "ranges": return `${n(e[2])}, ${span(e[1])}, at ${wall(e[0])}`;
      case "cells": return `P${e[2]} ${e[4]} % busy for ${span(e[1])}, mostly ${n(e[3])}`;
      case "long": return `goroutine ${e[4]} ${n(e[3])}${e[5] ? " in a system call" : ""}, ${span(e[1])}, at ${wall(e[0])}`;
      case "states": return `${e[1]} running, ${e[2]} ready, ${e[4]} in system calls, ${e[3]} waiting, at ${wall(e[0])}`;
      case "heap": return `${amount(e[1], "bytes")} of heap at ${wall(e[0])}`;
      case "tasks": return `${n(e[2])}, ${span(e[1])}, at ${wall(e[0])} ${e[3]}`;
      case "regions": return `${n(e[2])}, ${span(e[1])}, goroutine ${e[3]}`;
    }
    return "";
  }

  function under(e) {
    const r = canvas.getBoundingClientRect(), px = e.clientX - r.left, py = e.clientY - r.top;
    for (let i = rows.length - 1; i >= 0; i--) {
      const b = rows[i];
      if (px >= b[0] && px <= b[0] + b[2] && py >= b[1] && py <= b[1] + b[3]) return b;
    }
    return null;
  }

  const pointers = new Map();
  let moved = 0, pinch = 0;
  const atPointer = e => { const r = canvas.getBoundingClientRect(); return from + (e.clientX - r.left - left) / (r.width - left) * (to - from); };
  canvas.addEventListener("wheel", e => { if (e.deltaY) { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, atPointer(e)); } }, { passive: false });
  canvas.onpointerdown = e => { pointers.set(e.pointerId, e); moved = 0; canvas.setPointerCapture(e.pointerId); };
  canvas.onpointermove = e => {
    const was = pointers.get(e.pointerId);
    if (!was) { const b = under(e); const text = b ? describe(b[4], b[5]) : ""; $("hover").textContent = text; tip(e, text); return; }
    pointers.set(e.pointerId, e);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()], distance = Math.abs(a.clientX - b.clientX) + 1;
      if (pinch) zoom(pinch / distance, (atPointer(a) + atPointer(b)) / 2);
      pinch = distance; moved = 9; return;
    }
    moved += Math.abs(e.clientX - was.clientX);
    move((was.clientX - e.clientX) / (canvas.clientWidth - left) * (to - from));
  };
  canvas.onpointerup = canvas.onpointercancel = e => {
    pointers.delete(e.pointerId); pinch = 0;
    if (moved > 4 || e.type !== "pointerup") return;
    const b = under(e);
    if (b && b[5] === "lines") choose(d.lines.indexOf(b[4]));
    if (b && b[5] === "tasks" && b[4][3]) { $("find").value = b[4][3]; $("find").oninput(); }
    if (b) $("hover").textContent = describe(b[4], b[5]);
  };
  canvas.onmouseleave = e => tip(e, "");
  canvas.ondblclick = () => { from = 0; to = d.length; later(); };
  canvas.onkeydown = e => {
    const keys = { ArrowLeft: () => move(-(to - from) / 8), ArrowRight: () => move((to - from) / 8), "+": () => zoom(0.7, (from + to) / 2), "-": () => zoom(1.4, (from + to) / 2) };
    if (keys[e.key]) { e.preventDefault(); keys[e.key](); }
  };
  for (const b of document.querySelectorAll("[data-zoom]")) {
    b.onclick = () => { if (b.dataset.zoom === "all") { from = 0; to = d.length; later(); } else zoom(+b.dataset.zoom, (from + to) / 2); };
  }

  // The log, and what the goroutines did at the time of a line.
  function list() {
    const what = [from, to, query].join();
    if (what === listed) return;
    listed = what;
    const shown = d.lines.map((e, i) => [e, i]).filter(([e]) => e[0] >= from && e[0] <= to && (!query || found(e[2] + " " + e[3] + " " + e[5].map(f => f[1]).join(" "))));
    $("count").textContent = `(${shown.length} of ${d.lines.length} lines, those of the time shown)`;
    $("log").replaceChildren(...shown.slice(0, 1000).map(([e, i]) => {
      const li = document.createElement("li"), b = document.createElement("button"), t = document.createElement("time");
      t.textContent = wall(e[0]);
      b.className = "p" + Math.max(Math.min(e[1], 6), 3); b.dataset.i = i; b.setAttribute("aria-current", i === chosen);
      b.append(t, e[2], ...e[5].map(f => ` ${names[f[0]].toLowerCase()}=${f[1]}`));
      b.onclick = () => choose(i);
      li.append(b);
      return li;
    }));
    if (shown.length > 1000) $("count").textContent += ", the first 1000 are listed";
  }

  function line(text, code) {
    const p = document.createElement("p"), c = document.createElement("code");
    p.append(text); c.textContent = code || ""; p.append(c);
    return p;
  }

  function choose(i) {
    if (i < 0) return;
    const e = d.lines[i], m = e[6], out = $("moment");
    chosen = i; lit = e[3] || null;
    for (const b of $("log").querySelectorAll("button")) b.setAttribute("aria-current", b.dataset.i == i);
    out.replaceChildren(line(wall(e[0]) + " UTC: " + e[2]));
    if (e[4]) out.append(line("", e[4]));
    if (e[3]) {
      const tasks = d.tasks.filter(t => t[3] === e[3]);
      if (work[e[3]]) out.append(line("CPU samples of this work: " + amount(work[e[3]], "nanoseconds")));
      out.append(line("TRACE_ID ", e[3]), ...tasks.map(t => line(`task of ${span(t[1])} from ${wall(t[0])}: `, names[t[2]])));
    }
    if (!m) out.append(line("No execution trace covers this moment."));
    else {
      out.append(...m[0].map(r => line(`P${r[0]} runs goroutine ${r[1]}: `, names[r[2]])));
      if (!m[0].length) out.append(line("No goroutine ran."));
      out.append(...m[1].map(g => line(`${g[0]} × ${names[g[1]]}${names[g[2]] ? " (" + names[g[2]] + ")" : ""}: `, names[g[3]] || "begun before the trace")));
      if (m[2]) out.append(line(`and ${m[2]} others`));
    }
    if (e[0] < from || e[0] > to) { const length = to - from; from = clamp(e[0] - length / 2, 0, d.length - length); to = from + length; }
    later();
  }

  $("find").oninput = () => { query = $("find").value.trim().toLowerCase(); list(); later(); };
  $("thinned").textContent = d.thinned && d.thinned.length ? "Left out or drawn together: " + [...new Set(d.thinned)].join("; ") + "." : "";
  for (const b of document.querySelectorAll("button.at")) {
    b.onclick = () => {
      const at = +b.dataset.at - d.zero, length = Math.min(d.length, 200000);
      from = clamp(at - length / 2, 0, d.length - length); to = from + length; later();
      $("timeline").scrollIntoView({ behavior: "smooth" });
    };
  }
  $("timeline").hidden = false;
  list(); draw();
  return draw;
}

(async () => {
  const bytes = Uint8Array.from(atob($("data").textContent.trim()), c => c.charCodeAt(0));
  let data;
  try {
    data = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  } catch (e) {
    document.querySelector("header").append(Object.assign(document.createElement("p"), { textContent: "This browser cannot unpack the drawings: " + e }));
    return;
  }
  const draws = [];
  if (data.time && $("timeline")) draws.push(Times(data.time, data.names, data.work || {}));
  if (data.flames.length) draws.push(Flames(data.flames, data.names));
  const again = () => draws.forEach(f => f());
  addEventListener("resize", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.body.dataset.ready = "yes";
})();
