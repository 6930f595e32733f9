// The dashboard in Debian's Chromium, against the demo with its couriers.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { chromium } = require('playwright-core');

const { Server } = require('../lib/server.js');

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

describe('the dashboard', () => {
  let server, browser;

  before(async () => {
    server = await Server.start({ command: 'demo' });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
      headless: true, args: ARGUMENTS });
  });
  after(async () => {
    await browser.close();
    await server.stop();
  });

  async function open(options) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.mistakes = [];
    page.on('pageerror', (error) => page.mistakes.push(error.message));
    page.on('console', (message) => message.type() === 'error' &&
      page.mistakes.push(message.text()));
    await page.goto(`${server.url}/`);
    return page;
  }

  for (const [name, options] of Object.entries({
    desktop: { viewport: { width: 1440, height: 900 } },
    'desktop, dark': { viewport: { width: 1440, height: 900 },
      colorScheme: 'dark' },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true,
      deviceScaleFactor: 2 },
    'phone, dark': { viewport: { width: 390, height: 844 }, isMobile: true,
      deviceScaleFactor: 2, colorScheme: 'dark' },
  })) {
    test(`${name}: couriers move, stops are completed, figures come`,
      async () => {
        const page = await open(options);
        await page.waitForFunction(() =>
          document.getElementById('state').dataset.state === 'live');
        await page.waitForFunction(() =>
          Number(document.getElementById('couriers').textContent) >= 10);
        await page.waitForFunction(() =>
          Number(document.getElementById('completed').textContent) >= 1);
        await page.waitForFunction(() =>
          document.querySelectorAll('#changes time').length >= 3);
        await page.waitForFunction(() =>
          Number(document.getElementById('rps').textContent) >= 1);
        await page.waitForFunction(() =>
          /[mµ]s$/.test(document.getElementById('p99').textContent));
        const wide = await page.evaluate(() =>
          document.documentElement.scrollWidth > innerWidth);
        assert.strictEqual(wide, false, 'the page scrolls sideways');
        assert.deepStrictEqual(page.mistakes, []);
        if (process.env.SCREENSHOTS) {
          fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
          await page.screenshot({ path: `${process.env.SCREENSHOTS}/` +
            `${name.replace(/\W+/g, '-')}.png` });
        }
        await page.context().close();
      });
  }

  test('a server that is no demo asks for a token and says when it is wrong',
    async () => {
      const plain = await Server.start({});
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${plain.url}/`);
      await page.fill('#token', 'nonsense');
      await page.click('#sign-in button');
      await page.waitForFunction(() => /not accepted/.test(
        document.getElementById('sign-in-problem').textContent));
      await page.fill('#token', plain.token(1, 1, 'LOGISTICS_MANAGE'));
      await page.click('#sign-in button');
      await page.waitForFunction(() =>
        document.getElementById('state').dataset.state === 'live');
      await context.close();
      await plain.stop();
    });
});
