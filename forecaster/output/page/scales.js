"use strict";

/* Numbers and ticks of charts, without a canvas. */

const DAY = 86400000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LOG_RATIO = 8;

/* Values of a line: whole differences in units of the last decimal; the first number is minus the rows before them. */
function decoded(steps, count, decimals) {
  const values = new Float64Array(count).fill(NaN);
  let total = 0;
  for (let place = 1; place < steps.length; place += 1) {
    if (steps[place] === null) continue;
    total += steps[place];
    values[place - 1 - steps[0]] = total / 10 ** decimals;
  }
  return values;
}

function valueTicks(low, high, most, isLog) {
  if (!(high > low)) return [];
  if (isLog && high > LOG_RATIO * low) {
    const factors = high < 1000 * low ? [1, 2, 5] : [1];
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
    }
    return ticks.filter((value) => value >= low && value <= high).map((value) => [value, value.toLocaleString("en")]);
  }
  const width = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(width));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= width * (1 - 1e-9)) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let number = Math.ceil(low / step); number * step <= high; number += 1) {
    ticks.push([number * step, fixed(number * step, decimals)]);
  }
  return ticks;
}

function fixed(value, decimals) {
  return (value + 0).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/* Rows of a view that begin a year, a month or some days, at most `most` of them. */
function dateTicks(dates, first, last, most) {
  const month = (date) => 12 * date.getUTCFullYear() + date.getUTCMonth();
  const name = (date) => MONTHS[date.getUTCMonth()];
  const choices = [
    ...[1, 2, 5, 10].map((step) => [(date, row) => row / step, (date) => `${date.getUTCDate()} ${name(date)}`]),
    ...[1, 2, 3, 6].map((step) => [(date) => month(date) / step, (date) => `${name(date)} ${date.getUTCFullYear()}`]),
    ...[1, 2, 5, 10, 20, 50].map((step) => [(date) => date.getUTCFullYear() / step, (date) => `${date.getUTCFullYear()}`]),
  ];
  for (const [key, text] of choices) {
    const ticks = [];
    for (let row = first + 1; row <= last && ticks.length <= most; row += 1) {
      if (Math.floor(key(dates[row], row)) !== Math.floor(key(dates[row - 1], row - 1))) ticks.push([row, text(dates[row])]);
    }
    if (ticks.length <= most) return ticks;
  }
  return [];
}
