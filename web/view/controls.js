// The buttons and choices that stand alone: what each asks for is for the page to do.

import { byId } from './dom.js';

/**
 * @typedef {object} Actions
 * @property {() => void} reconnect
 * @property {() => void} close closes the chosen row
 * @property {() => void} clear
 * @property {(order: import('../state.js').Order) => void} order
 * @property {() => void} dismiss takes the notice away
 */

/** @param {Actions} actions */
export function listenToControls(actions) {
  byId('reconnect').addEventListener('click', actions.reconnect);
  byId('clear').addEventListener('click', actions.clear);
  const order = /** @type {HTMLSelectElement} */ (byId('order'));
  order.addEventListener('change', () =>
    actions.order(/** @type {import('../state.js').Order} */ (order.value)),
  );
  byId('notice').addEventListener('click', ({ target }) => {
    if (target instanceof HTMLButtonElement) actions.dismiss();
  });
  window.addEventListener('keydown', ({ key }) => key === 'Escape' && actions.close());
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('[data-show]') : null;
    const pane = button?.getAttribute('data-show');
    if (pane) showPane(pane);
  });
}

/** @param {string} pane */
function showPane(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll('[data-show]')) {
    button.setAttribute('aria-pressed', String(button.getAttribute('data-show') === pane));
  }
}
