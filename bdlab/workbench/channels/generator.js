// Eq. 1 by pixel: D_V = G_S(E_V(V)) and D_I = G_S(I), with ten numbers. No page is needed here.
//
// The ten numbers in a row: E_V's weights for red, green, blue and its bias; G_S's weights for red,
// green, blue; G_S's biases for red, green, blue. A space says what a pixel p (0 to 1) enters as:
// (p - mean) / std, channel by channel.

// One infrared channel enters as the mean of three: slope * grey + level.
export function grey(space) {
  let slope = 0;
  let level = 0;
  for (let k = 0; k < 3; k += 1) {
    slope += 1 / space.std[k] / 3;
    level -= space.mean[k] / space.std[k] / 3;
  }
  return { slope, level };
}

// Everything that happens to one pixel of V and one of I; colours are bytes, [red, green, blue].
export function trace(visible, infrared, numbers, space) {
  const enter = (byte, k) => (byte / 255 - space.mean[k]) / space.std[k];
  const leave = (value, k) => 255 * (value * space.std[k] + space.mean[k]);
  const entered = visible.map(enter);
  const before = numbers[0] * entered[0] + numbers[1] * entered[1] + numbers[2] * entered[2]
    + numbers[3];
  const after = Math.max(before, 0);
  const warm = infrared.map(enter).reduce((sum, value) => sum + value, 0) / 3;
  const generate = (value) => [0, 1, 2].map((k) => numbers[4 + k] * value + numbers[7 + k]);
  const made = { DV: generate(after), DI: generate(warm) };
  const bytes = { DV: made.DV.map(leave), DI: made.DI.map(leave) };
  return { entered, before, after, warm, made, bytes };
}

// For whole pictures: a table for each channel of V, so that E_V's sum is three look-ups.
export function tables(numbers, space) {
  const sums = [0, 1, 2].map((k) => {
    const table = new Float32Array(256);
    for (let byte = 0; byte < 256; byte += 1) {
      table[byte] = (numbers[k] * (byte / 255 - space.mean[k])) / space.std[k];
    }
    return table;
  });
  const scale = [0, 1, 2].map((k) => 255 * numbers[4 + k] * space.std[k]);
  const shift = [0, 1, 2].map((k) => 255 * (numbers[7 + k] * space.std[k] + space.mean[k]));
  return { sums, bias: numbers[3], scale, shift, ...grey(space) };
}

export const STRIPE = [222, 143, 5];
export const WHITE = 0.5; // a difference that is shown white, of the way from black to white

// Fills RGBA bytes `out` with one of the six pictures; `source` holds V's or I's bytes.
export function fill(kind, source, out, width, made) {
  if (kind === "V" || kind === "I") out.set(source);
  else if (kind === "EV" || kind === "DV") fromVisible(kind, source, out, width, made);
  else fromInfrared(kind, source, out, made);
}

function fromVisible(kind, source, out, width, { sums, bias, scale, shift, slope, level }) {
  const [red, green, blue] = sums;
  const [a, b, c] = scale;
  const [p, q, r] = shift;
  for (let at = 0; at < source.length; at += 4) {
    const before = red[source[at]] + green[source[at + 1]] + blue[source[at + 2]] + bias;
    const after = before > 0 ? before : 0;
    if (kind === "DV") {
      out[at] = a * after + p; // a clamped array rounds and cuts at 0 and 255
      out[at + 1] = b * after + q;
      out[at + 2] = c * after + r;
    } else if (before < 0 && striped(at >> 2, width)) {
      [out[at], out[at + 1], out[at + 2]] = STRIPE;
    } else {
      const value = (255 * (after - level)) / slope;
      out[at] = out[at + 1] = out[at + 2] = value;
    }
    out[at + 3] = 255;
  }
}

// Stripes mark what E_V's ReLU sets to zero.
function striped(number, width) {
  const step = width / 24;
  return (Math.floor(number / width) + (number % width)) % (2 * step) < step;
}

function fromInfrared(kind, source, out, { scale, shift, slope, level }) {
  // Three bytes have 766 sums: D_I of each, once.
  const [red, green, blue] = scale.map((value, k) => {
    const table = new Float32Array(766);
    for (let sum = 0; sum < 766; sum += 1) {
      table[sum] = value * ((sum / 765) * slope + level) + shift[k];
    }
    return table;
  });
  const apart = kind !== "DI";
  for (let at = 0; at < source.length; at += 4) {
    const [a, b, c] = [source[at], source[at + 1], source[at + 2]];
    const sum = a + b + c;
    out[at] = apart ? Math.abs(red[sum] - a) / WHITE : red[sum];
    out[at + 1] = apart ? Math.abs(green[sum] - b) / WHITE : green[sum];
    out[at + 2] = apart ? Math.abs(blue[sum] - c) / WHITE : blue[sum];
    out[at + 3] = 255;
  }
}

// Mean |D_I - I| of each channel over a picture, shares of the way from black to white.
export function divergence(source, numbers, space) {
  const { scale, shift, slope, level } = tables(numbers, space);
  const total = [0, 0, 0];
  for (let at = 0; at < source.length; at += 4) {
    const warm = (((source[at] + source[at + 1] + source[at + 2]) / 3) * slope) / 255 + level;
    for (let k = 0; k < 3; k += 1) {
      total[k] += Math.abs(scale[k] * warm + shift[k] - source[at + k]);
    }
  }
  return total.map((sum) => sum / (source.length / 4) / 255);
}

// The share of D_V's or D_I's values that are darker than black or brighter than white.
export function outside(kind, source, numbers, space) {
  const { sums, bias, scale, shift, slope, level } = tables(numbers, space);
  let count = 0;
  for (let at = 0; at < source.length; at += 4) {
    let one = ((source[at] + source[at + 1] + source[at + 2]) / 765) * slope + level;
    if (kind === "DV") {
      const own = sums[0][source[at]] + sums[1][source[at + 1]] + sums[2][source[at + 2]];
      one = Math.max(own + bias, 0);
    }
    for (let k = 0; k < 3; k += 1) {
      const value = scale[k] * one + shift[k];
      if (value < -0.0255 || value > 255.0255) count += 1;
    }
  }
  return count / (source.length / 4) / 3;
}

// The share of a picture's pixels that E_V's ReLU sets to zero.
export function clipped(source, numbers, space) {
  const { sums, bias } = tables(numbers, space);
  let count = 0;
  for (let at = 0; at < source.length; at += 4) {
    const before = sums[0][source[at]] + sums[1][source[at + 1]] + sums[2][source[at + 2]] + bias;
    if (before < 0) count += 1;
  }
  return count / (source.length / 4);
}
