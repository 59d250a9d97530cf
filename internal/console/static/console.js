// What the pages need beside htmx: parts that change by themselves, small charts, copying
// of commands, and forms that stay on their page.
(() => {
  "use strict";
  const csrf = document.body.dataset.csrf;

  document.body.addEventListener("htmx:configRequest", (e) => { e.detail.headers["X-CSRF-Token"] = csrf; });

  const say = (text) => { document.getElementById("message").textContent = text; };

  // Where the focus was inside a part comes back to what stands for the same.
  const same = (el) => el.id ? "#" + CSS.escape(el.id) : el.dataset.post ? `[data-post="${el.dataset.post}"]` : el.getAttribute("href") ? `a[href="${CSS.escape(el.getAttribute("href"))}"]`
    : el.getAttribute("aria-label") ? `[aria-label="${CSS.escape(el.getAttribute("aria-label"))}"]` : null;

  // A run that goes on is updated in place, so that its button can be pressed; its end
  // is announced.
  const progressed = (part, html) => {
    const next = document.createElement("template");
    next.innerHTML = html;
    const [was, is] = [part.querySelector("progress"), next.content.querySelector("progress")];
    if (!is) say(next.content.querySelector("[data-end]")?.textContent ?? "");
    if (!was || !is) return false;
    part.querySelector("[data-text]").textContent = next.content.querySelector("[data-text]").textContent;
    for (const name of ["value", "max"]) is.hasAttribute(name) ? was.setAttribute(name, is.getAttribute(name)) : was.removeAttribute(name);
    return true;
  };

  // Somebody is in one of its fields.
  const busy = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, select");

  // A part is left alone while somebody is in one of its fields, and so is a run that
  // had ended before the page was opened, where its page is not about it.
  const replace = (name, html) => {
    const part = document.getElementById(name);
    if (!part || busy(part)) return;
    if ("quiet" in part.dataset && !html.includes("<progress")) return;
    delete part.dataset.quiet;
    if (name.startsWith("job-") && progressed(part, html)) return;
    fill(part, html);
  };

  const fill = (part, html) => {
    const scrolled = [...part.querySelectorAll(".wide")].map((el) => el.scrollLeft);
    const focused = part.contains(document.activeElement) ? same(document.activeElement) : null;
    part.innerHTML = html;
    part.querySelectorAll(".wide").forEach((el, i) => { el.scrollLeft = scrolled[i] ?? 0; });
    window.htmx?.process(part);
    draw(part);
    if (focused) (part.querySelector(focused) ?? part).focus();
  };

  // A part that depends on what this page shows is asked for when it has changed, once
  // nobody is in one of its fields, and replaced if it is another one.
  const asked = new WeakMap(); // part: {running, again, text}
  const renew = async (part) => {
    const state = asked.get(part) ?? {};
    asked.set(part, state);
    state.again = true;
    if (state.running) return;
    state.running = true;
    while (state.again && !busy(part)) {
      state.again = false;
      const answer = await fetch(part.dataset.part).catch(() => null); // the stream says that nobody answers
      const text = answer?.ok ? await answer.text() : null;
      if (text === null || text === state.text) continue;
      if (busy(part)) { state.again = true; break; }
      state.text = text;
      const value = part.value;
      fill(part, text);
      if (value !== undefined) part.value = value;
    }
    state.running = false;
  };
  document.addEventListener("focusout", () => setTimeout(() => {
    for (const part of document.querySelectorAll("[data-part]")) if (asked.get(part)?.again) renew(part);
  }));
  const news = (name, version) => {
    for (const part of document.querySelectorAll(`[data-on="${name}"]`)) {
      if (part.dataset.version === version) continue;
      part.dataset.version = version;
      renew(part);
    }
  };

  // A part that was chosen is asked for again after a look.
  const again = async () => {
    for (const part of document.querySelectorAll("[data-again]")) {
      const answer = await fetch(part.dataset.again);
      if (!answer.ok) continue;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (next) replace(part.id, next.innerHTML);
    }
  };

  // A browser has few connections to one server, and each look has its price: a tab that
  // is hidden asks for nothing.
  const parts = ["overview", "findings", "alarms", "trouble", "clock", "job-letters", "job-replay", "job-verify", "job-plan", "job-backfill", "flow"];
  const large = ["overview", "findings", "alarms"]; // not sent to a page that does not show them
  const lost = "<p>The console does not answer; what is shown is old.</p>";
  let live = null;
  const connect = () => {
    if (document.hidden || live) return;
    const query = new URLSearchParams({ page: document.body.dataset.page });
    for (const name of large) if (!document.getElementById(name) && !(name === "overview" && document.querySelector("[data-again]"))) query.append("without", name);
    live = new EventSource("/live?" + query);
    for (const name of parts) live.addEventListener(name, (e) => replace(name, e.data));
    live.addEventListener("overview", again);
    live.addEventListener("switches", (e) => flip(e.data));
    for (const name of ["letters", "compared", "ended"]) live.addEventListener(name, (e) => news(name, e.data));
    live.addEventListener("error", () => replace("trouble", lost));
    live.addEventListener("open", () => { if (document.getElementById("trouble").innerHTML === lost) replace("trouble", ""); });
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return connect();
    live?.close();
    live = null;
  });
  connect();

  // Canvas knows no light-dark(): the colours are those that the element has.
  function draw(root) {
    for (const el of root.querySelectorAll("[data-spark]")) {
      if (el.firstChild) continue;
      const [times, replicas, p99] = JSON.parse(el.dataset.spark);
      const style = getComputedStyle(el);
      const y = { range: (_, __, max) => [0, Math.max(max || 0, 1)] };
      new uPlot({
        width: el.clientWidth || 160, height: 32, cursor: { show: false }, legend: { show: false }, select: { show: false },
        axes: [{ show: false }, { show: false }, { show: false, scale: "lag" }], scales: { y, lag: y },
        series: [{},
          { stroke: style.color, fill: style.color, width: 1, points: { show: false }, paths: uPlot.paths.bars({ size: [1, 6] }) },
          { stroke: style.outlineColor, width: 1.5, scale: "lag", spanGaps: true, points: { show: false } }],
      }, [times, replicas, p99], el);
    }
  }
  draw(document);
  const redraw = () => {
    for (const el of document.querySelectorAll("[data-spark]")) el.replaceChildren();
    draw(document);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let resized = 0;
  window.addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(redraw, 200);
  });

  // The button says that its command is copied, and so does the status, which screen
  // readers announce. Where the browser refuses, the command is selected instead.
  async function copied(button) {
    say("");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      return say("The browser does not let this page copy. The command is selected: copy it with the keyboard.");
    }
    say(`Copied: ${button.dataset.copy}`);
    button.textContent = "Copied";
    clearTimeout(button.timer);
    button.timer = setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  document.addEventListener("click", (e) => {
    const copy = e.target.closest("[data-copy]");
    if (copy) return copied(copy);
    const post = e.target.closest("[data-post]");
    if (post) send(post.dataset.post, new URLSearchParams());
  });

  async function send(action, body) {
    const answer = await fetch(action, { method: "POST", body, headers: { "X-CSRF-Token": csrf, "HX-Request": "true" } });
    say(answer.ok ? "" : await answer.text());
    return answer.ok;
  }

  // Files that are dropped onto a Region, or chosen for it, are uploaded there.
  const upload = async (region, files) => {
    for (const file of files) {
      const to = new URLSearchParams({ region, key: file.name });
      const answer = await fetch("/sandbox/upload?" + to, { method: "POST", body: file, headers: { "X-CSRF-Token": csrf } });
      say(answer.ok ? `Uploaded ${file.name} to ${region}.` : await answer.text());
    }
  };
  for (const zone of document.querySelectorAll("[data-drop]")) {
    zone.addEventListener("dragover", (e) => { e.preventDefault(); zone.classList.add("over"); });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (e) => { e.preventDefault(); zone.classList.remove("over"); upload(zone.dataset.drop, e.dataTransfer.files); });
    zone.querySelector("input[type=file]").addEventListener("change", async (e) => {
      await upload(zone.dataset.drop, e.target.files);
      e.target.value = ""; // so that the same file can be chosen again
    });
  }

  // Faults are switched elsewhere, too: in another tab, by the command, or by themselves
  // after their last strike.
  let switched = "{}";
  function flip(json) {
    switched = json;
    const [rates, on] = [JSON.parse(json), {}];
    for (const box of document.querySelectorAll("[data-fault]")) {
      const { region, fault } = box.dataset;
      const rate = rates[`${region} ${fault}`] ?? 0;
      on[region] = (on[region] ?? 0) + (rate > 0 ? 1 : 0);
      box.checked = rate > 0;
      box.disabled = "number" in box.dataset && rate === 0;
      box.parentElement.querySelector("[data-rate]").textContent = rate > 0 && rate < 1 ? `strikes ${Math.round(100 * rate)} times in 100` : "";
    }
    for (const el of document.querySelectorAll("[data-struck]")) el.textContent = on[el.dataset.struck] ? `(${on[el.dataset.struck]} on)` : "";
  }
  const switches = document.querySelector("[data-switches]");
  if (switches) flip(switches.dataset.switches);
  document.addEventListener("change", async (e) => {
    const fault = e.target.closest("[data-fault]");
    if (!fault) return;
    const { region, fault: kind } = fault.dataset;
    if (!await send("/sandbox/fault", new URLSearchParams({ region, kind, on: fault.checked }))) flip(switched);
  });

  // A form that starts a run stays where the run is shown, else its page follows.
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (form.method !== "post") return;
    e.preventDefault();
    if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
    if (await send(form.getAttribute("action"), new URLSearchParams(new FormData(form)))) {
      if (form.dataset.said) say(form.dataset.said);
      if ("stay" in form.dataset) return;
      const page = "/" + form.getAttribute("action").split("/")[1];
      if (location.pathname !== page) location.assign(page);
    }
  });
})();
