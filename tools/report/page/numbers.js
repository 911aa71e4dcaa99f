/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in the form that people read, rounded as the tool does; the exact ones are in the titles. */
"use strict";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function formatBytes(bytes) {
  let value = bytes, unit = 0;
  while (unit < 6 && value >= 999.5) {
    value /= 1024;
    unit++;
  }
  return value.toFixed(unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + " " + units[unit];
}

function formatExactly(number, what) {
  return number.toLocaleString("en") + " " + what;
}

/* From ten minutes on as h:mm:ss. */
function formatSeconds(seconds) {
  if (seconds >= 600) {
    const whole = Math.round(seconds), two = number => String(number).padStart(2, "0");
    return Math.floor(whole / 3600) + ":" + two(Math.floor(whole / 60) % 60) + ":" + two(whole % 60);
  }
  return seconds >= 99.95 ? seconds.toFixed(0) + " s" : seconds.toFixed(seconds >= 9.995 ? 1 : 2) + " s";
}

/* An element with attributes, and children that are elements or texts. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== null)
      element.setAttribute(key, value);
  element.append(...children.filter(child => child !== undefined && child !== null));
  return element;
}

/* A cell with bytes in it. */
function bytesCell(name, bytes, suffix) {
  return make(name, {"data-value": bytes, title: formatExactly(bytes, suffix ? "bytes" + suffix : "bytes")},
              formatBytes(bytes) + (suffix || ""));
}

/* Buttons of which one is pressed. */
function makeChoice(place, names, choose) {
  const buttons = names.map(name => make("button", {type: "button", "aria-pressed": "false"}, name));
  const press = index => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    choose(index);
  };
  buttons.forEach((button, i) => button.addEventListener("click", () => press(i)));
  place.replaceChildren(...buttons);
  press(0);
}
