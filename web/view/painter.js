// Draws at most once a frame, and leaves the page time to breathe when drawing is slow.

/** After a drawing that took t, the next begins no sooner than t times this. */
const REST_FACTOR = 4;

/**
 * @param {() => void} draw
 * @returns {() => void} asks for a drawing
 */
export function painter(draw) {
  let asked = false;
  let notBefore = 0;

  function frame() {
    asked = false;
    const began = performance.now();
    draw();
    const ended = performance.now();
    notBefore = ended + (ended - began) * REST_FACTOR;
  }

  return () => {
    if (asked) return;
    asked = true;
    const rest = notBefore - performance.now();
    if (rest > 0) setTimeout(() => requestAnimationFrame(frame), rest);
    else requestAnimationFrame(frame);
  };
}
