// The generator of lcgan_core/models/generator.py for one mask, without a library. The whole engine is
// one function, because a worker of a page opened from a folder can be made of nothing but a text.
//
// A map is a Float32Array of C x S x S; `tensors` has the network's weights by PyTorch's names.
"use strict";

function playgroundEngine() {
  const EPS = 1e-5; // of PyTorch's batch norm
  const SLOPE = 0.2; // models/layers.py
  const NOISY_BLOCKS = 3; // models/generator.py
  const AIR = -1; // generators/scale.py

  const floats = Float32Array.from({ length: 65536 }, (_, half) => {
    const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });

  // Base64 of little-endian half precision, tensor after tensor -> tensors by name.
  function decode(names, base64) {
    const text = atob(base64);
    const tensors = {};
    let at = 0;
    for (const [name, shape] of names) {
      const tensor = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let k = 0; k < tensor.length; k++, at += 2) {
        tensor[k] = floats[text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8)];
      }
      tensors[name] = tensor;
    }
    return tensors;
  }

  // `count` bits, the same for the same seed in every browser (the generator is mulberry32).
  function noise(seed, count) {
    let state = seed | 0;
    return Uint8Array.from({ length: count }, () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return (t ^ (t >>> 14)) >>> 31;
    });
  }

  // out (rows x n) = weights * columns (inner x n); the weight of (row, k) is at row * down + k * across.
  // In tiles of 4 x 4 sums, which stay in registers: a picture takes 80 ms in place of 115 row by row.
  function multiply(weights, down, across, columns, rows, inner, n) {
    const out = new Float32Array(rows * n);
    for (let column = 0; column < n; column += 4) {
      for (let row = 0; row < rows; row += 4) {
        const whole = column + 4 <= n && row + 4 <= rows;
        (whole ? tile : edge)(out, weights, down, across, columns, rows, inner, n, row, column);
      }
    }
    return out;
  }

  function tile(out, weights, down, across, columns, rows, inner, n, row, column) {
    let a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    let b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    let c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    let d0 = 0, d1 = 0, d2 = 0, d3 = 0;
    let w = row * down;
    let at = column;
    for (let k = 0; k < inner; k++, w += across, at += n) {
      const x0 = columns[at], x1 = columns[at + 1], x2 = columns[at + 2], x3 = columns[at + 3];
      const a = weights[w], b = weights[w + down], c = weights[w + 2 * down], d = weights[w + 3 * down];
      a0 += a * x0; a1 += a * x1; a2 += a * x2; a3 += a * x3;
      b0 += b * x0; b1 += b * x1; b2 += b * x2; b3 += b * x3;
      c0 += c * x0; c1 += c * x1; c2 += c * x2; c3 += c * x3;
      d0 += d * x0; d1 += d * x1; d2 += d * x2; d3 += d * x3;
    }
    const to = row * n + column;
    out[to] = a0; out[to + 1] = a1; out[to + 2] = a2; out[to + 3] = a3;
    out[to + n] = b0; out[to + n + 1] = b1; out[to + n + 2] = b2; out[to + n + 3] = b3;
    out[to + 2 * n] = c0; out[to + 2 * n + 1] = c1; out[to + 2 * n + 2] = c2; out[to + 2 * n + 3] = c3;
    out[to + 3 * n] = d0; out[to + 3 * n + 1] = d1; out[to + 3 * n + 2] = d2; out[to + 3 * n + 3] = d3;
  }

  function edge(out, weights, down, across, columns, rows, inner, n, row, column) {
    for (let r = row; r < Math.min(row + 4, rows); r++) {
      for (let c = column; c < Math.min(column + 4, n); c++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += weights[r * down + k * across] * columns[k * n + c];
        out[r * n + c] = sum;
      }
    }
  }

  // Where the kernel's 4 x 4 taps meet the pixels of a large map (stride 2, padding 1):
  // calls back with the place in the matrix of taps (C * 16 x small * small) and in the large map.
  function taps(channels, small, each) {
    const large = 2 * small;
    for (let row = 0, channel = 0; channel < channels; channel++) {
      for (let tap = 0; tap < 16; tap++, row++) {
        const [dy, dx] = [(tap >> 2) - 1, (tap & 3) - 1];
        for (let y = 0; y < small; y++) {
          const Y = 2 * y + dy;
          if (Y < 0 || Y >= large) continue;
          const from = (row * small + y) * small;
          const to = (channel * large + Y) * large + dx;
          const first = dx < 0 ? 1 : 0;
          const last = dx > 1 ? small - 1 : small;
          for (let x = first; x < last; x++) each(from + x, to + 2 * x);
        }
      }
    }
  }

  function biased(map, bias, area) {
    for (let k = 0; k < map.length; k++) map[k] += bias[(k / area) | 0];
    return map;
  }

  function convolution(map, channels, size, weight, bias) {
    const small = size / 2;
    const columns = new Float32Array(channels * 16 * small * small);
    taps(channels, small, (column, pixel) => {
      columns[column] = map[pixel];
    });
    const inner = channels * 16;
    return biased(multiply(weight, inner, 1, columns, bias.length, inner, small * small), bias, small * small);
  }

  // Its weights are (in, out, 4, 4): the transposed matrix of the convolution back.
  function transposed(map, channels, size, weight, bias) {
    const rows = bias.length * 16;
    const columns = multiply(weight, 1, rows, map, rows, channels, size * size);
    const out = new Float32Array(bias.length * 4 * size * size);
    taps(bias.length, size, (column, pixel) => {
      out[pixel] += columns[column];
    });
    return biased(out, bias, 4 * size * size);
  }

  // By the picture's own mean and variance; a single value is its own mean, and its bias is left.
  function normalised(map, area, weight, bias) {
    for (let channel = 0, start = 0; start < map.length; channel++, start += area) {
      let mean = 0;
      let variance = 0;
      for (let k = start; k < start + area; k++) mean += map[k] / area;
      for (let k = start; k < start + area; k++) variance += (map[k] - mean) ** 2 / area;
      const scale = weight[channel] / Math.sqrt(variance + EPS);
      for (let k = start; k < start + area; k++) map[k] = (map[k] - mean) * scale + bias[channel];
    }
    return map;
  }

  const leaky = (map) => map.map((value) => (value < 0 ? SLOPE * value : value));
  const relu = (map) => map.map((value) => (value < 0 ? 0 : value));

  function joined(one, other) {
    const both = new Float32Array(one.length + other.length);
    both.set(one);
    both.set(other, one.length);
    return both;
  }

  // How many bits of noise a picture takes.
  function bits(network) {
    let count = 0;
    for (let block = 0; block < NOISY_BLOCKS; block++) {
      count += network.tensors[`decoder.${block}.1.bias`].length * 4 ** (block + 1);
    }
    return count;
  }

  // A mask (channels x size x size) -> a picture in [-1, 1], with as many channels as the network has.
  function forward({ tensors, size }, mask, kept) {
    const of = (name) => [tensors[`${name}.weight`], tensors[`${name}.bias`]];
    const depth = Math.log2(size);
    let map = mask;
    let channels = mask.length / size ** 2;
    let side = size;
    const skips = [];
    for (let level = 0; level < depth; level++) {
      const [weight, bias] = of(level ? `encoder.${level}.1` : "encoder.0");
      map = convolution(level ? leaky(map) : map, channels, side, weight, bias);
      side /= 2;
      const [gain, offset] = of(`encoder.${level}.2`);
      if (gain) normalised(map, side * side, gain, offset);
      channels = bias.length;
      skips.push(map);
    }
    map = skips.pop();
    let used = 0;
    for (let block = 0; block < depth - 1; block++) {
      const [weight, bias] = of(`decoder.${block}.1`);
      map = transposed(relu(map), map.length / side ** 2, side, weight, bias);
      side *= 2;
      normalised(map, side * side, ...of(`decoder.${block}.2`));
      if (block < NOISY_BLOCKS) map = map.map((value) => 2 * kept[used++] * value);
      map = joined(map, skips.pop());
    }
    return transposed(relu(map), map.length / side ** 2, side, ...of("image.1")).map(Math.tanh);
  }

  const enlarged = (size) => Math.floor((size * 286) / 256);

  // generators/scale.py: the mask as training showed it, cut out at the centre.
  function enlarge(labels, size) {
    const large = enlarged(size);
    const start = Math.floor((large - size) / 2);
    const at = Array.from({ length: size }, (_, k) => Math.floor(((2 * (k + start) + 1) * size) / (2 * large)));
    return Uint8Array.from(labels, (_, k) => labels[at[Math.floor(k / size)] * size + at[k % size]]);
  }

  // generators/scale.py: the enlarged head at its true size, with air around it.
  function reduce(grey, size) {
    const large = enlarged(size);
    const start = Math.floor((large - size) / 2);
    const inside = (k) => k >= start && k < start + size;
    const pixel = (y, x) => (inside(y) && inside(x) ? grey[(y - start) * size + x - start] : AIR);
    const at = Array.from({ length: size }, (_, k) => {
      const place = Math.max(0, ((k + 0.5) * large) / size - 0.5);
      const low = Math.floor(place);
      return [low, Math.min(low + 1, large - 1), place - low];
    });
    const out = new Float32Array(size * size);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const [[top, bottom, down], [left, right, across]] = [at[y], at[x]];
        const above = pixel(top, left) * (1 - across) + pixel(top, right) * across;
        const below = pixel(bottom, left) * (1 - across) + pixel(bottom, right) * across;
        out[y * size + x] = above * (1 - down) + below * down;
      }
    }
    return out;
  }

  // training/encoding.py: `code` has the channels of each label.
  function encode(labels, code) {
    const area = labels.length;
    const mask = new Float32Array(code[0].length * area);
    for (let k = 0; k < area; k++) {
      code[labels[k]].forEach((value, channel) => {
        mask[channel * area + k] = value;
      });
    }
    return mask;
  }

  // Labels (size x size) -> grey levels 0..255 of a slice.
  function paint(network, labels, seed) {
    const { size, code, matched } = network;
    const given = matched ? enlarge(labels, size) : labels;
    const picture = forward(network, encode(given, code), noise(seed, bits(network)));
    const area = size * size;
    const channels = picture.length / area;
    let grey = new Float32Array(area);
    for (let k = 0; k < picture.length; k++) grey[k % area] += picture[k] / channels;
    if (matched) grey = reduce(grey, size);
    return Uint8ClampedArray.from(grey, (value) => Math.round((value + 1) * 127.5));
  }

  return { decode, noise, bits, paint };
}

// What the worker does: keep the networks that were sent, paint what is asked for.
function playgroundWorker(engine) {
  const networks = {};
  onmessage = ({ data: { name, network, labels, seed } }) => {
    if (network) networks[name] = { ...network, tensors: engine.decode(network.names, network.half) };
    const start = performance.now();
    const grey = engine.paint(networks[name], labels, seed);
    postMessage({ grey, seed, name, milliseconds: performance.now() - start });
  };
}
