"use strict";

/* An interactive chart. Its <figure> holds the numbers as JSON, a canvas, controls, a line for the reading of a day, and
   a static picture that stays where this script does not run, and on paper. */

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const LEFT = 58, RIGHT = 10, TOP = 14, BOTTOM = 24, SLIDER = 34, HANDLE = 14;
const ZOOM = 0.7, MIN_ROWS = 10, SLIDER_ROWS = 120;
const DASHES = { dashed: [6, 3], dotted: [1.5, 2.5] };

class Chart {
  constructor(figure) {
    this.canvas = figure.querySelector("canvas");
    this.reading = figure.querySelector(".reading");
    const numbers = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    Object.assign(this, numbers);
    let day = 0;
    this.dates = numbers.dates.map((step) => new Date((day += step) * DAY));
    this.count = this.dates.length;
    for (const line of this.lines) line.values = decoded(line.values, this.count, numbers.decimals);
    for (const band of this.bands) {
      band.low = decoded(band.low, this.count, numbers.decimals);
      band.high = decoded(band.high, this.count, numbers.decimals);
    }
    this.home = numbers.view;
    this.hasSlider = this.count > SLIDER_ROWS;
    this.row = null;
    this.drag = null;
    this.listen(figure);
    figure.classList.add("live");
    this.resize();
  }

