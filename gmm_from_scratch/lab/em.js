// The arithmetic of the lab: chapter 5's, for points in the plane. No drawing, no state, nothing from outside.
//
// X: an array of [x, y]. A mixture: {family, weights, means, covariances}, with K weights, K means [x, y] and K matrices
// [xx, xy, yy], whatever the family. resp: a Float64Array of N rows and K columns, one after the other.

const LOG_2PI = Math.log(2 * Math.PI);
const SMALLEST = 2 ** -1022; // the smallest number of full precision: numpy.finfo(float).tiny
const ROUNDING = 2 ** -52; // numpy.finfo(float).eps
const FAMILIES = ["full", "tied", "diag", "spherical"];

// A component that cannot go on: `empty` says that it has lost all points, otherwise its covariance has no inverse.
class Collapse extends Error {
  constructor(component, empty) {
    super(`component ${component} has ${empty ? "no points" : "a covariance without inverse"}`);
    this.component = component;
    this.empty = empty;
  }
}

// Return [l11, l21, l22] with L Lᵀ = Σ, or null where Σ is not positive definite (as cholesky_factor in gaussian.py).
function cholesky([xx, xy, yy]) {
  const l11 = Math.sqrt(xx);
  const l21 = xy / l11;
  const rest = yy - l21 * l21; // what x does not explain of the variance of y
  return xx > 0 && rest / yy >= 2 * ROUNDING ? [l11, l21, Math.sqrt(rest)] : null;
}

// ln π_k + ln N(x_n | μ_k, Σ_k)                                     (N, K)
function logJoint(X, mixture) {
  const K = mixture.weights.length;
  const joint = new Float64Array(X.length * K);
  for (let k = 0; k < K; k++) {
    const [l11, l21, l22] = cholesky(mixture.covariances[k]);
    const [mx, my] = mixture.means[k];
    const logDet = 2 * (Math.log(l11) + Math.log(l22)); // ln |Σ|
    const constant = Math.log(mixture.weights[k]) - 0.5 * (2 * LOG_2PI + logDet);
    for (let n = 0; n < X.length; n++) {
      const u1 = (X[n][0] - mx) / l11; // L u = x - μ
      const u2 = (X[n][1] - my - l21 * u1) / l22;
      joint[n * K + k] = constant - 0.5 * (u1 * u1 + u2 * u2);
    }
  }
  return joint;
}

// The E-step. Return r_nk, ln p(x_n) and ln p(X).
function eStep(X, mixture) {
  const K = mixture.weights.length;
  const resp = logJoint(X, mixture);
  const logDensity = new Float64Array(X.length);
  let logLikelihood = 0;
  for (let n = 0; n < X.length; n++) {
    let largest = -Infinity;
    for (let k = 0; k < K; k++) largest = Math.max(largest, resp[n * K + k]);
    let sum = 0;
    for (let k = 0; k < K; k++) sum += Math.exp(resp[n * K + k] - largest);
    logDensity[n] = largest + Math.log(sum); // log-sum-exp
    for (let k = 0; k < K; k++) resp[n * K + k] = Math.exp(resp[n * K + k] - logDensity[n]);
    logLikelihood += logDensity[n];
  }
  return { resp, logDensity, logLikelihood };
}

// N_k = Σ_n r_nk                                                    (K,)
function countsOf(resp, K) {
  const counts = new Array(K).fill(0);
  for (let i = 0; i < resp.length; i++) counts[i % K] += resp[i];
  return counts;
}

// The M-step. Return the mixture that maximises Σ_nk r_nk ln p(x_n, z_n = k); throw Collapse where there is none.
function mStep(X, resp, K, family, ridge = 0) {
  const counts = countsOf(resp, K);
  const least = counts.indexOf(Math.min(...counts));
  if (!(counts[least] >= SMALLEST)) throw new Collapse(least, true);
  const weights = counts.map((count) => count / X.length); // π_k = N_k / N
  const means = counts.map(() => [0, 0]);
  X.forEach(([x, y], n) => {
    for (let k = 0; k < K; k++) {
      means[k][0] += resp[n * K + k] * x;
      means[k][1] += resp[n * K + k] * y;
    }
  });
  means.forEach((mean, k) => mean.forEach((sum, i) => (mean[i] = sum / counts[k]))); // μ_k = Σ_n r_nk x_n / N_k
  const scatter = counts.map(() => [0, 0, 0]);
  X.forEach(([x, y], n) => {
    for (let k = 0; k < K; k++) {
      const dx = x - means[k][0];
      const dy = y - means[k][1];
      const r = resp[n * K + k];
      scatter[k][0] += r * dx * dx;
      scatter[k][1] += r * dx * dy;
      scatter[k][2] += r * dy * dy;
    }
  });
  scatter.forEach((S, k) => S.forEach((sum, i) => (S[i] = sum / counts[k] + (i === 1 ? 0 : ridge))));
  const covariances = restrict(scatter, weights, family);
  covariances.forEach((matrix, k) => {
    if (!cholesky(matrix)) throw new Collapse(k, false);
  });
  return { family, weights, means, covariances };
}

