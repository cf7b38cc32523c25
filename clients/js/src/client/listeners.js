// Those who want to be told. One that throws keeps nobody else from being told.

/** @template {unknown[]} Args */
export class Listeners {
  /** @type {Set<(...args: Args) => void>} */
  #all = new Set();

  /**
   * @param {(...args: Args) => void} listener
   * @returns {() => void} takes it off again
   */
  add(listener) {
    const own = /** @type {typeof listener} */ ((...args) => listener(...args));
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  /** @param {Args} args */
  tell(...args) {
    for (const listener of [...this.#all]) safely(() => listener(...args));
  }

  clear() {
    this.#all.clear();
  }
}

/**
 * Calls somebody else's code; what it throws is reported as uncaught.
 * @param {() => void} call
 */
export function safely(call) {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