  listen(figure) {
    const actions = { in: () => this.zoom(ZOOM), out: () => this.zoom(1 / ZOOM), all: () => this.show(0, this.count - 1) };
    for (const button of figure.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        const rows = Number(button.dataset.rows);
        if (rows) this.show(this.count - rows, this.count - 1);
        else actions[button.dataset.action]();
      });
    }
    const canvas = this.canvas;
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => { if (this.row === null) this.read(this.lastActual()); });
    canvas.addEventListener("blur", () => this.read(null));
    canvas.addEventListener("dblclick", () => this.show(...this.home));
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => { this.drag = null; });
    canvas.addEventListener("pointercancel", () => { this.drag = null; });
    canvas.addEventListener("pointerleave", () => { if (!this.drag) this.read(null); });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.rowAt(event.offsetX));
    }, { passive: false });
  }

  /* The last row of the first line: the day of the last price. */
  lastActual() {
    const values = this.lines[0].values;
    for (let row = this.view[1]; row > this.view[0]; row -= 1) if (!Number.isNaN(values[row])) return row;
    return this.view[1];
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const width = this.view[1] - this.view[0];
    const stride = event.shiftKey ? Math.max(1, Math.round(width / 20)) : 1;
    const at = this.row === null ? this.lastActual() : this.row;
    const actions = {
      ArrowLeft: () => this.read(at - stride), ArrowRight: () => this.read(at + stride),
      PageUp: () => this.read(at - width), PageDown: () => this.read(at + width),
      Home: () => this.read(0), End: () => this.read(this.count - 1),
      "+": () => this.zoom(ZOOM, at), "=": () => this.zoom(ZOOM, at), "-": () => this.zoom(1 / ZOOM, at),
      Escape: () => { this.show(...this.home); this.read(null); },
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  press(event) {
    const x = event.offsetX;
    const inSlider = this.hasSlider && event.offsetY > this.height - SLIDER;
    this.drag = { x, view: [...this.view], part: "plot" };
    if (inSlider) {
      const [left, right] = this.view.map((row) => this.sliderX(row));
      if (Math.abs(x - left) < HANDLE && x < (left + right) / 2) this.drag.part = "left";
      else if (Math.abs(x - right) < HANDLE) this.drag.part = "right";
      else this.drag.part = "window";
      if (this.drag.part === "window" && (x < left || x > right)) {
        const half = (this.view[1] - this.view[0]) / 2;
        const middle = this.sliderRow(x);
        this.show(middle - half, middle + half);
        this.drag.view = [...this.view];
      }
    }
    this.canvas.setPointerCapture(event.pointerId);
    if (!inSlider) this.read(this.rowAt(x));
  }

  move(event) {
    if (!this.drag || this.drag.part === "plot") this.read(event.offsetY > this.bottom + BOTTOM ? null : this.rowAt(event.offsetX));
    if (!this.drag) return;
    const [first, last] = this.drag.view;
    const shift = event.offsetX - this.drag.x;
    const width = this.right - LEFT;
    const rows = Math.round(this.drag.part === "plot" ? (-shift * (last - first)) / width : (shift * this.count) / width);
    if (this.drag.part === "left") this.show(Math.max(Math.min(first + rows, last - MIN_ROWS), 0), last);
    else if (this.drag.part === "right") this.show(first, Math.min(Math.max(last + rows, first + MIN_ROWS), this.count - 1));
    else if (event.pointerType === "mouse" || this.drag.part === "window") this.show(first + rows, last + rows);
  }

  zoom(factor, around = (this.view[0] + this.view[1]) / 2) {
    const [first, last] = this.view;
    const width = Math.max((last - first) * factor, MIN_ROWS);
    const start = around - ((around - first) / (last - first || 1)) * width;
    this.show(start, start + width);
  }

  /* Show the rows from `first` to `last`, moved into the data. */
  show(first, last) {
    const width = Math.min(Math.round(last - first), this.count - 1);
    const start = Math.min(Math.max(Math.round(first), 0), this.count - 1 - width);
    this.view = [start, start + width];
    this.draw();
  }

  /* Read a row out, and move it into the view; null ends the reading. */
  read(row) {
    this.row = row === null ? null : Math.min(Math.max(row, 0), this.count - 1);
    const [first, last] = this.view;
    if (this.row !== null && this.row < first) this.show(this.row, this.row + last - first);
    else if (this.row !== null && this.row > last) this.show(this.row - last + first, this.row);
    else this.draw();
    this.reading.textContent = this.row === null ? this.range() : this.text(this.row);
  }

  range() {
    return `${this.day(this.view[0])} to ${this.day(this.view[1])}`;
  }

  day(row) {
    return this.dates[row].toISOString().slice(0, 10);
  }

  text(row) {
    const parts = [];
    for (const line of this.lines) {
      if (!Number.isNaN(line.values[row])) parts.push(`${line.name} ${fixed(line.values[row], this.shown)}`);
    }
    for (const band of this.bands) {
      if (Number.isNaN(band.low[row])) continue;
      parts.push(`${band.name} ${fixed(band.low[row], this.shown)} to ${fixed(band.high[row], this.shown)}`);
    }
    return `${WEEKDAYS[this.dates[row].getUTCDay()]} ${this.day(row)}: ${parts.join("; ") || "no value"}${this.unit && ` (${this.unit})`}`;
  }

  rowAt(x) {
    const [first, last] = this.view;
    return Math.min(Math.max(Math.round(first + ((x - LEFT) / (this.right - LEFT)) * (last - first)), first), last);
  }

  x(row) {
    return LEFT + ((row - this.view[0]) / Math.max(this.view[1] - this.view[0], 1)) * (this.right - LEFT);
  }

  y(value) {
    const place = this.log ? Math.log(value) : value;
    return this.bottom - ((place - this.low) / (this.high - this.low)) * (this.bottom - TOP);
  }

  sliderX(row) {
    return LEFT + (row / (this.count - 1)) * (this.right - LEFT);
  }

  sliderRow(x) {
    return Math.round(((x - LEFT) / (this.right - LEFT)) * (this.count - 1));
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    if (!box.width) return; // in a section that is closed
    const density = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(box.width * density);
    this.canvas.height = Math.round(box.height * density);
    this.width = box.width;
    this.height = box.height;
    this.right = box.width - RIGHT;
    this.bottom = box.height - BOTTOM - (this.hasSlider ? SLIDER + 6 : 0);
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.draw();
    if (this.row === null) this.reading.textContent = this.range();
  }

  /* Lowest and highest value of the view, with some room. */
  scale() {
    let low = Infinity, high = -Infinity;
    const [first, last] = this.view;
    for (const values of [...this.lines.map((line) => line.values), ...this.bands.flatMap((band) => [band.low, band.high])]) {
      for (let row = first; row <= last; row += 1) {
        if (values[row] < low) low = values[row];
        if (values[row] > high) high = values[row];
      }
    }
    for (const level of this.levels) { low = Math.min(low, level); high = Math.max(high, level); }
    if (low > high) [low, high] = [0, 1];
    const ends = this.log ? [Math.log(low), Math.log(high)] : [low, high];
    const room = 0.04 * (ends[1] - ends[0]) || 0.01 * Math.abs(ends[0]) || 1;
    [this.low, this.high] = [ends[0] - room, ends[1] + room];
  }

  draw() {
    if (!this.context) return;
    const context = this.context;
    const style = getComputedStyle(document.documentElement);
    this.color = (name) => style.getPropertyValue(`--${name}`).trim();
    context.clearRect(0, 0, this.width, this.height);
    context.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
    this.scale();
    this.drawAxes();
    context.save();
    context.beginPath();
    context.rect(LEFT, TOP - 4, this.right - LEFT, this.bottom - TOP + 8);
    context.clip();
    for (const band of this.bands) this.drawBand(band);
    for (const line of this.lines) if (line.style === "wide") this.drawLine(line);
    for (const line of this.lines) if (line.style !== "wide") this.drawLine(line);
    context.restore();
    if (this.row !== null) this.drawCursor();
    if (this.hasSlider) this.drawSlider();
  }

  stroke(x1, y1, x2, y2, color, dash = []) {
    const context = this.context;
    context.beginPath();
    context.setLineDash(dash);
    context.strokeStyle = this.color(color);
    context.lineWidth = 1;
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
    context.setLineDash([]);
  }

  drawAxes() {
    const context = this.context;
    const ends = this.log ? [Math.exp(this.low), Math.exp(this.high)] : [this.low, this.high];
    context.fillStyle = this.color("muted");
    context.textAlign = "right";
    for (const [value, text] of valueTicks(...ends, Math.max(2, (this.bottom - TOP) / 45), this.log)) {
      this.stroke(LEFT, this.y(value), this.right, this.y(value), "grid");
      context.fillText(text, LEFT - 6, this.y(value) + 4);
    }
    for (const level of this.levels) this.stroke(LEFT, this.y(level), this.right, this.y(level), "muted", [2, 3]);
    context.textAlign = "center";
    for (const [row, text] of dateTicks(this.dates, ...this.view, Math.max(2, Math.floor((this.right - LEFT) / 80)))) {
      const x = this.x(row);
      if (x > LEFT + 24 && x < this.right - 24) context.fillText(text, x, this.bottom + 17);
    }
    context.textAlign = "left";
    for (const [number, [row, name]] of this.marks.entries()) {
      const x = this.x(row);
      if (x < LEFT || x > this.right) continue;
      this.stroke(x, TOP, x, this.bottom, "muted");
      const next = number + 1 < this.marks.length ? this.x(this.marks[number + 1][0]) : Infinity;
      const end = x + context.measureText(name).width + 8;
      if (end < Math.min(next, this.right)) context.fillText(name, x + 4, TOP + 9);
    }
  }

  /* Trace the values of the view from row to row; a gap begins anew. */
  trace(values, first, last) {
    let drawing = false;
    for (let row = first; row <= last; row += 1) {
      if (Number.isNaN(values[row])) { drawing = false; continue; }
      if (drawing) this.context.lineTo(this.x(row), this.y(values[row]));
      else this.context.moveTo(this.x(row), this.y(values[row]));
      drawing = true;
    }
  }

  drawLine(line) {
    const context = this.context;
    context.beginPath();
    context.setLineDash(DASHES[line.style] || []);
    context.strokeStyle = this.color(line.tone);
    context.lineWidth = line.style === "wide" ? 4 : 1.4;
    context.globalAlpha = line.style === "wide" ? 0.55 : 1;
    this.trace(line.values, Math.max(this.view[0] - 1, 0), Math.min(this.view[1] + 1, this.count - 1));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawBand(band) {
    const context = this.context;
    const last = Math.min(this.view[1] + 1, this.count - 1);
    let row = Math.max(this.view[0] - 1, 0);
    context.fillStyle = this.color(band.tone);
    context.globalAlpha = 0.2;
    while (row <= last) {
      while (row <= last && Number.isNaN(band.high[row])) row += 1;
      const start = row;
      while (row <= last && !Number.isNaN(band.high[row])) row += 1;
      if (row === start) continue;
      context.beginPath();
      for (let at = start; at < row; at += 1) context.lineTo(this.x(at), this.y(band.high[at]));
      for (let at = row - 1; at >= start; at -= 1) context.lineTo(this.x(at), this.y(band.low[at]));
      context.fill();
    }
    context.globalAlpha = 1;
  }

  drawCursor() {
    const x = this.x(this.row);
    this.stroke(x, TOP, x, this.bottom, "text");
    for (const line of this.lines) {
      if (Number.isNaN(line.values[this.row])) continue;
      this.context.beginPath();
      this.context.fillStyle = this.color(line.tone);
      this.context.arc(x, this.y(line.values[this.row]), 3.5, 0, 2 * Math.PI);
      this.context.fill();
    }
  }

  /* The whole of the first line, small, with the view as a window whose ends can be dragged. */
  drawSlider() {
    const context = this.context;
    const values = this.lines[0].values;
    const top = this.height - SLIDER, bottom = this.height - 2;
    if (!this.sliderRange) {
      const finite = values.filter((value) => !Number.isNaN(value));
      this.sliderRange = [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
    }
    const [low, high] = this.sliderRange.map((value) => (this.log ? Math.log(value) : value));
    const y = (value) => bottom - 3 - (((this.log ? Math.log(value) : value) - low) / (high - low || 1)) * (bottom - top - 6);
    const [left, right] = this.view.map((row) => this.sliderX(row));
    context.fillStyle = this.color("panel");
    context.fillRect(LEFT, top, this.right - LEFT, bottom - top);
    context.fillStyle = this.color("chance");
    context.fillRect(left, top, right - left, bottom - top);
    context.beginPath();
    context.strokeStyle = this.color("muted");
    context.lineWidth = 1;
    const step = Math.max(1, Math.floor(this.count / (2 * this.width)));
    for (let row = 0; row < this.count; row += step) {
      if (!Number.isNaN(values[row])) context.lineTo(this.sliderX(row), y(values[row]));
    }
    context.stroke();
    context.fillStyle = this.color("muted");
    for (const x of [left, right]) context.fillRect(x - 2, top + 4, 4, bottom - top - 8);
  }
}
