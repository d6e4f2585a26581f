// Keeps a page of the desk up to date: fetches it again and puts its live parts in place. Everything works without.
(() => {
  const EVERY = 5000, SOONEST = 1000, EVENTS = "/v1/events";
  const parts = () => document.querySelectorAll("[data-live]");
  let timer = 0, last = 0, busy = false;

  // At an end of the queue one of the two buttons is gone.
  const other = (id) => id.replace(/^(up|down)-/, (_, way) => (way === "up" ? "down-" : "up-"));

  function put(old, fresh) {
    if (old.innerHTML === fresh.innerHTML) return;
    const active = document.activeElement, id = active && old.contains(active) ? active.id : "";
    if (old.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName)) return; // somebody types
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [...old.querySelectorAll("pre[tabindex]")].map((one) => one.scrollTop);
    old.replaceChildren(...fresh.childNodes);
    open.forEach((one) => document.getElementById(one)?.setAttribute("open", ""));
    old.querySelectorAll("pre[tabindex]").forEach((one, number) => { one.scrollTop = scrolled[number] || 0; });
    if (id) (document.getElementById(id) || document.getElementById(other(id)))?.focus();
  }

  function stale(is) {
    const words = document.getElementById("stale");
    if (!words) return;
    words.hidden = !is;
    words.textContent = is ? words.dataset.words : "";
  }

  async function refresh() {
    if (busy || document.hidden || !parts().length) return;
    busy = true;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.status === 401 || answer.status === 404) return location.reload();
      if (!answer.ok) return stale(true);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const old of parts()) {
        const fresh = page.getElementById(old.id);
        if (fresh) put(old, fresh);
      }
      document.title = page.title;
      stale(false);
    } catch {
      stale(true);
    } finally {
      busy = false;
      plan(EVERY);
    }
  }

  function plan(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }
  // Something happened: look soon, but no more than once a second.
  const soon = () => plan(Math.max(0, SOONEST - (Date.now() - last)));

  // One stream for all tabs of this browser: who holds the lock listens, and tells the others. Where a browser
  // has no locks, as on plain http to another machine, the page is fetched every few seconds, and that is all.
  function listen() {
    if (!navigator.locks || !window.BroadcastChannel || !window.EventSource || !parts().length) return;
    const others = new BroadcastChannel("tunedock");
    others.onmessage = soon;
    navigator.locks.request("tunedock-events", () => new Promise((leave) => {
      let stream, wait = EVERY;
      const told = () => { others.postMessage(1); soon(); };
      const open = () => {
        stream = new EventSource(EVENTS);
        stream.onopen = () => { wait = EVERY; };
        for (const type of ["message", "metrics"]) stream.addEventListener(type, told);
        stream.onerror = () => { // a 401 or 503 ends an EventSource for good
          if (stream.readyState === EventSource.CLOSED) setTimeout(open, wait = Math.min(2 * wait, 120000));
        };
      };
      open();
      addEventListener("pagehide", () => { stream.close(); leave(); }, { once: true });
    }));
  }
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });

  // Orders on a page: sent without leaving it, so that the place on it and the focus stay.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-quiet]")) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) return form.submit(); // the refusal as a page
    } catch {
      stale(true);
    }
    delete form.dataset.sent;
    busy = false;
    await refresh();
  });

  // How far an upload is.
  document.addEventListener("submit", (event) => {
    const form = event.target, bar = form.querySelector("progress");
    if (!form.matches("[data-upload]") || !bar) return;
    event.preventDefault();
    const sending = new XMLHttpRequest();
    bar.hidden = false;
    sending.upload.onprogress = (at) => { if (at.lengthComputable) bar.value = at.loaded / at.total; };
    sending.onload = () => {
      if (sending.status < 400) return location.assign(sending.responseURL);
      document.documentElement.replaceWith(new DOMParser().parseFromString(sending.responseText, "text/html").documentElement);
    };
    sending.onerror = () => { bar.hidden = true; stale(true); };
    sending.open("POST", form.action);
    sending.send(new FormData(form));
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  if (parts().length) plan(EVERY);
  listen();
})();
