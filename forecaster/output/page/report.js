"use strict";

/* Start of the page: its charts, links to closed sections, and paper. */

const charts = [];

/* Charts of a section that is closed wait until it opens: a page may have hundreds. */
const build = () => {
  for (const figure of document.querySelectorAll("figure.chart:not(.live)")) {
    if (!figure.closest("details:not([open])")) charts.push(new Chart(figure));
  }
};
build();
const redraw = () => { for (const chart of charts) chart.draw(); };
const resize = () => { for (const chart of charts) chart.resize(); };
window.addEventListener("resize", resize);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", build);

/* A link to a section of an overview opens it. */
const open = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
};
window.addEventListener("hashchange", open);
open();

/* The sections of all instruments are on paper. */
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.instrument")) details.open = true;
});
document.documentElement.dataset.ready = String(Math.round(performance.now()));
