// map - couriers and clinics on a canvas, without tiles from anywhere.
//
// Web Mercator around what there is to see. Couriers glide from their last
// position to the newest over one update's interval; a completed stop leaves a
// ring that fades.

const GLIDE_MS = 1000;
const RING_MS = 2500;
const TRAIL = 14;

const mercator = (lat) =>
  Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));

export class CourierMap {
  #canvas; #context; #places = []; #couriers = new Map(); #rings = [];
  #bounds; #colours = {};

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d');
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)')
      .addEventListener('change', () => this.#readColours());
    this.#readColours();
    this.#resize();
    requestAnimationFrame((now) => this.#draw(now));
  }

  /** @param {{lat: number, lng: number, name: string}[]} places */
  setPlaces(places) {
    this.#places = places;
    this.#fit();
  }

  /** @param {string} key @param {{lat: number, lng: number, label?: string}} at */
  move(key, at) {
    const now = performance.now();
    const courier = this.#couriers.get(key);
    if (!courier) {
      this.#couriers.set(key, { from: at, to: at, since: now, trail: [] });
      if (!this.#bounds) this.#fit();
      return;
    }
    courier.from = this.#at(courier, now);
    courier.to = at;
    courier.since = now;
    courier.trail.push(courier.from);
    if (courier.trail.length > TRAIL) courier.trail.shift();
  }

  /** A stop was completed there. */
  ring(at) {
    this.#rings.push({ ...at, since: performance.now() });
    if (this.#rings.length > 200) this.#rings.shift();
  }

  get courierCount() {
    return this.#couriers.size;
  }

  #at(courier, now) {
    const t = Math.min(1, (now - courier.since) / GLIDE_MS);
    return {
      lat: courier.from.lat + (courier.to.lat - courier.from.lat) * t,
      lng: courier.from.lng + (courier.to.lng - courier.from.lng) * t,
    };
  }

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['ink', 'soft', 'warm', 'good', 'grid', 'card']) {
      this.#colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, this.#canvas.clientWidth * ratio);
    this.#canvas.height = Math.max(1, this.#canvas.clientHeight * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#fit();
  }

  // The box that holds the middle 96 % of places in each axis, with a margin.
  #fit() {
    const points = this.#places.length ? this.#places
      : [...this.#couriers.values()].map((c) => c.to);
    if (!points.length) return;
    const range = (values) => {
      values.sort((a, b) => a - b);
      const cut = Math.floor(values.length * 0.02);
      return [values[cut], values[values.length - 1 - cut]];
    };
    const [west, east] = range(points.map((p) => p.lng));
    const [south, north] = range(points.map((p) => mercator(p.lat)));
    const w = this.#canvas.clientWidth, h = this.#canvas.clientHeight;
    const spanX = Math.max(((east - west) * Math.PI) / 180, 1e-4);
    const spanY = Math.max(north - south, 1e-4);
    const scale = 0.88 * Math.min(w / spanX, h / spanY);
    this.#bounds = {
      scale,
      x: w / 2 - (((east + west) / 2) * Math.PI / 180) * scale,
      y: h / 2 + ((north + south) / 2) * scale,
    };
  }

  #project(p) {
    const { scale, x, y } = this.#bounds;
    return [x + (p.lng * Math.PI / 180) * scale, y - mercator(p.lat) * scale];
  }

  #draw(now) {
    requestAnimationFrame((next) => this.#draw(next));
    const c = this.#context;
    const w = this.#canvas.clientWidth, h = this.#canvas.clientHeight;
    c.clearRect(0, 0, w, h);
    if (!this.#bounds) return;
    this.#drawGrid(c, w, h);
    this.#drawPlaces(c, w, h);
    this.#drawRings(c, now);
    this.#drawCouriers(c, now);
    this.#drawScale(c, h);
  }

  #drawGrid(c, w, h) {
    const { scale, x, y } = this.#bounds;
    const perDegree = (scale * Math.PI) / 180;
    const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
      .find((s) => s * perDegree > 90) || 45;
    c.strokeStyle = this.#colours.grid;
    c.lineWidth = 1;
    c.beginPath();
    for (let lng = Math.ceil(-x / perDegree / step) * step;
      x + lng * perDegree < w; lng += step) {
      const px = Math.round(x + lng * perDegree) + 0.5;
      c.moveTo(px, 0);
      c.lineTo(px, h);
    }
    const degrees = (m) => (Math.atan(Math.sinh(m)) * 180) / Math.PI;
    const south = degrees((y - h) / scale), north = degrees(y / scale);
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
      const py = Math.round(y - mercator(lat) * scale) + 0.5;
      c.moveTo(0, py);
      c.lineTo(w, py);
    }
    c.stroke();
  }

  #drawPlaces(c, w, h) {
    const taken = [];
    c.font = '11px system-ui, "DejaVu Sans", sans-serif';
    for (const place of this.#places) {
      const [px, py] = this.#project(place);
      if (px < 0 || py < 0 || px > w || py > h) continue;
      c.fillStyle = this.#colours.soft;
      c.globalAlpha = 0.45;
      c.fillRect(px - 1.5, py - 1.5, 3, 3);
      const width = place.name.length * 6 + 8;
      const box = [px + 5, py - 7, px + 5 + width, py + 7];
      const free = box[2] < w && taken.every((t) => box[0] > t[2] + 30 ||
        box[2] + 30 < t[0] || box[1] > t[3] + 24 || box[3] + 24 < t[1]);
      if (free) {
        taken.push(box);
        c.globalAlpha = 0.8;
        c.fillText(place.name, px + 6, py + 4);
      }
    }
    c.globalAlpha = 1;
  }

  #drawRings(c, now) {
    this.#rings = this.#rings.filter((r) => now - r.since < RING_MS);
    c.strokeStyle = this.#colours.good;
    c.lineWidth = 2;
    for (const ring of this.#rings) {
      const t = (now - ring.since) / RING_MS;
      const [px, py] = this.#project(ring);
      c.globalAlpha = 1 - t;
      c.beginPath();
      c.arc(px, py, 4 + 16 * t, 0, 2 * Math.PI);
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  #drawCouriers(c, now) {
    for (const courier of this.#couriers.values()) {
      const at = this.#at(courier, now);
      const [px, py] = this.#project(at);
      c.strokeStyle = this.#colours.warm;
      c.lineWidth = 1.5;
      c.globalAlpha = 0.35;
      c.beginPath();
      for (const p of courier.trail) c.lineTo(...this.#project(p));
      c.lineTo(px, py);
      c.stroke();
      c.globalAlpha = 1;
      c.fillStyle = this.#colours.warm;
      c.beginPath();
      c.arc(px, py, 4.5, 0, 2 * Math.PI);
      c.fill();
      c.strokeStyle = this.#colours.card;
      c.stroke();
    }
  }

  #drawScale(c, h) {
    const { scale, y } = this.#bounds;
    const lat = Math.atan(Math.sinh((y - h / 2) / scale));
    const metre = scale / (6371008.8 * Math.cos(lat));
    const metres = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5]
      .find((m) => m * metre > 60) || 1e6;
    c.fillStyle = c.strokeStyle = this.#colours.soft;
    c.lineWidth = 2;
    c.beginPath();
    c.moveTo(14, h - 18);
    c.lineTo(14, h - 13);
    c.lineTo(14 + metres * metre, h - 13);
    c.lineTo(14 + metres * metre, h - 18);
    c.stroke();
    c.fillText(metres >= 1000 ? `${metres / 1000} km` : `${metres} m`,
      20, h - 20);
  }
}
