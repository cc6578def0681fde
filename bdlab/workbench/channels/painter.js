// Draws many small pictures on one canvas: with WebGL, or without where it is missing or slow.
//
// A panel is { kind, person, x, y, width, height } in CSS pixels; kinds are those of generator.js.
// Both painters have the same methods: `load(people)`, `draw(panels, numbers, space, ratio)`,
// `cleared()`.

import { html } from "../live.js";
import { fill, grey, tables, STRIPE, WHITE } from "./generator.js";

const KINDS = ["V", "EV", "DV", "I", "DI", "gap"];
export const parent = (kind) => (["V", "EV", "DV"].includes(kind) ? "visible" : "infrared");

const CORNERS = `
attribute vec2 corner;
varying vec2 at;
void main() {
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}`;

const PIXELS = `
precision highp float;
varying vec2 at;
uniform sampler2D picture;
uniform int kind;
uniform vec3 mean, std, encoder, weights, biases, stripe;
uniform float bias, slope, level, white;
void main() {
  vec3 pixel = texture2D(picture, at).rgb;
  vec3 entered = (pixel - mean) / std;
  float before = dot(encoder, entered) + bias;
  float warm = (entered.r + entered.g + entered.b) / 3.0;
  float one = kind < 3 ? max(before, 0.0) : warm;
  vec3 made = (weights * one + biases) * std + mean;
  if (kind == 0 || kind == 3) made = pixel;
  else if (kind == 1 && before < 0.0
    && fract((at.x * 24.0 + at.y * 48.0) / 2.0) < 0.5) made = stripe;
  else if (kind == 1) made = vec3((one - level) / slope);
  else if (kind == 5) made = abs(made - pixel) / white;
  gl_FragColor = vec4(made, 1.0);
}`;

function program(gl) {
  const made = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, CORNERS], [gl.FRAGMENT_SHADER, PIXELS]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  return gl.getProgramParameter(made, gl.LINK_STATUS) ? made : null;
}

function texture(gl, image) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  for (const [name, value] of [
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
  ]) gl.texParameteri(gl.TEXTURE_2D, name, value);
  return made;
}

class Drawn {
  constructor(canvas, gl, made) {
    Object.assign(this, { canvas, gl, name: "WebGL" });
    gl.useProgram(made);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(made, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.at = (name) => gl.getUniformLocation(made, name);
    gl.uniform3fv(this.at("stripe"), STRIPE.map((value) => value / 255));
    gl.uniform1f(this.at("white"), WHITE);
    this.kind = this.at("kind");
  }

  load(people) {
    this.people = people.map(({ visible, infrared }) => ({
      visible: texture(this.gl, visible), infrared: texture(this.gl, infrared),
    }));
  }

  cleared() {}

  draw(panels, numbers, space, ratio) {
    const { gl, canvas } = this;
    const { slope, level } = grey(space);
    gl.uniform3fv(this.at("mean"), space.mean);
    gl.uniform3fv(this.at("std"), space.std);
    gl.uniform3fv(this.at("encoder"), numbers.slice(0, 3));
    gl.uniform1f(this.at("bias"), numbers[3]);
    gl.uniform3fv(this.at("weights"), numbers.slice(4, 7));
    gl.uniform3fv(this.at("biases"), numbers.slice(7, 10));
    gl.uniform1f(this.at("slope"), slope);
    gl.uniform1f(this.at("level"), level);
    for (const { kind, person, x, y, width, height } of panels) {
      const [left, top, wide, tall] = [x, y, width, height].map((value) =>
        Math.round(value * ratio));
      gl.viewport(left, canvas.height - top - tall, wide, tall);
      gl.bindTexture(gl.TEXTURE_2D, this.people[person][parent(kind)]);
      gl.uniform1i(this.kind, KINDS.indexOf(kind));
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }
}

// Pictures at the size they are shown, computed by the processor.
class Computed {
  constructor(canvas, context) {
    Object.assign(this, { canvas, context, name: "canvas" });
    this.sources = new Map();
  }

  load(people) {
    this.people = people;
    this.sources.clear();
    this.cleared();
  }

  // The canvas is empty again.
  cleared() {
    this.standing = new Map(); // whose V or I stands where: they do not change with the numbers
  }

  // V's or I's bytes at a size, scaled once.
  source(person, name, width, height) {
    const key = `${person} ${name} ${width} ${height}`;
    if (!this.sources.has(key)) {
      const { [name]: image } = this.people[person];
      const whole = html("canvas", { width: image.width, height: image.height });
      whole.getContext("2d").putImageData(image, 0, 0);
      const scaled = html("canvas", { width, height }).getContext("2d",
        { willReadFrequently: true });
      scaled.imageSmoothingQuality = "high";
      scaled.drawImage(whole, 0, 0, width, height);
      const { data } = scaled.getImageData(0, 0, width, height);
      this.sources.set(key, { data, out: scaled.createImageData(width, height) });
    }
    return this.sources.get(key);
  }

  draw(panels, numbers, space) {
    const made = tables(numbers, space);
    for (const { kind, person, x, y, width, height } of panels) {
      const place = `${x} ${y}`;
      if (kind === "V" || kind === "I") {
        if (this.standing.get(place) === person) continue;
        this.standing.set(place, person);
      }
      const { data, out } = this.source(person, parent(kind), Math.round(width),
        Math.round(height));
      fill(kind, data, out.data, out.width, made);
      this.context.putImageData(out, Math.round(x), Math.round(y));
    }
  }
}

// Without a GPU a browser may imitate WebGL by the processor: the canvas is quicker then.
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

function imitated(gl) {
  const asked = gl.getExtension("WEBGL_debug_renderer_info");
  return Boolean(asked) && SOFTWARE.test(gl.getParameter(asked.UNMASKED_RENDERER_WEBGL));
}

// The better of the two that this browser has. `useless` is called when WebGL is lost later on.
export function painter(canvas, useless) {
  const wanted = { alpha: true, antialias: false, preserveDrawingBuffer: true };
  const gl = canvas.getContext("webgl", wanted);
  const made = gl && !imitated(gl) && program(gl);
  if (made) {
    canvas.addEventListener("webglcontextlost", useless, { once: true });
    return new Drawn(canvas, gl, made);
  }
  return computed(gl ? replaced(canvas) : canvas);
}

export function computed(canvas) {
  return new Computed(canvas, canvas.getContext("2d"));
}

// A canvas keeps its first kind of context, so another one takes its place.
export function replaced(canvas) {
  const fresh = canvas.cloneNode();
  canvas.replaceWith(fresh);
  return fresh;
}
