/* SPDX-License-Identifier: BSD-3-Clause */
/* For page.py: acts on a report's page like a user, and writes what the page shows then into an element, as JSON. */
"use strict";

(async () => {
  const seen = {};
  const frame = () => new Promise(done => setTimeout(done, 60)); /* uPlot draws in a microtask, the browser after it */
  const mouse = (plot, type, x, options) => {
    const box = plot.over.getBoundingClientRect();
    plot.over.dispatchEvent(new MouseEvent(type, {bubbles: true, view: window, clientX: box.left + x,
      clientY: box.top + box.height / 2, movementX: 5, movementY: 1, button: 0, ...options}));
  };
  const key = name => document.getElementById("live").dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
  const range = plot => [plot.scales.x.min, plot.scales.x.max];
  const legend = () => [...document.querySelectorAll("#legend tbody tr")].map(row => ({
    name: row.querySelector("th").textContent.trim(),
    live: Number(row.querySelectorAll("td")[0].dataset.value), rate: Number(row.querySelectorAll("td")[1].dataset.value)}));
  const colours = plot => {
    const context = plot.ctx, pixels = context.getImageData(0, 0, plot.ctx.canvas.width, plot.ctx.canvas.height).data;
    const found = new Set();
    for (let i = 0; i < pixels.length; i += 4)
      if (pixels[i + 3] > 150)
        found.add(pixels[i] >> 4 << 8 | pixels[i + 1] >> 4 << 4 | pixels[i + 2] >> 4);
    return found.size;
  };
  const names = () => [...document.querySelectorAll("#threads tbody th")].map(cell => cell.textContent);
  const click = element => element.click();

  try {
    await frame();
    seen.canvases = document.querySelectorAll("canvas").length;
    seen.colours = charts.plots.map(colours);
    seen.whole = charts.plots.map(range);

    /* With the pointer at a third of the chart, the legend shows the data there. */
    let plot = charts.plots[0];
    const third = Math.floor(charts.seconds.length / 3);
    mouse(plot, "mouseenter", 10);
    mouse(plot, "mousemove", plot.valToPos(charts.seconds[third], "x"));
    await frame();
    seen.hover = {index: third, at: document.getElementById("at").textContent, legend: legend(),
                  otherIndex: charts.plots[1].cursor.idx};

    /* Drags from a quarter to a half of the chart. */
    const width = plot.over.clientWidth;
    mouse(plot, "mousemove", width / 4);
    mouse(plot, "mousedown", width / 4);
    mouse(plot, "mousemove", width / 3);
    mouse(plot, "mousemove", width / 2);
    mouse(plot, "mouseup", width / 2);
    await frame();
    seen.zoomed = charts.plots.map(range);
    seen.wholeEnabled = !document.getElementById("whole").disabled;
    click(document.getElementById("theme"));
    await frame();
    seen.theme = document.documentElement.dataset.theme;
    seen.zoomedInTheme = charts.plots.map(range);
    seen.coloursInTheme = charts.plots.map(colours);
    plot = charts.plots[0];
    mouse(plot, "dblclick", width / 2);
    await frame();
    seen.back = charts.plots.map(range);

    key("+");
    await frame();
    seen.byKey = charts.plots.map(range);
    key("ArrowRight");
    await frame();
    seen.movedByKey = document.getElementById("at").textContent;
    click(document.getElementById("whole"));
    await frame();
    seen.byButton = charts.plots.map(range);

    /* Hides the largest series of the stack, and shows it again. */
    const top = () => Math.max(...charts.plots[0].data[charts.plots[0].series.length - 1]);
    seen.stacked = top();
    const buttons = () => document.querySelectorAll("#legend button");
    const largest = buttons()[charts.groups.length - 1];
    click(largest);
    await frame();
    seen.pressed = largest.getAttribute("aria-pressed");
    seen.without = Math.max(...charts.seconds.map((unused, i) =>
      charts.groups.slice(1).reduce((sum, group) => sum + group.live[i], 0)));
    seen.stackedWithout = top();
    click(largest);
    click(buttons()[buttons().length - 1]);
    await frame();
    seen.resident = Math.max(...charts.plots[0].data[charts.plots[0].data.length - 1]);

    click(document.querySelectorAll("#by button")[1]);
    await frame();
    seen.tags = legend();

    const heads = document.querySelectorAll("#threads thead button");
    click(heads[0]);
    seen.byName = names();
    seen.sorted = document.querySelector("#threads th[aria-sort]").textContent;
    click(document.querySelectorAll("#threads thead button")[0]);
    seen.byNameDown = names();
    click(document.querySelector("#threads .more"));
    seen.all = names().length;
    seen.below = [...document.querySelectorAll("#threads tfoot tr")].map(row => ({
      name: row.querySelector("th").textContent,
      numbers: [...row.querySelectorAll("td[data-value]")].map(cell => Number(cell.dataset.value))}));
    click(document.querySelectorAll("#when button")[1]);
    seen.matrixAtEnd = [...document.querySelectorAll("#matrix td[data-value]")].reduce(
      (sum, cell) => sum + Number(cell.dataset.value), 0);
  } catch (error) {
    seen.error = String(error.stack || error);
  }
  const place = document.createElement("pre");
  place.id = "drive";
  place.textContent = JSON.stringify(seen);
  document.body.append(place);
})();
