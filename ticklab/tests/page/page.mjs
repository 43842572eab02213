// Checks a report in a real browser, as readers use it: with a mouse, a finger and a keyboard, on a phone,
// and in the dark scheme.
//
//     npm ci && node page.mjs REPORT.html [SCREENSHOT_DIR]

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check, launch, quiet } from "./browser.mjs";

const LIMIT_MS = 120_000;
const WIDE = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const DARK = { ...WIDE, colorScheme: "dark" };
const SHOTS = ["wide", "phone", "dark"];
const PLOTS = ["percentiles", "timeline", "histogram"];

const [report, screenshots] = process.argv.slice(2);
if (!report) {
  console.error("usage: node page.mjs REPORT.html [SCREENSHOT_DIR]");
  process.exit(2);
}
const url = pathToFileURL(resolve(report)).href;
const covered = [];

// --- The browser

const browser = await launch();

// Opens a page that must report no problem and load nothing else, from start to end.
async function looking(name, options, look) {
  const { page, fine, close } = await quiet(browser, options, [url]);
  await page.goto(url);
  await settled(page);
  await look(page);
  await settled(page);
  fine(name);
  if (screenshots && SHOTS.includes(name)) {
    await mkdir(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  }
  await close();
}

// uPlot draws when the current task ends, and the browser paints after that.
const settled = (page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

const plotOf = (page, plot) => page.locator(`[data-plot="${plot}"] .plot`);
const buttonsOf = (page, plot) => page.locator(`[data-plot="${plot}"] .timers button`);

// Returns what a plot shows: the position, and each timer's value there.
const readout = (page, plot) =>
  page.locator(`[data-plot="${plot}"] :is(.position, .value)`).allTextContents();

const hasValues = ([, ...values]) => values.some((value) => /\d/.test(value));

// --- The checks

async function table(page, timers) {
  const rows = await page.locator("tbody tr[data-timer]").evaluateAll((rows) => rows.map((row) => row.dataset.timer));
  assert.deepEqual(rows, timers.map(({ name }) => name), "the table has a row for each timer");
}

// Checks that each of uPlot's lines with a timer's name has points, and that its colour is on the canvas
// when no other timer is shown. Returns the colours.
async function curves(page, ticked) {
  const found = await page.evaluate(() => Object.keys(ticklab.plots));
  assert.deepEqual(found, ticked.length > 0 ? PLOTS : [], "the plots");
  const colours = [];
  for (const plot of found) {
    const drawn = await page.evaluate(pixels, plot);
    for (const { name } of ticked) {
      const of = drawn.filter((line) => line.name === name);
      assert.equal(of.length, plot === "timeline" ? 2 : 1, `${plot}: lines of ${name}`);
      for (const line of of) {
        assert.ok(line.points > 0, `${plot}: ${name} has points`);
        assert.ok(line.pixels >= 6, `${plot}: ${name} is drawn, in ${line.pixels} pixels of ${line.colour}`);
      }
    }
    assert.equal(drawn.length, ticked.length * (plot === "timeline" ? 2 : 1), `${plot}: no other lines`);
    colours.push(drawn.map(({ colour }) => colour));
  }
  return colours;
}

// Runs in the page. Counts, for each line of a plot, the pixels that it alone changes towards its colour.
async function pixels(name) {
  const { uplot } = ticklab.plots[name];
  const { canvas } = uplot.ctx;
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  // Reads a copy: the browser complains about repeated reads of the page's own canvas.
  const image = async () => {
    await drawn();
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, canvas.width, canvas.height).data;
  };
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const page = rgb(getComputedStyle(document.documentElement).getPropertyValue("--page").trim());
  // The canvas is transparent where nothing is drawn.
  const over = (data, at) => page.map((back, i) => back + ((data[at + i] - back) * data[at + 3]) / 255);
  const lines = uplot.series.slice(1);
  const show = (shown) => lines.forEach((_, i) => uplot.setSeries(i + 1, { show: i === shown }));
  show(-1);
  const empty = await image();
  const found = [];
  for (const [i, line] of lines.entries()) {
    show(i);
    const data = await image();
    const colour = line.stroke(uplot, i + 1);
    const target = rgb(colour);
    let pixels = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [before, after] = [over(empty, at), over(data, at)];
      const way = target.map((to, c) => to - before[c]);
      const gone = after.map((to, c) => to - before[c]);
      const length = way.reduce((sum, c) => sum + c * c, 0);
      const share = way.reduce((sum, c, i) => sum + c * gone[i], 0) / (length || 1);
      const aside = gone.reduce((sum, c, i) => sum + (c - share * way[i]) ** 2, 0);
      if (share > 0.5 && aside < 600) pixels++;
    }
    const points = uplot.data[i + 1].filter((y) => y != null).length;
    found.push({ name: line.label, colour, points, pixels });
  }
  lines.forEach((_, i) => uplot.setSeries(i + 1, { show: true }));
  return found;
}

