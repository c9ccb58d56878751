// The list of what can be connected: search, and moving through it with the keyboard.
const List = (() => {
  'use strict';

  const { body, now } = Page;

  function open(view) {
    now.wanted = null;
    Views.swap(view);
    const choices = [...view.querySelectorAll('.choice')];
    const visible = () => choices.filter((choice) => !choice.parentElement.hidden);
    for (const choice of choices) choice.addEventListener('click', () => Navigation.go(choice.dataset.key));
    const search = view.querySelector('#search');
    if (search) {
      const plain = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
      search.addEventListener('input', () => {
        const words = plain(search.value).split(/\s+/).filter(Boolean);
        for (const choice of choices) choice.parentElement.hidden = !words.every((word) => plain(choice.dataset.words).includes(word));
        const count = visible().length;
        const none = view.querySelector('#none');
        none.hidden = count > 0;
        const text = none.querySelector('.hint');
        text.textContent = text.dataset.text.replace('{query}', search.value.trim());
        Views.announce(count ? body.dataset.count.replace('{count}', count) : text.textContent);
      });
      view.querySelector('#clear').addEventListener('click', clearSearch);
    }
    view.addEventListener('keydown', (event) => {
      const order = visible();
      const at = order.indexOf(document.activeElement);
      const move = { ArrowDown: at + 1, ArrowUp: at - 1, Home: at < 0 ? null : 0, End: at < 0 ? null : order.length - 1 }[event.key];
      if (event.key === 'Enter' && event.target === search && order.length) {
        event.preventDefault();
        order[0].click();
      } else if (move !== undefined && move !== null && order.length) {
        event.preventDefault();
        if (move < 0 && search) search.focus();
        else order[Math.max(0, Math.min(move, order.length - 1))].focus();
      }
    });
  }

  function clearSearch() {
    const search = document.getElementById('search');
    search.value = '';
    search.dispatchEvent(new Event('input'));
    search.focus();
  }

  return { open, clearSearch };
})();
