/* SPDX-License-Identifier: BSD-3-Clause */
/* Two charts of stacked areas over the same time, with one legend, which shows the values under the pointer. */
"use strict";

const palette = ["#4c78c8", "#f0913a", "#54a868", "#d9545b", "#8f6fc0", "#3fb0bf", "#e3b93a", "#e37eb0", "#8c6d56",
                 "#7f9f35", "#5b6ee0", "#c26a2a"];
const othersColour = "#8d97a8";

/* The steps of the time axis, in seconds, from seconds to weeks. */
const clockSteps = [1, 2, 5, 10, 15, 30, ...[1, 2, 5, 10, 15, 30].map(each => each * 60), ...[1, 2, 3, 6, 12].map(each => each * 3600),
                    ...[1, 2, 7, 14, 28, 84, 364].map(each => each * 86400)];

const charts = {
  plots: [],   /* uPlot: live, rate */
  groups: [],  /* the stacked areas: {name, tid, live, rate, colour, shown} */
  seconds: [],
  range: null, /* null: the whole time */
};

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* Sums from the bottom up, without hidden areas. */
function stack(groups, field) {
  const sum = new Array(charts.seconds.length).fill(0);
  return groups.map(group => {
    if (group.shown)
      group[field].forEach((value, i) => sum[i] += value);
    return sum.slice();
  });
}

function stackedData(field) {
  /* The last is drawn first, the highest sum; each next one covers it from below. */
  return [charts.seconds, ...stack(charts.groups, field)];
}

function makePlot(place, field, height, suffix) {
  const quiet = style("--quiet"), line = style("--line");
  const count = charts.groups.length;
  const axis = {stroke: quiet, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, font: "12px sans-serif"};
  const options = {
    width: Math.max(place.clientWidth, 200),
    height,
    legend: {show: false},
    cursor: {sync: {key: "threadmeter", setSeries: false}, points: {show: false}, drag: {x: true, y: false}},
    scales: {x: {time: false}, y: {range: (plot, low, high) => [0, high > 0 ? high * 1.05 : 1]}},
    axes: [
      {...axis, ...charts.seconds[charts.seconds.length - 1] < 600
          ? {values: (plot, splits) => splits.map(value => value + " s")}
          : {values: (plot, splits) => splits.map(value => value === 0 ? "0" : value < 600 ? value + " s" : formatSeconds(value)),
             space: 70, incrs: clockSteps}},
      {...axis, size: 82, incrs: Array.from({length: 51}, (unused, i) => 2 ** i),
       values: (plot, splits) => splits.map(value => formatBytes(value) + suffix)},
    ],
    series: [{}, ...charts.groups.map(group => ({
      label: group.name, show: group.shown, stroke: group.colour, width: 1, fill: group.colour + "b8",
      points: {show: false},
    }))],
    /* Each is filled down to the one below it that is shown. */
    bands: charts.groups.flatMap((group, i) => {
      let below = i - 1;
      while (below >= 0 && !charts.groups[below].shown)
        below--;
      return group.shown && below >= 0 ? [{series: [i + 1, below + 1], fill: group.colour + "b8"}] : [];
    }),
    hooks: {
      setScale: [(plot, key) => key === "x" && followRange(plot)],
      setCursor: [plot => showAt(plot.cursor.idx)],
    },
  };
  if (field === "live" && charts.resident.shown)
    options.series.push({label: "resident size", stroke: style("--text"), width: 1.5, dash: [6, 4], points: {show: false}});
  const data = stackedData(field);
  if (field === "live" && charts.resident.shown)
    data.push(charts.resident.live);
  place.setAttribute("aria-label", field === "live" ? "Chart: live memory, stacked, " + count + " parts"
                                                    : "Chart: memory allocated per second, stacked");
  return new uPlot(options, data, place);
}

/* Both charts show the same time. */
let following = false;
function followRange(plot) {
  if (following)
    return;
  const {min, max} = plot.scales.x, first = charts.seconds[0], last = charts.seconds[charts.seconds.length - 1];
  charts.range = min <= first && max >= last ? null : {min, max};
  document.getElementById("whole").disabled = charts.range === null;
  following = true;
  for (const other of charts.plots)
    if (other !== plot && (other.scales.x.min !== min || other.scales.x.max !== max))
      other.setScale("x", {min, max});
  following = false;
}

function setRange(min, max) {
  const first = charts.seconds[0], last = charts.seconds[charts.seconds.length - 1];
  const range = {min: Math.max(min, first), max: Math.min(max, last)};
  if (charts.plots[0] && range.max > range.min)
    charts.plots[0].setScale("x", range);
}

function showWhole() {
  setRange(charts.seconds[0], charts.seconds[charts.seconds.length - 1]);
}

/* ---- legend ---- */

function showAt(index) {
  const last = charts.seconds.length - 1, at = index === null || index === undefined ? last : index;
  document.getElementById("at").textContent =
      index === null || index === undefined ? "at end" : "at " + formatSeconds(charts.seconds[at]);
  let live = 0, rate = 0;
  for (const group of charts.groups) {
    setCell(group.cells[0], group.live[at], "");
    setCell(group.cells[1], group.rate[at], "/s");
    live += group.live[at];
    rate += group.rate[at];
  }
  setCell(charts.totalCells[0], live, "");
  setCell(charts.totalCells[1], rate, "/s");
  if (charts.resident.cells)
    setCell(charts.resident.cells[0], charts.resident.live[at], "");
}

