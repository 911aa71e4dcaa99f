/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables that can be sorted, and matrices as tables in which more is darker. */
"use strict";

const rowsShown = 25;

/* Columns: {title, key, kind: "name" | "text" | "bytes" | "rate" | "count", gauge, bound: "all" | "sum"}. */
function makeTable(place, columns, rows, foot) {
  const most = {};
  for (const column of columns)
    if (column.gauge)
      most[column.key] = Math.max(1, ...rows.map(row => row[column.key]));
  let sorted = {column: columns.find(column => column.gauge), descending: true}, all = false;

  const cell = (column, row) => {
    const value = row[column.key];
    if (column.kind === "name")
      return make("th", {scope: "row"}, value);
    if (column.kind === "text")
      return make("td", {class: "state"}, String(value ?? ""));
    if (column.kind === "count")
      return make("td", {"data-value": value}, value.toLocaleString("en"));
    const made = bytesCell("td", value, column.kind === "rate" ? "/s" : "");
    if (column.gauge && row !== foot) {
      made.classList.add("gauge");
      made.style.setProperty("--part", (100 * value / most[column.key]).toFixed(1) + "%");
    }
    if (column.bound === "all" || (column.bound === "sum" && row === foot))
      made.prepend("≤ ");
    return made;
  };

  const draw = () => {
    const {column, descending} = sorted;
    const textual = column.kind === "name" || (column.kind === "text" && column.key !== "tid");
    const ordered = rows.slice().sort((a, b) => {
      const one = a[column.key], other = b[column.key];
      const order = textual ? String(one).localeCompare(String(other), "en", {numeric: true}) : one - other;
      return descending ? -order : order;
    });
    const head = make("tr");
    for (const each of columns) {
      const button = make("button", {type: "button", title: each.explained}, each.title);
      button.addEventListener("click", () => {
        const byName = each.kind === "name" || each.kind === "text";
        sorted = {column: each, descending: sorted.column === each ? !sorted.descending : !byName};
        draw();
        place.querySelectorAll("thead button")[columns.indexOf(each)].focus();
      });
      head.append(make("th", {scope: "col", "aria-sort": each === column ? (descending ? "descending" : "ascending") : null},
                       button));
    }
    const body = make("tbody");
    for (const row of all ? ordered : ordered.slice(0, rowsShown))
      body.append(make("tr", {}, ...columns.map(each => cell(each, row))));
    const table = make("table", {}, make("thead", {}, head), body);
    if (foot)
      table.append(make("tfoot", {}, make("tr", {}, ...columns.map(each => cell(each, foot)))));
    place.replaceChildren(table);
    if (!all && ordered.length > rowsShown) {
      const button = make("button", {type: "button", class: "more"}, "All " + ordered.length);
      button.addEventListener("click", () => {
        all = true;
        draw();
      });
      place.append(button);
    }
  };
  draw();
}

/* rows and columns: {key, name, tid}; value(row.key, column.key) in bytes. */
function makeMatrix(place, corner, rows, columns, value) {
  let most = 1;
  for (const row of rows)
    for (const column of columns)
      most = Math.max(most, value(row.key, column.key));
  const label = one => [one.name, one.tid ? make("span", {class: "tid"}, " " + one.tid) : null];
  const title = one => one.name + (one.tid ? " " + one.tid : "");
  const head = make("tr", {}, make("th", {class: "text"}, corner),
                    ...columns.map(column => make("th", {scope: "col", title: title(column)}, ...label(column))));
  const body = make("tbody");
  for (const row of rows) {
    const line = make("tr", {}, make("th", {scope: "row"}, ...label(row)));
    for (const column of columns) {
      const bytes = value(row.key, column.key);
      if (bytes === 0) {
        line.append(make("td", {class: "state", "data-zero": ""}, "·"));
        continue;
      }
      const cell = bytesCell("td", bytes);
      cell.title = title(row) + " × " + title(column) + ": " + cell.title;
      cell.style.setProperty("--part", (0.05 + 0.6 * bytes / most).toFixed(3));
      line.append(cell);
    }
    body.append(line);
  }
  place.replaceChildren(make("table", {class: "heat"}, make("thead", {}, head), body));
}
