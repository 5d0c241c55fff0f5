(() => {
  'use strict';
  const limit = 5000, patience = 20000, pause = 5000;
  const root = document.documentElement;
  const byId = id => document.getElementById(id);
  const stale = byId('stale'), live = byId('live'), icon = byId('icon');
  let state = root.dataset.state, title = document.title;
  let heard = performance.now(), tried = heard, source, isLive;

  function show(now) {
    if (now !== isLive) {
      isLive = now;
      root.dataset.live = now ? 'yes' : 'no';
      live.textContent = now ? 'live' : 'not live';
      stale.textContent = now ? '' : 'NOT LIVE since ' + byId('now').textContent + '. What is below was so then.';
    }
    const name = now ? title : 'NOT LIVE · rotatelog ' + root.dataset.host;
    if (document.title !== name) document.title = name;
    const href = 'icon/' + (now ? state : 'stale') + '.svg';
    if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
  }

  function hear(event) {
    const news = JSON.parse(event.data);
    if (news.version !== root.dataset.version) {
      location.reload();
      return;
    }
    heard = performance.now();
    state = news.state;
    title = news.title;
    for (const [id, html] of Object.entries(news.parts)) {
      const part = byId(id);
      if (part) part.innerHTML = html;
    }
    show(true);
  }

  function connect() {
    tried = performance.now();
    if (source) source.close();
    const mine = source = new EventSource('events' + location.search);
    mine.onmessage = hear;
    mine.onerror = () => {
      if (mine.readyState === EventSource.CLOSED) setTimeout(() => { if (mine === source) connect(); }, pause);
    };
  }

  live.textContent = 'connecting';
  connect();
  setInterval(() => {
    const now = performance.now();
    if (now - heard > limit) show(false);
    if (now - Math.max(heard, tried) > patience) connect();
  }, 1000);
})();