// Moves from outside the plots, with keys only.
async function keyboard(page) {
  for (const plot of PLOTS) {
    await tabTo(page, plotOf(page, plot), `the plot of ${plot}`);
    const outline = await plotOf(page, plot).evaluate((box) => getComputedStyle(box).outlineStyle);
    assert.notEqual(outline, "none", `${plot}: the focus is seen`);
    const said = new Set();
    for (const key of ["Home", "ArrowRight", "End", "ArrowLeft", "PageDown"]) {
      await page.keyboard.press(key);
      await settled(page);
      const values = await readout(page, plot);
      assert.ok(hasValues(values), `${plot}: values after ${key}: ${values}`);
      said.add(values.join());
      const spoken = await plotOf(page, plot).getAttribute("aria-valuetext");
      assert.ok(spoken.startsWith(values[0]), `${plot}: what is seen is said: ${spoken}`);
    }
    assert.ok(said.size >= 3, `${plot}: arrows change the readout: ${[...said].join(" | ")}`);
  }
}

async function tabTo(page, target, name) {
  for (let presses = 0; presses < 200; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${name}`);
}

async function toggling(page) {
  const shown = () =>
    page.evaluate(() => Object.values(ticklab.plots).map(({ uplot }) => uplot.series.slice(1).map(({ show }) => show)));
  const before = await shown();
  assert.ok(before.flat().every(Boolean), "all is shown at first");
  const button = buttonsOf(page, "percentiles").first();
  const name = (await button.textContent()).trim();
  await button.focus();
  await page.keyboard.press("Enter");
  await settled(page);
  const hidden = await page.evaluate(
    (name) =>
      Object.values(ticklab.plots).every(({ uplot }) =>
        uplot.series.slice(1).every(({ label, show }) => show === (label !== name)),
      ),
    name,
  );
  assert.ok(hidden, `${name}, and nothing else, is hidden in all plots`);
  for (const plot of PLOTS) {
    const pressed = await buttonsOf(page, plot).first().getAttribute("aria-pressed");
    assert.equal(pressed, "false", `${plot}: ${name}'s button tells that it is hidden`);
  }
  await page.keyboard.press("Space");
  await settled(page);
  assert.deepEqual(await shown(), before, `${name} is shown again`);
}

async function pointing(page, point, how) {
  for (const plot of PLOTS) {
    const over = page.locator(`[data-plot="${plot}"] .u-over`);
    await over.scrollIntoViewIfNeeded();
    const said = new Set();
    for (const share of [0.15, 0.5, 0.85]) {
      const box = await over.boundingBox();
      await point(box.x + box.width * share, box.y + box.height / 2);
      await settled(page);
      const values = await readout(page, plot);
      assert.ok(hasValues(values), `${plot}: ${how} shows values: ${values}`);
      said.add(values.join());
    }
    assert.ok(said.size > 1, `${plot}: ${how} elsewhere shows other values`);
  }
}

