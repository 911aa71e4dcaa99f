// SPDX-License-Identifier: BSD-3-Clause
// Work for node under scripts/checks/test-preload: worker threads, libuv's pool, a child. It checks its results.
'use strict';
const {Worker, isMainThread, parentPort, workerData} = require('worker_threads');
const assert = require('assert');
const crypto = require('crypto');
const zlib = require('zlib');

function digest(seed) {
  const rows = Array.from({length: 3000}, (_, i) => ({n: i * seed, text: 'x'.repeat(i % 50)}));
  const text = Buffer.from(JSON.stringify(rows));
  assert(zlib.gunzipSync(zlib.gzipSync(text)).equals(text));
  return crypto.createHash('sha256').update(text).digest('hex');
}

async function inWorker(seed) {
  const worker = new Worker(__filename, {workerData: seed});
  let answer;
  worker.on('message', (message) => answer = message);
  await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
  assert.strictEqual(answer, digest(seed));
}

async function main() {
  for (let round = 0; round < 3; round++)
    await Promise.all([1, 2, 3, 4].map(inWorker));
  const {promisify} = require('util');
  const data = crypto.randomBytes(1 << 20);
  const back = await Promise.all(Array.from({length: 8}, async () =>
    promisify(zlib.brotliDecompress)(await promisify(zlib.brotliCompress)(data, {
      params: {[zlib.constants.BROTLI_PARAM_QUALITY]: 2}}))));
  assert(back.every((result) => result.equals(data)));
  const key = await promisify(crypto.scrypt)('password', 'salt', 64);
  assert(key.equals(crypto.scryptSync('password', 'salt', 64)));
  const child = require('child_process').execFileSync(process.execPath, ['-p', '6 * 7']);
  assert.strictEqual(child.toString(), '42\n');
}

if (isMainThread)
  main().then(() => console.log('done'), (error) => {
    console.error(error);
    process.exit(1);
  });
else
  parentPort.postMessage(digest(workerData));