function setCell(cell, bytes, suffix) {
  if (bytes === null) {
    cell.textContent = "–";
    cell.removeAttribute("title");
    cell.removeAttribute("data-value");
  } else {
    cell.textContent = formatBytes(bytes) + suffix;
    cell.title = formatExactly(bytes, "bytes" + suffix);
    cell.dataset.value = bytes;
  }
}

function legendRow(group) {
  const swatch = make("span", {class: "swatch"});
  swatch.style.background = group.colour;
  const button = make("button", {type: "button", "aria-pressed": String(group.shown), title: group.name + " (shown or not)"}, swatch,
                      make("span", {class: "label"}, group.name),
                      group.tid ? make("span", {class: "tid"}, String(group.tid)) : null);
  button.addEventListener("click", () => {
    group.shown = !group.shown;
    button.setAttribute("aria-pressed", String(group.shown));
    drawCharts();
  });
  group.cells = [make("td"), make("td")];
  return make("tr", {}, make("th", {scope: "row", class: "text"}, button), ...group.cells);
}

function drawLegend() {
  const body = make("tbody");
  charts.totalCells = [make("td"), make("td")];
  body.append(make("tr", {}, make("th", {scope: "row", class: "text"}, "Process"), ...charts.totalCells));
  /* In the order of the chart: the uppermost area first. */
  for (const group of charts.groups.slice().reverse())
    body.append(legendRow(group));
  if (charts.resident.live.some(value => value !== null))
    body.append(legendRow(charts.resident));
  const head = make("thead", {}, make("tr", {}, make("th", {id: "at", class: "text", scope: "col"}),
                                      make("th", {scope: "col"}, "live"), make("th", {scope: "col"}, "allocated")));
  document.getElementById("legend").replaceChildren(make("table", {}, head, body));
  showAt(null);
}

/* ---- */

function drawCharts() {
  const range = charts.range, heights = window.innerWidth > 860 ? [300, 150] : [240, 130];
  charts.plots.forEach(plot => plot.destroy());
  charts.plots = [];
  charts.plots = [makePlot(document.getElementById("live"), "live", heights[0], ""),
                  makePlot(document.getElementById("rate"), "rate", heights[1], "/s")];
  if (range)
    setRange(range.min, range.max);
}

function showGroups(series) {
  /* The largest area is at the bottom; the others, which have no name of their own, are on top. */
  const last = series.length - 1, others = series[last];
  const empty = last > 0 && [...others.live, ...others.rate].every(bytes => bytes === 0);
  charts.groups = (empty ? series.slice(0, last) : series).map((one, i) => ({
    ...one, shown: true, colour: i === last ? othersColour : palette[i % palette.length],
  }));
  drawLegend();
  drawCharts();
}

function moveByKey(event) {
  const plot = charts.plots[0], first = charts.seconds[0], last = charts.seconds[charts.seconds.length - 1];
  if (!plot || event.ctrlKey || event.metaKey || event.altKey)
    return;
  const {min, max} = charts.range || {min: first, max: last}, width = max - min;
  const here = plot.cursor.idx ?? plot.valToIdx((min + max) / 2);
  const goTo = index => {
    const at = Math.max(0, Math.min(index, charts.seconds.length - 1));
    plot.setCursor({left: plot.valToPos(charts.seconds[at], "x"), top: plot.over.clientHeight / 2});
  };
  const zoom = factor => {
    const middle = charts.seconds[here], from = Math.max(first, middle - (middle - min) * factor);
    setRange(from, Math.min(last, from + width * factor));
  };
  const step = Math.max(1, Math.round((plot.valToIdx(max) - plot.valToIdx(min)) / 60));
  const shift = Math.min(Math.max(event.shiftKey ? width / 4 : 0, 0), width);
  switch (event.key) {
  case "ArrowLeft":
    if (shift && min > first)
      setRange(Math.max(first, min - shift), Math.max(first, min - shift) + width);
    else
      goTo(here - step);
    break;
  case "ArrowRight":
    if (shift && max < last)
      setRange(Math.min(last, max + shift) - width, Math.min(last, max + shift));
    else
      goTo(here + step);
    break;
  case "+":
  case "=":
    zoom(0.5);
    break;
  case "-":
    zoom(2);
    break;
  case "0":
  case "Escape":
    showWhole();
    break;
  default:
    return;
  }
  event.preventDefault();
}

function startCharts(series) {
  charts.seconds = series.elapsed_ns.map(ns => ns / 1e9);
  if (charts.seconds.length === 1) { /* one reading is a point, and an area needs two */
    charts.seconds.push(charts.seconds[0] + 1e-3);
    for (const one of [...series.threads, ...series.tags]) {
      one.live.push(one.live[0]);
      one.rate.push(one.rate[0]);
    }
    series.resident.push(series.resident[0]);
  }
  charts.resident = {name: "resident size", live: series.resident, rate: series.resident.map(() => null), shown: false,
                     colour: othersColour};
  const names = ["Threads"], parts = [series.threads];
  if (series.tags.length > 1) {
    names.push("Tags");
    parts.push(series.tags);
  }
  makeChoice(document.getElementById("by"), names, index => showGroups(parts[index]));
  document.getElementById("whole").addEventListener("click", showWhole);
  for (const id of ["live", "rate"])
    document.getElementById(id).addEventListener("keydown", moveByKey);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth !== width)
      drawCharts();
    width = window.innerWidth;
  });
}
