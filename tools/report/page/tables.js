/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables that can be sorted, and matrices as tables in which more is darker. */
"use strict";

const rowsShown = 25, groupsShown = 10;

/*
 * Adds several rows to one; some of them may be sums of `count` rows already. Each rate is over another time, so there is
 * no sum of rates.
 */
function addUp(columns, rows, nameOf) {
  const count = rows.reduce((all, row) => all + (row.count || 1), 0), sum = {count};
  for (const {key, kind} of columns)
    sum[key] = kind === "name" ? nameOf(count) : kind === "text" ? ""
               : kind === "rate" || rows.some(row => row[key] === undefined) ? null
               : rows.reduce((all, row) => all + row[key], 0);
  return sum;
}

/* Sums of the rows that are not shown: one for each group of the same name, and one for all others. */
function addUpLeft(columns, rows, groups) {
  const members = groups.map(group => [group]), others = [];
  const ofName = new Map(members.map(each => [each[0].name, each]));
  for (const row of rows)
    (ofName.get(row.name) || others).push(row);
  const formatted = count => count.toLocaleString("en");
  const sums = members.map(each => ({
    ...addUp(columns, each, count => each[0].name + ": " + formatted(count) + (count === 1 ? " thread" : " threads")), isGroup: true,
  })).sort((a, b) => b.count - a.count);
  return others.length > 0 ? [...sums, addUp(columns, others, count => "(" + formatted(count) + " more)")] : sums;
}

/*
 * Columns: {title, key, kind: "name" | "text" | "bytes" | "rate" | "count", gauge, bound: "all" | "sum"}. Feet are rows that
 * stay below, the total the last of them; where there are any, rows that are not shown are more of them, with what is beyond
 * the rows that the page has: groups of one name, the largest first, {name, count, and sums by column}, and in `beyond` all
 * others, or null.
 */
function makeTable(place, columns, rows, feet = [], beyond = null, groups = []) {
  const allBeyond = [...groups, ...(beyond ? [beyond] : [])];
  const most = {};
  for (const {gauge, key} of columns)
    if (gauge) /* not by Math.max(...): a call cannot take so many arguments */
      most[key] = rows.reduce((high, row) => Math.max(high, row[key]), 1);
  let sorted = {column: columns.find(column => column.gauge), descending: true}, all = false;

  const cell = (column, row, isSum) => {
    const value = row[column.key];
    if (column.kind === "name")
      return make("th", {scope: "row"}, value);
    if (column.kind === "text")
      return make("td", {class: "state"}, String(value ?? ""));
    if (column.kind === "count")
      return make("td", {"data-value": value}, value.toLocaleString("en"));
    if (value === null)
      return make("td");
    const made = bytesCell("td", value, column.kind === "rate" ? "/s" : "");
    if (column.gauge && !isSum) {
      made.classList.add("gauge");
      made.style.setProperty("--part", (100 * value / most[column.key]).toFixed(1) + "%");
    }
    if (column.bound === "all" || (column.bound === "sum" && isSum))
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
    const left = all ? [] : ordered.slice(rowsShown);
    for (const row of ordered.slice(0, ordered.length - left.length))
      body.append(make("tr", {}, ...columns.map(each => cell(each, row, false))));
    const table = make("table", {}, make("thead", {}, head), body);
    const shown = all ? groups.length : groupsShown;
    const hidden = [...left, ...allBeyond.slice(Math.min(shown, groups.length))];
    const addsUp = feet.length > 0 || allBeyond.length > 0;
    const below = addsUp ? [...addUpLeft(columns, hidden, groups.slice(0, shown)), ...feet] : [];
    if (below.length > 0)
      table.append(make("tfoot", {}, ...below.map(row => make("tr", {class: row.isGroup ? "group" : null},
                                                              ...columns.map(each => cell(each, row, true))))));
    place.replaceChildren(table);
    if (left.length > 0 || groups.length > shown) {
      const button = make("button", {type: "button", class: "more"},
                          "All " + ordered.length + (allBeyond.length > 0 ? " on this page" : ""));
      button.addEventListener("click", () => {
        all = true;
        draw();
      });
      place.append(button);
    }
    if (allBeyond.length > 0)
      place.append(make("p", {class: "quiet"}, "This page has the first by any column, and " +
                        allBeyond.reduce((count, each) => count + each.count, 0).toLocaleString("en") + " more " +
                        (groups.length > 0 ? "by name" : "as one row") + "; all are in report --json."));
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