// What a covariance family keeps of the K scatter matrices.
function restrict(scatter, weights, family) {
  if (family === "tied") {
    const tied = [0, 1, 2].map((i) => scatter.reduce((sum, S, k) => sum + weights[k] * S[i], 0));
    return scatter.map(() => [...tied]);
  }
  if (family === "diag") return scatter.map(([xx, , yy]) => [xx, 0, yy]);
  if (family === "spherical") return scatter.map(([xx, , yy]) => [(xx + yy) / 2, 0, (xx + yy) / 2]);
  return scatter;
}

// The lower bound of chapter 4 and what it lacks: ln p(X) = bound + KL, for any responsibilities.
function boundAndKL(X, resp, mixture) {
  const K = mixture.weights.length;
  const joint = logJoint(X, mixture);
  const { logDensity } = eStep(X, mixture);
  let bound = 0;
  let kl = 0;
  for (let i = 0; i < resp.length; i++) {
    if (resp[i] === 0) continue; // r ln r goes to 0
    const logR = Math.log(resp[i]);
    bound += resp[i] * (joint[i] - logR);
    kl += resp[i] * (logR - joint[i] + logDensity[Math.floor(i / K)]);
  }
  return { bound, kl: Math.max(kl, 0) };
}

// Variances along the axes of Σ, the larger first, and the angle of the first axis in radians.
function axesOf([xx, xy, yy]) {
  const middle = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  const first = middle + spread;
  // The product of the two is the determinant: this keeps the digits that a difference would lose.
  return { variances: [first, Math.max((xx * yy - xy * xy) / first, 0)], angle: 0.5 * Math.atan2(2 * xy, xx - yy) };
}

// --- k-means ---------------------------------------------------------------------------------------------------------

const squaredDistance = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;

// The index of the nearest center of each point; a tie goes to the first.
function assign(X, centers) {
  return X.map((x) => {
    const distances = centers.map((center) => squaredDistance(x, center));
    return distances.indexOf(Math.min(...distances));
  });
}

// The mean of each cluster. One without points takes the point farthest from its center.
function update(X, labels, centers) {
  const sums = centers.map(() => [0, 0, 0]);
  X.forEach(([x, y], n) => [1, x, y].forEach((value, i) => (sums[labels[n]][i] += value)));
  const farness = X.map((x, n) => squaredDistance(x, centers[labels[n]]));
  const farthest = X.map((_, n) => n).sort((a, b) => farness[b] - farness[a] || a - b);
  return sums.map(([count, x, y]) => (count ? [x / count, y / count] : [...X[farthest.shift()]]));
}

// Lloyd's algorithm from given centers to its end.
function runKMeans(X, centers) {
  for (let round = 0; round < 300; round++) {
    const labels = assign(X, centers);
    const moved = update(X, labels, centers);
    if (moved.every((center, k) => center[0] === centers[k][0] && center[1] === centers[k][1])) break;
    centers = moved;
  }
  return centers;
}

// --- Starts (starts.py) ----------------------------------------------------------------------------------------------

// Numbers from [0, 1) that a seed determines: the generator mulberry32.
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// K points as centers, each next one with a probability in proportion to its squared distance (Arthur and Vassilvitskii 2007).
function plusPlus(X, K, random) {
  const centers = [[...X[Math.floor(random() * X.length)]]];
  while (centers.length < K) {
    const chances = X.map((x) => Math.min(...centers.map((center) => squaredDistance(x, center))));
    let left = random() * chances.reduce((sum, chance) => sum + chance, 0);
    const drawn = chances.findIndex((chance) => chance > 0 && (left -= chance) < 0);
    centers.push([...X[drawn >= 0 ? drawn : chances.indexOf(Math.max(...chances))]]);
  }
  return centers;
}

