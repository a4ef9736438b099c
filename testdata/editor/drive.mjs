// Opens a page in headless Chromium until the end of stdin.
import { createRequire } from 'node:module';
const [url, modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(modules + '/')('playwright-core');
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath, args, timeout: 0 });
const page = await browser.newPage();
page.on('console', (message) => message.type() === 'error' && console.log(message.text()));
await page.goto(url, { timeout: 0 });
process.stdin.resume();
await new Promise((resolve) => process.stdin.on('end', resolve));
await browser.close();
