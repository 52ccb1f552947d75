#!/usr/bin/env node
// ONNX Runtime's side of compare.sh: measures a model that torch_bench.py exported, as cnn-bench measures ours, and
// prints the same JSON. Only the time within ONNX Runtime's native call counts, without JavaScript's part around it.
'use strict';

const path = require('path');
const {parseArgs} = require('util');

const {values: set, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    modules: {type: 'string'}, // the node_modules that onnxruntime-node lies in
    only: {type: 'string'}, // classify or latency; default: both
    threads: {type: 'string', default: '1'},
    seconds: {type: 'string', default: '3'},
    batch: {type: 'string', default: '64'},
    json: {type: 'boolean'}, // the only form there is
  },
});

const ort = require(path.resolve(set.modules, 'onnxruntime-node'));
const native = require(path.resolve(set.modules, 'onnxruntime-node/dist/binding.js')).binding;

const durations = []; // of native calls, in milliseconds
native.InferenceSession = class extends native.InferenceSession {
  run(...parameters) {
    const begin = performance.now();
    const result = super.run(...parameters);
    durations.push(performance.now() - begin);
    return result;
  }
};

// The first calls find no memory in the arena yet.
const WARM_UP_CALLS = 5;

// Durations, sorted, of calls over set.seconds with `batch` images each, after a warm-up of a fifth of that.
async function measure(session, batch) {
  const shape = [batch, ...session.inputMetadata[0].shape.slice(1)];
  const pixels = Float32Array.from({length: shape.reduce((a, b) => a * b)}, Math.random);
  const feeds = {[session.inputNames[0]]: new ort.Tensor('float32', pixels, shape)};
  for (const [seconds, least] of [[set.seconds / 5, WARM_UP_CALLS], [+set.seconds, 1]]) {
    durations.length = 0;
    for (const begin = performance.now(); performance.now() - begin < 1e3 * seconds || durations.length < least;) {
      await session.run(feeds);
    }
  }
  return durations.slice().sort((a, b) => a - b);
}

async function main() {
  const options = {
    intraOpNumThreads: +set.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  };
  const session = await ort.InferenceSession.create(positionals[0], options);
  const {version} = require(path.resolve(set.modules, 'onnxruntime-node/package.json'));
  const found = {program: `onnxruntime ${version}`, recipe: positionals[0], threads: +set.threads, batch: +set.batch};
  if (set.only !== 'latency') {
    const calls = await measure(session, found.batch);
    found.classify = 1e3 * found.batch * calls.length / calls.reduce((a, b) => a + b);
  }
  if (set.only !== 'classify') {
    const calls = await measure(session, 1);
    found.latency_p50_ms = calls[calls.length >> 1];
    found.latency_p99_ms = calls[Math.floor(calls.length * 0.99)];
  }
  found.peak_mib = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify(found));
}

main();
