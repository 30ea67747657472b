// Walks every page that each person can reach by links, in a real browser, at the width of a
// phone and of a desk: nothing may scroll sideways, axe may find nothing serious, no page may
// answer an error or log one. Saves a picture of each page.
//
// node check.mjs WORLD.json SCREENSHOTS
// WORLD: {"base": "http://127.0.0.1:8080", "extra": ["http://…"],
//         "people": [{"name": "integrator", "email": "…", "password": "…"}]}

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const WIDTHS = [360, 1280];
const PAGES_PER_SHAPE = 2; // every meter's page looks alike
const PAGES_MAX = 80;
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const [worldFile, pictures] = process.argv.slice(2);
const world = JSON.parse(readFileSync(worldFile, 'utf8'));
const axe = readFileSync(new URL('./node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const faults = [];

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: FLAGS });
let count = 0;
for (const person of [{ name: 'nobody' }, ...world.people]) {
  for (const width of WIDTHS) count += await walk(person, width);
}
await browser.close();
for (const fault of faults) console.log(fault);
console.log(`${count} pages looked at, ${faults.length} faults`);
process.exit(faults.length === 0 && count > 0 ? 0 : 1);

async function walk(person, width) {
  const context = await browser.newContext({
    viewport: { width, height: 800 }, bypassCSP: true, locale: 'en-US',
  });
  const page = await context.newPage();
  let where = '';
  page.on('console', (message) => {
    if (message.type() === 'error') report(person, width, where, `console: ${message.text()}`);
  });
  const start = person.email ? await signIn(page, person) : '/sign-in';
  const outside = person.email ? [] : world.extra ?? [];
  const waiting = [new URL(start, world.base).href, ...outside];
  const known = new Set(waiting);
  const shapes = new Map();
  let seen = 0;
  while (waiting.length > 0 && seen < PAGES_MAX) {
    where = waiting.shift();
    const shape = shapeOf(where);
    const before = shapes.get(shape) ?? 0;
    if (before >= PAGES_PER_SHAPE) continue;
    shapes.set(shape, before + 1);
    const response = await page.goto(where);
    if (!response.headers()['content-type']?.startsWith('text/html')) continue;
    seen += 1;
    if (response.status() >= 400) report(person, width, where, `status ${response.status()}`);
    await look(page, person, width, where, `${shape}${before === 0 ? '' : ' 2'}`);
    for (const link of await page.$$eval('a[href]', (all) => all.map((a) => a.href))) {
      const target = link.split('#')[0];
      const isDownload = /\.(xlsx|pdf|csv|json)(\?|$)/.test(target);
      if (target.startsWith(`${world.base}/`) && !isDownload && !known.has(target)) {
        known.add(target);
        waiting.push(target);
      }
    }
  }
  await context.close();
  return seen;
}

async function signIn(page, person) {
  await page.goto(`${world.base}/sign-in`);
  await page.fill('input[name=email]', person.email);
  await page.fill('input[name=password]', person.password);
  await Promise.all([page.waitForNavigation(), page.click('form:has(input[name=password]) button')]);
  if (page.url().includes('/sign-in')) report(person, 0, page.url(), 'cannot sign in');
  return page.url();
}

async function look(page, person, width, where, shape) {
  const [wide, room] = await page.evaluate(() => {
    const root = document.documentElement;
    return [root.scrollWidth, root.clientWidth];
  });
  if (wide > room) report(person, width, where, `is ${wide} pixels wide in a window of ${room}`);
  const language = await page.getAttribute('html', 'lang');
  if (!['en', 'es'].includes((language ?? '').slice(0, 2))) {
    report(person, width, where, `has the language '${language}'`);
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  for (const { id, impact, nodes, help } of violations) {
    if (impact === 'serious' || impact === 'critical') {
      report(person, width, where, `axe ${id} (${impact}): ${help}; ${nodes[0].html}`);
    }
  }
  const folder = join(pictures, `${person.name} ${width}`);
  mkdirSync(folder, { recursive: true });
  const name = shape.replaceAll('*', 'N').replace(/[^\p{L}\p{N} -]+/gu, '-').replace(/^-|-$/g, '') || 'start';
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

// An address with every identifier and number struck out.
function shapeOf(address) {
  const { pathname, search } = new URL(address);
  const keys = [...new URLSearchParams(search).keys()].join(' ');
  return `${pathname.replace(/\/[0-9a-z]{13}(?=\/|$)/g, '/*').replace(/\d+/g, '*')} ${keys}`.trim();
}

function report(person, width, where, what) {
  faults.push(`${person.name} at ${width}: ${where}: ${what}`);
}
