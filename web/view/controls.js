// The buttons and choices that stand alone: what each asks for is for the page to do.

import { byId } from './dom.js';

/**
 * @typedef {object} Actions
 * @property {() => void} reconnect
 * @property {() => void} close closes the chosen row
 * @property {() => void} clear
 */

/** @param {Actions} actions */
export function listenToControls(actions) {
  byId('reconnect').addEventListener('click', actions.reconnect);
  byId('clear').addEventListener('click', actions.clear);
  window.addEventListener('keydown', ({ key }) => key === 'Escape' && actions.close());
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('[data-show]') : null;
    const pane = button?.getAttribute('data-show');
    if (pane) showPane(pane);
  });
}

/**
 * On a phone, where one is shown at a time.
 * @param {string} pane
 */
export function showPane(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll('[data-show]')) {
    button.setAttribute('aria-pressed', String(button.getAttribute('data-show') === pane));
  }
}
