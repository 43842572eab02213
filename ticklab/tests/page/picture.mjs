// Checks pictures in a real browser, as a README shows them: 700 pixels wide, in light and dark schemes.
//
//     npm ci && node picture.mjs PICTURE.svg... [SCREENSHOT_DIR]

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { check, launch, quiet } from "./browser.mjs";

const SCHEMES = ["light", "dark"];
const VIEW = { viewport: { width: 716, height: 700 } };

const pictures = process.argv.slice(2).filter((path) => path.endsWith(".svg"));
const screenshots = process.argv.slice(2).find((path) => !path.endsWith(".svg"));
if (pictures.length === 0) {
  console.error("usage: node picture.mjs PICTURE.svg... [SCREENSHOT_DIR]");
  process.exit(2);
}
const covered = [];

// Runs in the picture. Returns every text with its box, and the lowest contrast with the background.
function look() {
  const rgb = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = rgb(colour)
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (...colours) => {
    const [low, high] = colours.map(luminance).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const page = getComputedStyle(document.querySelector("rect")).fill;
  const texts = [...document.querySelectorAll("text")].map((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return { text: text.textContent, left, right, top, bottom, contrast: contrast(getComputedStyle(text).fill, page) };
  });
  const lines = [...document.querySelectorAll("path[stroke-dasharray]")].map((line) => {
    const { stroke } = getComputedStyle(line);
    return { stroke, length: line.getTotalLength(), contrast: contrast(stroke, page) };
  });
  const { width, height } = document.documentElement.getBoundingClientRect();
  return { page: rgb(page), texts, lines, width, height };
}

// Boxes may touch, because the lower part of a box is empty for letters without descenders.
const overlap = (a, b) =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;

async function alone(url, name, colorScheme) {
  const { page, fine, close } = await quiet(browser, { ...VIEW, colorScheme }, [url]);
  await page.goto(url);
  const seen = await page.evaluate(look);
  fine(name);
  await close();
  const { texts, lines, width, height } = seen;
  assert.equal(width, 700, `${name}: its width`);
  assert.ok(texts.length > 5 && lines.length > 0, `${name}: it has texts and lines`);
  for (const [i, one] of texts.entries()) {
    const inside = one.left >= 0 && one.top >= 0 && one.right <= width && one.bottom <= height;
    assert.ok(inside, `${name}: “${one.text}” is inside of the picture: ${JSON.stringify(one)}`);
    assert.ok(one.contrast >= 4.5, `${name}, ${colorScheme}: contrast of “${one.text}” is ${one.contrast.toFixed(2)}`);
    for (const other of texts.slice(i + 1)) {
      assert.ok(!overlap(one, other), `${name}: “${one.text}” is over “${other.text}”`);
    }
  }
  for (const { stroke, length, contrast } of lines) {
    assert.ok(length > 100, `${name}: a line is ${length} pixels long`);
    assert.ok(contrast >= 3, `${name}, ${colorScheme}: contrast of a line, ${stroke}, is ${contrast.toFixed(2)}`);
  }
  return seen;
}

// As an image, the picture's own style sheet detects the dark scheme.
async function embedded(url, name, colorScheme, { page: colour, height }) {
  // Only a page from a file may show a file.
  const holder = pathToFileURL(resolve("target/picture.html")).href;
  const { page, fine, close } = await quiet(browser, { ...VIEW, colorScheme }, [holder, url]);
  const html = `<!doctype html><style>:root { color-scheme: light dark } body { margin: 8px }</style><img src="${url}">`;
  await page.route(holder, (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto(holder);
  await page.locator("img").evaluate((image) => image.decode());
  fine(`${name}, as an image`);
  const png = await page.screenshot();
  // In the picture's left margin.
  const pixel = await page.evaluate(async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    return [...canvas.getImageData(8 + 4, 8 + 200, 1, 1).data].slice(0, 3);
  }, png.toString("base64"));
  assert.deepEqual(pixel, colour, `${name}: as an image it is ${colorScheme}`);
  if (screenshots) {
    await mkdir(screenshots, { recursive: true });
    const path = join(screenshots, `${name.replace(/\.svg$/, "")}-${colorScheme}.png`);
    await page.screenshot({ path, clip: { x: 0, y: 0, width: 716, height: height + 16 } });
  }
  await close();
}

const browser = await launch();
await check("picture", 120_000, covered, browser, async () => {
  for (const picture of pictures) {
    const [url, name] = [pathToFileURL(resolve(picture)).href, basename(picture)];
    const strokes = [];
    for (const scheme of SCHEMES) {
      const seen = await alone(url, name, scheme);
      await embedded(url, name, scheme, seen);
      strokes.push(seen.lines.map(({ stroke }) => stroke));
    }
    assert.notDeepEqual(strokes[0], strokes[1], `${name}: its lines have other colours in the dark`);
    covered.push(`${name}: ${strokes[0].length} lines, in ${SCHEMES.join(" and ")}`);
  }
});
