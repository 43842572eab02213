// Code that the browser checks share. CHROMIUM is the path of the browser; /usr/bin/chromium by default.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

// Opens a page in the browser that may load only `urls`. `fine` asserts that the browser has reported no
// problem so far.
export async function quiet(browser, options, urls) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning", "assert"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    if (!urls.includes(request.url())) complaints.push(`request: ${request.url()}`);
  });
  const fine = (name) => assert.deepEqual(complaints, [], `${name}: the page complains`);
  return { page, fine, close: () => context.close() };
}

// Runs `checks` and prints what they throw. Exits with code 1 after `limit`.
export async function check(name, limit, covered, browser, checks) {
  const timeout = setTimeout(() => {
    console.error(`${name}: not done after ${limit / 1000} s; by then covered: ${covered.join(", ") || "nothing"}`);
    process.exit(1);
  }, limit);
  try {
    await checks();
    console.log(`covered: ${covered.join(", ")}`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    if (error.code !== "ERR_ASSERTION") console.error(error.stack);
    process.exitCode = 1;
  } finally {
    await browser.close();
    clearTimeout(timeout);
  }
}
