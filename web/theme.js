// Runs before the page is drawn, so that a chosen theme doesn't flash in the other one's colours.
'use strict';

(() => {
  const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
  const NAMES = { auto: 'automatic', light: 'light', dark: 'dark' };
  const root = document.documentElement;

  function stored() {
    try {
      return localStorage.getItem('rowcast.theme');
    } catch {
      return null; // storage may be switched off; the choice then lasts as long as the page
    }
  }

  function choose(theme) {
    root.dataset.theme = theme;
    try {
      localStorage.setItem('rowcast.theme', theme);
    } catch {
      // as above
    }
  }

  function label(button) {
    const text = `Colours: ${NAMES[root.dataset.theme]}`;
    button.title = text;
    button.setAttribute('aria-label', text);
  }

  root.dataset.theme = stored() in NEXT ? stored() : 'auto';

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    label(button);
    button.addEventListener('click', () => {
      choose(NEXT[root.dataset.theme]);
      label(button);
    });
  });
})();
