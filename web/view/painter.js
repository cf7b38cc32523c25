// Draws at most once a frame, and leaves the page time for everything else when drawing is slow.

/** After a frame that took t, the next drawing waits t times this … */
const REST_FACTOR = 3;
/** … but never longer than this. */
const REST_AT_MOST_MS = 750;

/**
 * @param {() => void} draw
 * @returns {() => void} asks for a drawing
 */
export function painter(draw) {
  /** @type {'idle' | 'planned' | 'drawing'} */
  let phase = 'idle';
  let askedMeanwhile = false;
  let notBefore = 0;

  function ask() {
    if (phase === 'idle') plan();
    else if (phase === 'drawing') askedMeanwhile = true;
  }

  function plan() {
    phase = 'planned';
    const wait = notBefore - performance.now();
    if (wait > 0) setTimeout(() => requestAnimationFrame(frame), wait);
    else requestAnimationFrame(frame);
  }

  function frame() {
    phase = 'drawing';
    askedMeanwhile = false;
    const began = performance.now();
    try {
      draw();
    } finally {
      setTimeout(() => rest(began)); // after layout and paint, which take longer than `draw` does
    }
  }

  /** @param {number} began */
  function rest(began) {
    const ended = performance.now();
    notBefore = ended + Math.min((ended - began) * REST_FACTOR, REST_AT_MOST_MS);
    phase = 'idle';
    if (askedMeanwhile) plan();
  }

  return ask;
}