// A finger that stays on the plot, which the browser does not turn into mouse events.
async function sliding(page) {
  const touch = await page.context().newCDPSession(page);
  const send = (type, ...touchPoints) => touch.send("Input.dispatchTouchEvent", { type, touchPoints });
  for (const plot of PLOTS) {
    const over = page.locator(`[data-plot="${plot}"] .u-over`);
    await over.scrollIntoViewIfNeeded();
    const box = await over.boundingBox();
    const at = (share) => ({ x: box.x + box.width * share, y: box.y + box.height / 2 });
    await send("touchStart", at(0.3));
    await settled(page);
    const before = await readout(page, plot);
    for (const share of [0.4, 0.5, 0.6, 0.7]) await send("touchMove", at(share));
    await settled(page);
    assert.notDeepEqual(await readout(page, plot), before, `${plot}: a finger's slide shows other values`);
    await send("touchEnd");
  }
}

async function narrow(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `a phone's page is ${width} pixels wide, and not 360`);
}

// Checks text on the page's own colour.
const contrasts = (page) =>
  page.evaluate(() => {
    const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
      const [r, g, b] = parse(colour)
        .slice(0, 3)
        .map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      const { backgroundColor } = getComputedStyle(element);
      const alpha = parse(backgroundColor)[3] ?? 1;
      return alpha > 0 || !element.parentElement ? backgroundColor : behind(element.parentElement);
    };
    const parts = "h1, h2, h3, p, a, small, td, th, dt, dd, em, code, button, .value, .notice, .failure span";
    const least = { ratio: Infinity };
    for (const element of document.querySelectorAll(parts)) {
      const lights = [getComputedStyle(element).color, behind(element)].map(luminance);
      const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
      if (ratio < least.ratio) Object.assign(least, { ratio, text: element.textContent.trim().slice(0, 40) });
    }
    return { least, page: getComputedStyle(document.body).backgroundColor };
  });

async function readable(page, scheme) {
  const { least, page: background } = await contrasts(page);
  assert.ok(least.ratio >= 4.5, `${scheme}: contrast of “${least.text}” is ${least.ratio.toFixed(2)}`);
  return background;
}

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const axe = await readFile(axePath, "utf8");

async function accessible(page, scheme) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  const bad = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  const told = bad.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join(", ")}`);
  assert.deepEqual(told, [], `${scheme}: axe's findings`);
}

// --- The checks in order

async function all() {
  let timers;
  let ticked;
  let light;
  await looking("wide", WIDE, async (page) => {
    timers = await page.evaluate(() => ticklab.all);
    ticked = timers.filter(({ deadlines }) => deadlines > 0);
    await table(page, timers);
    covered.push(`a row for each of ${timers.length} timers`);
    light = await readable(page, "light");
    await accessible(page, "light");
  });
  await looking("curves", WIDE, (page) => curves(page, ticked));
  covered.push(`curves of ${ticked.length} timers in ${ticked.length > 0 ? PLOTS.length : 0} plots`);
  if (ticked.length > 0) {
    await looking("hands", WIDE, async (page) => {
      await keyboard(page);
      covered.push("keyboard");
      await toggling(page);
      covered.push("hiding a timer");
      await pointing(page, (x, y) => page.mouse.move(x, y), "pointing");
      covered.push("mouse");
    });
  }
  await looking("phone", PHONE, async (page) => {
    await narrow(page);
    covered.push("360 pixels");
    if (ticked.length === 0) return;
    await pointing(page, (x, y) => page.touchscreen.tap(x, y), "a tap");
    await sliding(page);
    covered.push("touch");
  });
  await looking("dark", DARK, async (page) => {
    const dark = await readable(page, "dark");
    assert.notEqual(dark, light, "dark is another colour");
    covered.push("contrast in light and dark");
    await accessible(page, "dark");
    covered.push("axe");
  });
  let colours;
  await looking("dark curves", DARK, async (page) => {
    colours = await curves(page, ticked);
  });
  await looking("switched", WIDE, async (page) => {
    await page.emulateMedia({ colorScheme: "dark" });
    await settled(page);
    assert.deepEqual(await curves(page, ticked), colours, "a switch to the dark changes the curves too");
  });
  covered.push("curves in the dark and after a switch to it", "no complaint and no request");
}

await check("page", LIMIT_MS, covered, browser, all);
