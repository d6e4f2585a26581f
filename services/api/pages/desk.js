// Keeps a page of the desk up to date: fetches it again and puts its live parts in place. Everything works without.
(() => {
  const OFTEN = 5000, SELDOM = 15000, SOONEST = 1000, LONGEST = 120000, EVENTS = "/v1/events";
  const parts = () => document.querySelectorAll("[data-live]");
  let timer = 0, last = 0, busy = false, every = OFTEN, sent = new WeakSet();

  // At an end of the queue one of the two buttons is gone.
  const other = (id) => id.replace(/^(up|down)-/, (_, way) => (way === "up" ? "down-" : "up-"));
  const alike = (one, two) => one && one.nodeName === two.nodeName && (one.id || "") === (two.id || "");

  // Makes `old` what `fresh` is. What does not differ stays the same element, with its focus, its scroll, its selection.
  function become(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    let at = old.firstChild;
    for (const want of [...fresh.childNodes]) {
      const have = alike(at, want) ? at : want.id && [...old.children].find((one) => alike(one, want));
      if (have === at && at) at = at.nextSibling;
      else old.insertBefore(have || want, at);
      if (have) become(have, want);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  function put(old, fresh) {
    const active = document.activeElement, inside = old.contains(active);
    if (inside && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName)) return; // somebody types
    become(old, fresh);
    if (!inside || document.activeElement === active || !active.id) return;
    (document.getElementById(active.id) || document.getElementById(other(active.id)))?.focus();
  }

  function stale(is) {
    const words = document.getElementById("stale");
    if (!words || words.hidden !== is) return;
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
      plan(every);
    }
  }

  function plan(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }
  // Something happened: look soon, but no more than once a second.
  const soon = () => plan(Math.max(0, SOONEST - (Date.now() - last)));

  // Listens to the events until the function that it gives is called. A 401 or 503 ends an EventSource for good.
  function follow(told) {
    let stream, later, wait = OFTEN;
    const open = () => {
      stream = new EventSource(EVENTS);
      stream.onopen = () => { wait = OFTEN; every = SELDOM; };
      for (const type of ["message", "metrics"]) stream.addEventListener(type, told);
      stream.onerror = () => {
        every = OFTEN;
        if (stream.readyState === EventSource.CLOSED) later = setTimeout(open, wait = Math.min(2 * wait, LONGEST));
      };
    };
    open();
    return () => { clearTimeout(later); stream.close(); every = OFTEN; };
  }

  // One stream for all tabs of this browser: who holds the lock listens, and tells the others. Browsers open few
  // connections to a host, so where there are no locks, as on plain http to another machine, only what is seen listens.
  function listen() {
    if (!window.EventSource || !parts().length) return;
    if (navigator.locks && window.BroadcastChannel) {
      const others = new BroadcastChannel("tunedock");
      others.onmessage = () => { every = SELDOM; soon(); };
      addEventListener("pagehide", () => others.close(), { once: true });
      navigator.locks.request("tunedock-events", () => new Promise((leave) => {
        const end = follow(() => { others.postMessage(1); soon(); });
        addEventListener("pagehide", () => { end(); leave(); }, { once: true });
      }));
      return;
    }
    let end = null;
    const look = () => {
      if (!document.hidden) return end ||= follow(soon);
      end?.();
      end = null;
    };
    document.addEventListener("visibilitychange", look);
    addEventListener("pagehide", () => {
      document.removeEventListener("visibilitychange", look);
      end?.();
    }, { once: true });
    look();
  }
  addEventListener("pageshow", (event) => { if (event.persisted) { sent = new WeakSet(); listen(); refresh(); } });

  // Orders on a page: sent without leaving it, so that the place on it and the focus stay. Where the script can't
  // send, or is refused, the browser sends the form: it shows what the service says.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-quiet]")) return;
    event.preventDefault();
    if (sent.has(form)) return;
    sent.add(form);
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual",
      });
      if (answer.type !== "opaqueredirect") return form.submit();
    } catch {
      return form.submit();
    }
    sent.delete(form);
    busy = false;
    await refresh();
  });

  // How far an upload is.
  document.addEventListener("submit", (event) => {
    const form = event.target, bar = form.querySelector("progress");
    if (!form.matches("[data-upload]") || !bar) return;
    event.preventDefault();
    if (sent.has(form)) return;
    sent.add(form);
    const sending = new XMLHttpRequest();
    bar.hidden = false;
    sending.upload.onprogress = (at) => { if (at.lengthComputable) bar.value = at.loaded / at.total; };
    sending.onload = () => {
      if (sending.status < 400) return location.assign(sending.responseURL);
      document.documentElement.replaceWith(new DOMParser().parseFromString(sending.responseText, "text/html").documentElement);
    };
    sending.onerror = () => form.submit();
    sending.open("POST", form.action);
    sending.send(new FormData(form));
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  if (parts().length) plan(OFTEN);
  listen();
})();
