/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a recording's data on the page. Names come from programs: they become text, and never markup. */
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const matrixMost = 24; /* rows and columns */

for (const one of [...data.threads, ...data.thread_groups, ...data.tags, ...data.series.threads, ...data.series.tags])
  one.name = one.name || "(unnamed)";
for (const flow of data.flows) {
  flow.owner_name = flow.owner_name || "(unnamed)";
  flow.freer_name = flow.freer_name || "(unnamed)";
}

function showHead() {
  const began = new Date(data.recorded_ns / 1e6), seconds = data.duration_ns / 1e9;
  const ends = {
    ended: "until the process ended", stopped: "until it was stopped", "time over": "for as long as was asked for",
    failed: "until the process could not be read any more",
    "write failed": "until what was read could not be written any more", cut: "cut off, or still going on",
  };
  document.title = data.program + " " + data.pid + " – threadmeter";
  document.getElementById("program").textContent = data.program;
  document.getElementById("about").textContent =
      ["pid " + data.pid, began.toLocaleString("en-GB", {dateStyle: "medium", timeStyle: "medium"}), formatSeconds(seconds),
       data.readings.toLocaleString("en") + (data.readings === 1 ? " reading" : " readings") + ", one every " +
           (data.every_ns < 1e9 ? data.every_ns / 1e6 + " ms" : data.every_ns / 1e9 + " s"),
       ends[data.end]].join(" · ");
  const warning = document.getElementById("warning");
  if (data.lost_why) {
    warning.textContent = "This is not all of the recording: " + data.lost_why + ", and the last " +
                          formatExactly(data.lost_bytes, "bytes") + " of the file are lost.";
    warning.hidden = false;
  }
}

function showTiles() {
  const tile = (id, title, bytes, note) =>
      make("div", {class: "tile", id}, make("span", {class: "quiet"}, title), bytesCell("b", bytes),
           make("span", {class: "quiet"}, note));
  const tiles = [
    tile("tile-peak", "Peak", data.peak.live_bytes, "at " + formatSeconds(data.peak.elapsed_ns / 1e9) + ", of the readings"),
    tile("tile-end", "Live at the end", data.process.live_bytes,
         data.process.live_blocks.toLocaleString("en") + " blocks"),
    tile("tile-allocated", "Allocated in all", data.process.allocated_bytes,
         formatBytes(data.allocated_bytes_per_second) + "/s while recorded"),
  ];
  if (data.resident_peak_bytes !== null)
    tiles.push(tile("tile-resident", "Resident size", data.resident_peak_bytes, "at most"));
  tiles.push(make("div", {class: "tile", id: "tile-threads"}, make("span", {class: "quiet"}, "Threads seen"),
                  make("b", {"data-value": data.thread_count}, data.thread_count.toLocaleString("en")),
                  make("span", {class: "quiet"}, data.live_thread_count.toLocaleString("en") + " live at the end")));
  document.getElementById("tiles").replaceChildren(...tiles);
}

/* A limit has a column only if a row has one. */
function figures(peakExplained, bound, limited) {
  return data.columns.filter(column => limited || column.kind !== "limit").map(column =>
    column.kind === "peak" ? {...column, kind: "bytes", gauge: true, bound, explained: peakExplained}
    : column.kind === "limit" ? {...column, kind: "bytes"} : column);
}

function showTables() {
  const total = {...data.process, name: "Process", tid: "", state: "", at_peak_bytes: data.peak.live_bytes,
                 allocated_bytes_per_second: data.allocated_bytes_per_second};
  const unseen = {...data.unseen, name: "(exited, between two readings)", tid: "", state: "", at_peak_bytes: 0};
  const isSomething = row => row.allocated_blocks + row.remote_frees_received_bytes + row.remote_frees_made_bytes > 0;
  makeTable(document.getElementById("threads"), [
    {title: "Thread", key: "name", kind: "name"}, {title: "TID", key: "tid", kind: "text"},
    {title: "State", key: "state", kind: "text"},
    ...figures("Most that it owned at once: exact, also between readings, until the last one that saw it", "sum", false),
  ], data.threads.map(thread => ({...thread, tid: thread.tid || "-"})), isSomething(unseen) ? [unseen, total] : [total],
  data.threads_left, data.thread_groups);
  const tags = data.tags.filter(tag => tag.limit_bytes !== null || isSomething(tag));
  if (tags.length > 0) {
    document.getElementById("tags-card").hidden = false;
    makeTable(document.getElementById("tags"), [
      {title: "Tag", key: "name", kind: "name"},
      ...figures("No more than this was ever charged to it at once", "all", tags.some(tag => tag.limit_bytes !== null)),
      ...tags.some(tag => tag.state !== "open") ? [{title: "State", key: "state", kind: "text"}] : [],
    ], tags, [], data.tags_left);
  }
}

function threadKey(thread, state) {
  return thread === 0 ? "shared " + state : String(thread);
}

