// Eq. 2-5 in the plane: one hinge an anchor, both directions, and the gradient. No page is needed.
//
// A stream is a list of points [x, y] with a list of labels. S is the distance; the mask of eq. 5
// is 1 where two points are of one person. As losses.py reads it: a selection, unless `literal`.

export function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

// Eq. 3: S, rows are anchors.
export function distances(anchors, others) {
  return anchors.map((a) => others.map((b) => distance(a, b)));
}

// Eq. 5's mask.
export function mask(labels, others) {
  return labels.map((a) => others.map((b) => (a === b ? 1 : 0)));
}

// One summand of eq. 4: which cells of its row the max and the min read, and the value. Null where
// the anchor has no positive or no negative.
export function hinge(row, same, margin, literal) {
  let positive = -1;
  let negative = -1;
  for (let k = 0; k < row.length; k += 1) {
    if (same[k] && (positive < 0 || row[k] > row[positive])) positive = k;
    if (!same[k] && (negative < 0 || row[k] < row[negative])) negative = k;
  }
  if (positive < 0 || negative < 0) return null;
  const farthest = row[positive];
  const nearest = literal ? 0 : row[negative]; // a product with the mask puts a zero into every row
  const value = Math.max(margin + farthest - nearest, 0);
  return { positive, negative: literal ? -1 : negative, farthest, nearest, value };
}

// Eq. 4, one direction: L = mean over the anchors that count.
export function directed(own, to, margin, literal) {
  const S = distances(own.points, to.points);
  const same = mask(own.labels, to.labels);
  const hinges = S.map((row, i) => hinge(row, same[i], margin, literal));
  const counted = hinges.filter(Boolean);
  const loss = counted.reduce((sum, one) => sum + one.value, 0) / Math.max(counted.length, 1);
  return { S, same, hinges, counted: counted.length, loss };
}

// Eq. 2 for the one pair V-I: both directions, and which way each point is pushed by its gradient.
export function both(streams, margin, literal) {
  const there = directed(streams.V, streams.I, margin, literal);
  const back = directed(streams.I, streams.V, margin, literal);
  const gradient = { V: streams.V.points.map(() => [0, 0]), I: streams.I.points.map(() => [0, 0]) };
  add(gradient.V, gradient.I, streams.V.points, streams.I.points, there);
  add(gradient.I, gradient.V, streams.I.points, streams.V.points, back);
  return { there, back, total: there.loss + back.loss, gradient };
}

function add(own, to, points, others, { hinges, counted }) {
  hinges.forEach((one, i) => {
    if (!one || one.value <= 0) return;
    along(own[i], to[one.positive], points[i], others[one.positive], 1 / counted);
    if (one.negative >= 0) along(own[i], to[one.negative], points[i], others[one.negative],
      -1 / counted);
  });
}

// The gradient of weight * |a - b|; none where the two are one point.
function along(gradientA, gradientB, a, b, weight) {
  const length = distance(a, b);
  if (length === 0) return;
  for (const k of [0, 1]) {
    const part = (weight * (a[k] - b[k])) / length;
    gradientA[k] += part;
    gradientB[k] -= part;
  }
}

// One step of gradient descent.
export function step(streams, margin, literal, rate) {
  const { gradient } = both(streams, margin, literal);
  const moved = ({ points, labels }, own) => ({
    labels, points: points.map((point, n) => [point[0] - rate * own[n][0],
      point[1] - rate * own[n][1]]),
  });
  return { V: moved(streams.V, gradient.V), I: moved(streams.I, gradient.I) };
}
