// random - numbers from a seed, which is printed so that a failure can be
// repeated with FIELDLINE_SEED=... (splitmix32).
'use strict';

class Random {
  constructor(seed = Number(process.env.FIELDLINE_SEED) ||
    (Date.now() % 0x7fffffff)) {
    this.seed = seed;
    this.state = seed >>> 0;
    console.log(`# FIELDLINE_SEED=${seed}`);
  }

  /** 0 <= n < bound */
  below(bound) {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) % bound;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(percent) {
    return this.below(100) < percent;
  }
}

module.exports = { Random };