function showMatrix() {
  if (data.tags.length === 0)
    return;
  document.getElementById("matrix-card").hidden = false;
  makeChoice(document.getElementById("when"), ["At the peak", "At the end"], index => {
    const live = new Map(), ofThread = new Map(), ofTag = new Map();
    const add = (map, key, bytes) => map.set(key, (map.get(key) || 0) + bytes);
    for (const slot of index === 0 ? data.matrix.at_peak : data.matrix.at_end) {
      add(live, slot.thread + " " + slot.tag, slot.live_bytes);
      add(ofThread, slot.thread, slot.live_bytes);
      add(ofTag, slot.tag, slot.live_bytes);
    }
    const largest = map => (a, b) => (map.get(b.key) || 0) - (map.get(a.key) || 0);
    const threads = data.threads.filter(thread => thread.thread !== 0 && ofThread.has(thread.thread))
                        .map(thread => ({key: thread.thread, name: thread.name, tid: thread.tid}))
                        .sort(largest(ofThread)).slice(0, matrixMost);
    const tags = data.tags.filter(tag => ofTag.has(tag.tag)).map(tag => ({key: tag.tag, name: tag.name}))
                     .sort(largest(ofTag)).slice(0, matrixMost);
    if (ofTag.has(0))
      tags.push({key: 0, name: "(no tag)"});
    const place = document.getElementById("matrix");
    makeMatrix(place, "live bytes", threads, tags, (thread, tag) => live.get(thread + " " + tag) || 0);
    if (data.thread_count > matrixMost || data.tags.length > matrixMost)
      place.append(make("p", {class: "quiet"}, "The largest " + matrixMost + " of each at most; all are in report --json."));
  });
}

function showFlowMatrix(place) {
  const bytes = new Map(), owners = new Map(), freers = new Map();
  for (const flow of data.flows) {
    const one = (map, thread, name, tid) => {
      const key = thread === 0 ? name : String(thread);
      const known = map.get(key) || {key, name, tid, bytes: 0};
      known.bytes += flow.bytes;
      map.set(key, known);
      return key;
    };
    const owner = one(owners, flow.owner, flow.owner_name, flow.owner_tid);
    const freer = one(freers, flow.freer, flow.freer_name, flow.freer_tid);
    bytes.set(owner + "\n" + freer, flow.bytes);
  }
  const busiest = map => [...map.values()].sort((a, b) => b.bytes - a.bytes).slice(0, matrixMost);
  makeMatrix(place, "owner ↓ freed by →", busiest(owners), busiest(freers),
             (owner, freer) => bytes.get(owner + "\n" + freer) || 0);
  const left = data.flow_parties_left;
  if (left > 0)
    place.append(make("p", {class: "quiet"}, "The busiest " + matrixMost + " of each; " + left.toLocaleString("en") + " more are in report --json."));
}

function showFlows() {
  const place = document.getElementById("flows");
  if (data.flow_on && data.flows.length > 0) {
    showFlowMatrix(place);
    return;
  }
  if (data.flow_on || data.process.remote_frees_received_bytes === 0) {
    place.replaceChildren(make("p", {class: "quiet"}, "No thread freed a block of another's."));
    return;
  }
  const isBusy = row => row.remote_frees_received_bytes + row.remote_frees_made_bytes > 0;
  const busy = data.threads.filter(isBusy);
  makeTable(place, [
    {title: "Thread", key: "name", kind: "name"}, {title: "TID", key: "tid", kind: "text"},
    {title: "Others freed of it", key: "remote_frees_received_bytes", kind: "bytes", gauge: true},
    {title: "It freed for others", key: "remote_frees_made_bytes", kind: "bytes", gauge: true},
  ], busy, [], data.threads_left && isBusy(data.threads_left) ? data.threads_left : null,
  data.thread_groups.filter(isBusy));
  place.append(make("p", {class: "quiet"}, "With THREADMETER_FLOW=1 in the program's environment, who freed whose blocks."));
}

function showCrossings() {
  const calls = data.cross_allocator_calls, {errors_reported} = calls;
  const place = document.getElementById("cross_allocator_calls");
  place.textContent = Object.keys(calls).filter(key => key !== "errors_reported" || errors_reported > 0)
                          .map(key => calls[key] + " " + key.replaceAll("_", " ")).join(", ");
  place.className = errors_reported > 0 ? "warning" : "quiet";
}

/* ---- light and dark ---- */

const preferred = window.matchMedia("(prefers-color-scheme: dark)");

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark";
  if (charts.plots.length > 0)
    drawCharts();
}

setTheme(preferred.matches ? "dark" : "light");
preferred.addEventListener("change", event => setTheme(event.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener(
    "click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

showHead();
showTiles();
startCharts(data.series);
if (data.readings > data.series.elapsed_ns.length)
  document.getElementById("thinned").textContent =
      "Each of the " + data.series.elapsed_ns.length + " points is one of some " +
      Math.ceil(data.readings / data.series.elapsed_ns.length) + " readings: the one with the most live memory.";
showTables();
showMatrix();
showFlows();
showCrossings();
