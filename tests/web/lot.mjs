// Seeded randomness, so that a failure can be seen again.

export function lot(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below) => Math.floor(next() * below);
  const pick = (list) => list[whole(list.length)];
  const some = (list, share = 0.4) => list.filter(() => next() < share);
  return { next, whole, pick, some };
}

export function freeze(value) {
  const open = value && typeof value === "object" && !Object.isFrozen(value);
  if (open) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
}