// An M-step on hard responsibilities: each component is fitted to its own points.
function startFromLabels(X, labels, K, family, ridge) {
  const resp = new Float64Array(X.length * K);
  labels.forEach((label, n) => (resp[n * K + label] = 1));
  return mStep(X, resp, K, family, ridge);
}

// Random points as means, equal weights, and for every component the covariance of all points.
function startFromPoints(X, K, family, ridge, random) {
  const pooled = mStep(X, new Float64Array(X.length * K).fill(1 / K), K, family, ridge);
  const indices = X.map((_, n) => n);
  pooled.means = pooled.means.map(() => [...X[indices.splice(Math.floor(random() * indices.length), 1)[0]]]);
  return pooled;
}

// --- Borders ---------------------------------------------------------------------------------------------------------

// Lines on which two of K scores are equal and the largest, as arrays of [x, y]. scores: points -> (N, K) one after the other.
function borderLines(scores, K, [left, bottom, right, top], nx = 90, ny = 60) {
  const grid = [];
  for (let j = 0; j <= ny; j++)
    for (let i = 0; i <= nx; i++) grid.push([left + ((right - left) * i) / nx, bottom + ((top - bottom) * j) / ny]);
  const values = scores(grid);
  const leader = new Int8Array(grid.length);
  const first = new Float64Array(grid.length);
  const second = new Float64Array(grid.length);
  for (let n = 0; n < grid.length; n++) {
    first[n] = second[n] = -Infinity;
    for (let k = 0; k < K; k++) {
      const value = values[n * K + k];
      if (value > first[n]) [second[n], first[n], leader[n]] = [first[n], value, k];
      else if (value > second[n]) second[n] = value;
    }
  }
  const lines = [];
  for (let k = 0; k < K - 1; k++) {
    // How far k is ahead of the best other; the border of k is where this is 0.
    const lead = (n) => (leader[n] === k ? first[n] - second[n] : values[n * K + k] - first[n]);
    const crossings = new Map(); // the edge of a cell -> where the border crosses it, and the edges it goes on to
    for (let j = 0; j < ny; j++)
      for (let i = 0; i < nx; i++) {
        const a = j * (nx + 1) + i;
        if (leader[a] === leader[a + 1] && leader[a] === leader[a + nx + 1] && leader[a] === leader[a + nx + 2]) continue;
        const corners = [a, a + 1, a + nx + 2, a + nx + 1];
        if (!corners.some((n) => leader[n] === k)) continue;
        const others = corners.map((n) => leader[n]).filter((label) => label !== k);
        if (others.every((label) => label < k)) continue; // drawn already
        const edges = [];
        corners.forEach((from, side) => {
          const to = corners[(side + 1) % 4];
          const [f, g] = [lead(from), lead(to)];
          if (f < 0 === g < 0) return;
          const id = Math.min(from, to) * 2 + (side % 2);
          const t = f / (f - g);
          const place = grid[from].map((c, axis) => c + t * (grid[to][axis] - c));
          if (!crossings.has(id)) crossings.set(id, { place, next: [] });
          edges.push(id);
        });
        for (let e = 0; e + 1 < edges.length; e += 2) {
          crossings.get(edges[e]).next.push(edges[e + 1]);
          crossings.get(edges[e + 1]).next.push(edges[e]);
        }
      }
    lines.push(...chains(crossings));
  }
  return lines;
}

// Join crossings to lines as long as possible: first those with an end, then closed ones.
function chains(crossings) {
  const lines = [];
  const follow = (id) => {
    const line = [];
    while (id !== undefined) {
      const { place, next } = crossings.get(id);
      crossings.delete(id);
      line.push(place);
      id = next.find((other) => crossings.has(other));
    }
    return line;
  };
  for (const [id, { next }] of [...crossings]) if (crossings.has(id) && next.length === 1) lines.push(follow(id));
  for (const id of [...crossings.keys()])
    if (crossings.has(id)) {
      const line = follow(id);
      lines.push(line.length > 2 ? [...line, line[0]] : line);
    }
  return lines.filter((line) => line.length > 1);
}

const mixtureScores = (mixture) => (points) => logJoint(points, mixture);
const kmeansScores = (centers) => (points) =>
  Float64Array.from(points.flatMap((x) => centers.map((center) => -squaredDistance(x, center))));
